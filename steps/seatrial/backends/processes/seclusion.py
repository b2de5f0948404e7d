"""Private copies of what belongs to the whole machine: what an instance changes there, nobody else sees, and it is gone with the instance.

A folder is covered by an overlay whose changes stay in memory, a file by a copy of what it says. A file of /proc/sys counts as any other:
who sets that parameter of the kernel writes into the copy, and reads there that it was set.
"""

import tempfile
from pathlib import Path

from seatrial.backends.processes import kernel


def memory(folder: Path) -> Path:
    """A new folder in that one, of which this mount namespace alone sees the content. Raises OSError."""
    room = Path(tempfile.mkdtemp(prefix="private-", dir=folder))
    kernel.mount("tmpfs", room, "tmpfs")
    return room


def cover(path: Path, *, room: Path) -> None:
    """Cover it for this mount namespace, which must be a private one; the changes go to `room`. Raises OSError."""
    place = Path(tempfile.mkdtemp(dir=room))
    if path.is_dir():
        _cover_folder(path, place)
    else:
        _cover_file(path, place / path.name)


def _cover_folder(path: Path, place: Path) -> None:
    upper, work = place / "upper", place / "work"
    upper.mkdir()
    work.mkdir()
    kernel.mount("overlay", path, "overlay", data=f"lowerdir={path},upperdir={upper},workdir={work}")


def _cover_file(path: Path, copy: Path) -> None:
    copy.write_bytes(path.read_bytes())
    kernel.mount(str(copy), path, None, flags=kernel.MS_BIND)
