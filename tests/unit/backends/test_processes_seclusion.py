"""What an instance changes of the machine stays with the instance, where its program asks for private copies."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from seatrial.backends.interface import Program
from seatrial.backends.processes import Processes

from .processes_trial import Trial

PARAMETER = Path("/proc/sys/kernel/panic_on_oops")


@pytest.fixture
def trial() -> Iterator[Trial]:
    backend = Processes(seed=7)
    trial = Trial(backend)
    yield trial
    backend.run(trial.network.close())
    backend.close()


def shell(trial: Trial, line: str, *private: Path) -> tuple[int, str]:
    """What came of a line, in an instance with private copies, and what it wrote."""

    async def act() -> tuple[int, str]:
        program = Program(command=["sh", "-c", line], private=[str(path) for path in private])
        instance = await trial.network.boot("one", await trial.network.host("one"), program)
        return await instance.exited, instance.log_tail()

    return trial.backend.run(act())


def test_a_private_folder_begins_as_the_machines_and_goes_its_own_way(trial: Trial, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("as it was")

    status, said = shell(trial, f"cd {tmp_path}; cat kept; echo changed > kept; touch new; rm kept; ls", tmp_path)

    assert (status, said) == (0, "as it wasnew")
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("kept", "as it was")]


def test_a_private_parameter_of_the_kernel_is_set_for_the_instance_only(trial: Trial) -> None:
    before = PARAMETER.read_text()
    other = "1" if before.strip() == "0" else "0"

    assert shell(trial, f"echo {other} > {PARAMETER}; cat {PARAMETER}", PARAMETER) == (0, other)
    assert PARAMETER.read_text() == before


def test_what_is_not_there_cannot_be_private_and_is_named(trial: Trial) -> None:
    status, said = shell(trial, "true", Path("/no/such/place"))

    assert status == 126
    assert said == "no private copy of /no/such/place is to be had: No such file or directory"
