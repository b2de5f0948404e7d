"""Several roles as one process."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from seatrial_reference import apiserver, etcd
from seatrial_reference.__main__ import main, share


def modules(*names: Any) -> Any:
    return [SimpleNamespace(parser=name.parser) for name in names]


def test_one_role_gets_all_flags() -> None:
    assert share(modules(etcd), ["--whatever"]) == [["--whatever"]]


def test_several_roles_share_what_they_know() -> None:
    flags = ["--data-dir=d", "--etcd-servers=http://e:2379"]
    assert share(modules(etcd, apiserver), flags) == [["--data-dir=d"], ["--etcd-servers=http://e:2379"]]
    with pytest.raises(SystemExit, match="--nonsense=1"):
        share(modules(etcd, apiserver), ["--nonsense=1"])


@pytest.mark.parametrize("argv", [[], ["nobody"]])
def test_unknown_roles(argv: list[str]) -> None:
    with pytest.raises(SystemExit, match="usage"):
        main(argv)


def test_a_process_ends_well_when_it_is_asked_to() -> None:
    command = [sys.executable, "-m", "seatrial_reference", "apiserver", "--etcd-servers=http://127.0.0.1:9", "--secure-port=0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=os.environ) as process:
        os.set_blocking(process.stderr.fileno(), False)  # type: ignore[union-attr]
        while not _listens(process.pid):
            assert process.poll() is None, process.stderr.read()  # type: ignore[union-attr]
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def _listens(pid: int) -> bool:
    try:
        links = [str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir()]
    except FileNotFoundError:
        return False
    return sum("socket:" in link for link in links) >= 3  # the loop's own pair, and the listening one
