"""The files of a component are written for each instance, with its own values."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from seatrial.adapters.descriptor import load
from seatrial.cluster.filling import Filling, Surroundings
from seatrial.cluster.layout import Placement
from seatrial.model.errors import UsageError

TEXT = """\
apiVersion: seatrial/v1
kind: Implementation
metadata: {name: mine}
basedOn: reference
settings: {bin: "${cache}/mine"}
components:
  scheduler:
    command: ["${set.bin}/tool"]
    args: ["--config=%s"]
    files: {config.yaml: "here: ${host.address}\\nmore: ${set.more}\\n"}
"""


def filling(folder: Path, asks: str = "${file.config.yaml}", **settings: str) -> Filling:
    (folder / "mine.yaml").write_text(TEXT % asks)
    implementation = load(str(folder / "mine.yaml"))
    nobody: Any = None
    around = Surroundings(
        implementation=implementation,
        identities=nobody,
        directory=folder,
        stores=(),
        servers=(),
        tokens=folder,
        hooks={},
        settings=settings,
    )
    placement = Placement(name="scheduler-0", component=implementation.components["scheduler"], index=0)
    host: Any = SimpleNamespace(name="scheduler-0", address="10.0.0.7")
    return Filling(placement=placement, host=host, around=around)


def test_a_file_is_written_with_the_values_of_its_instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache/me")

    program = filling(tmp_path, more="given").program()

    assert list(program.command) == ["/var/cache/me/seatrial/mine/tool"]
    (option,) = program.args
    assert Path(option.removeprefix("--config=")).read_text() == "here: 10.0.0.7\nmore: given\n"


def test_a_file_that_the_component_has_not_is_named_with_those_that_it_has(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"components.scheduler.args.0 asks for \$\{file.other\}; its files are: config.yaml"):
        filling(tmp_path, "${file.other}").program()


def test_a_setting_without_any_value_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"asks for \$\{set.more\}; give it with --set more=VALUE"):
        filling(tmp_path).program()
