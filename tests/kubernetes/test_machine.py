"""A real kubelet changes parameters of the kernel and keeps files in fixed places: none of that reaches the machine that it runs on."""

import os
from pathlib import Path

from verdicts import judge

BY_THEMSELVES = ("/proc/sys/kernel/random", "/proc/sys/kernel/ns_last_pid")  # chance, and the number of the last process
PLACES = ("/var/lib", "/var/log", "/etc", "/run", "/usr/libexec", "/opt")


def parameters() -> dict[str, str]:
    """What the kernel is told, but for what changes by itself and what belongs to the network namespace of this process."""
    found = {}
    for file in Path("/proc/sys").rglob("*"):
        if file.is_file() and file.parts[3] in ("vm", "kernel") and os.access(file, os.R_OK) and os.access(file, os.W_OK):
            try:
                found[str(file)] = file.read_text(errors="replace")
            except OSError as refusal:  # some may be written only, whatever their mode says
                found[str(file)] = str(refusal.errno)
    return {name: value for name, value in found.items() if not name.startswith(BY_THEMSELVES)}


def files() -> set[str]:
    """Everything in the places where a kubelet keeps things."""
    return {f"{folder}/{name}" for place in PLACES for folder, folders, names in os.walk(place) for name in (*folders, *names)}


def links() -> set[str]:
    """Network interfaces."""
    return {entry.name for entry in Path("/sys/class/net").iterdir()}


def test_a_machine_is_after_a_run_what_it_was_before(tmp_path: Path) -> None:
    looks = {"parameters": parameters, "mounts": Path("/proc/self/mounts").read_text, "links": links, "files": files}
    before = {what: look() for what, look in looks.items()}

    found = judge("kubernetes", "--rule=NODE-01", folder=tmp_path)

    assert found.rules["NODE-01"] == "passed", found.shown
    after = {what: look() for what, look in looks.items()}
    assert after == before
