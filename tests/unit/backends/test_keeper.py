"""A kept folder goes with whoever wanted it, also where nobody is there any more to hear its name."""

import os
import subprocess
import sys
from pathlib import Path

from seatrial.backends import keeper


def test_who_cannot_be_told_leaves_no_folder(tmp_path: Path) -> None:
    heard, told = os.pipe()
    os.close(heard)
    command = [sys.executable, "-ISc", keeper._KEEPER]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}

    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=told, stderr=subprocess.DEVNULL, env=environment, check=False, timeout=30)
    os.close(told)

    assert not any(tmp_path.iterdir())


def test_the_folder_goes_when_it_is_let_go() -> None:
    folder, remove = keeper.kept()
    (folder / "note").write_text("here")

    remove()

    assert not folder.exists()
