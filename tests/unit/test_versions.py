"""Components that are not of the version that their descriptor is for are named before anything is started."""

from pathlib import Path

import pytest

from seatrial.adapters.descriptor import load
from seatrial.model.errors import NotReady, UsageError
from seatrial.versions import verify

TEXT = """\
apiVersion: seatrial/v1
kind: Implementation
metadata: {{name: mine, version: 1.37.1}}
basedOn: reference
settings: {{bin: {bin}}}
components: {{scheduler: {{command: [x], version: {version}}}}}
"""


def verified(folder: Path, says: str | None, *, version: str = '["${set.bin}/tool", --version]', **settings: str) -> None:
    """Verify a component whose tool says something, or is not there."""
    if says is not None:
        (folder / "tool").write_text(f"#!/bin/sh\n{says}\n")
        (folder / "tool").chmod(0o755)
    file = folder / "mine.yaml"
    file.write_text(TEXT.format(bin=folder, version=version))
    verify(load(str(file)), settings)


@pytest.mark.parametrize("says", ["echo Kubernetes v1.37.1", "echo '1.37.1' >&2", "echo 'tool 1.37.1-beta+dirty'; exit 3"])
def test_a_tool_says_its_version_where_and_how_it_likes(tmp_path: Path, says: str) -> None:
    verified(tmp_path, says)


@pytest.mark.parametrize("says", ["echo Kubernetes v1.34.4", "echo v1.37.10", "echo 21.37.1", "true"])
def test_another_version_is_named_with_the_component(tmp_path: Path, says: str) -> None:
    with pytest.raises(NotReady, match=r"component scheduler is of another version than 1\.37\.1, .* says "):
        verified(tmp_path, says)


def test_a_tool_that_is_not_there_is_named_with_its_folder(tmp_path: Path) -> None:
    with pytest.raises(NotReady, match=r"component scheduler cannot be started: /nowhere/tool: No such file .* no folder /nowhere"):
        verified(tmp_path, None, bin="/nowhere")


def test_a_setting_of_the_command_line_wins(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with pytest.raises(NotReady, match=r"other/tool"):
        verified(tmp_path, "echo 1.37.1", bin=str(tmp_path / "other"))


def test_what_is_not_known_before_a_cluster_is_cannot_be_asked_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"components.scheduler.version asks for node: only settings"):
        verified(tmp_path, "true", version='["${node}"]')
