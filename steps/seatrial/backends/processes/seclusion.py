"""Private copies of what belongs to the whole machine: what an instance changes there, nobody else sees, and it is gone with the instance.

A folder is covered by an overlay whose changes stay in memory, a file by a copy of what it says. A file of /proc/sys counts as any other:
who sets that parameter of the kernel writes into the copy, and reads there that it was set.
"""

from collections.abc import Sequence
from pathlib import Path

from seatrial.backends.processes import kernel


def cover(paths: Sequence[str], *, scratch: Path) -> None:
    """Cover each path for this mount namespace, which must be a private one. `scratch` is a folder to be used up. Raises OSError."""
    if not paths:
        return
    scratch.mkdir(exist_ok=True)
    kernel.mount("tmpfs", scratch, "tmpfs")
    for number, path in enumerate(paths):
        place = scratch / str(number)
        (_cover_folder if Path(path).is_dir() else _cover_file)(Path(path), place)


def _cover_folder(path: Path, place: Path) -> None:
    upper, work = place / "upper", place / "work"
    upper.mkdir(parents=True)
    work.mkdir()
    kernel.mount("overlay", path, "overlay", data=f"lowerdir={path},upperdir={upper},workdir={work}")


def _cover_file(path: Path, place: Path) -> None:
    place.write_bytes(path.read_bytes())
    kernel.mount(str(place), path, None, flags=kernel.MS_BIND)
