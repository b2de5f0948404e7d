"""Prints what a run costs beside its budget: `python -m bench`. Figures are from whole processes, the best of a few.

Machines differ, so each time also stands as a ratio to a calibration loop of plain Python that is measured in the same run.
"""

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from seatrial.adapters.descriptor import load
from seatrial.backends.processes import Processes
from seatrial.model.topology import Topology
from seatrial.world import World

SEATRIAL = [sys.executable, "-m", "seatrial"]
LOOP = 2_000_000
UNDISTURBED = ("--area", "api")  # few are killed there, and nobody is cut off: two wait for a lease that a controller manager kept


def calibration_s() -> float:
    """How long plain Python takes to count."""
    started = time.perf_counter()
    total = 0
    for i in range(LOOP):
        total += i
    return time.perf_counter() - started


def best_s(command: list[str], *, rounds: int) -> float:
    """The shortest wall time of the whole process."""
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - started)
    return min(times)


def suite_s(backend: str, workers: int, *criteria: str) -> tuple[float, list[dict[str, float]]]:
    """Wall time of the suite on the reference, or of a part of it, and that of its scenarios, with their windows."""
    with tempfile.TemporaryDirectory() as folder:
        took_s = best_s([*SEATRIAL, "run", "--backend", backend, "-n", str(workers), "-o", folder, *criteria], rounds=1)
        timings = json.loads((Path(folder) / "timings.json").read_bytes())
    return took_s, [scenario for scenario in timings["scenarios"].values() if scenario["judged"]]


def ready_s() -> float:
    """From the order to the readiness of the reference with one node as processes, its start-up included."""
    backend = Processes(warm=["seatrial.doubles.tap", "seatrial_reference.apiserver", "seatrial_reference.scheduler"])
    times = []
    for _ in range(3):
        world = World(backend=backend, implementation=load("reference"), seed=0, settings={})
        started = time.perf_counter()
        world.boot(Topology(nodes=("node-1",)))
        times.append(time.perf_counter() - started)
        world.close()
    backend.close()
    return min(times)


def show(what: str, measured: float, budget: float, unit: str, unit_s: float | None = None) -> None:
    """One line: the figure, its budget, and its ratio to the calibration loop where it is a time."""
    ratio = f"{measured / unit_s:8.2f} loops" if unit_s else ""
    sys.stdout.write(f"{what:52} {measured:9.2f} {unit:4} budget {budget:g} {unit} {'ok' if measured <= budget else 'OVER':5} {ratio}\n")


def main() -> None:
    """Measure everything, one after another."""
    loop_s = min(calibration_s() for _ in range(3))
    sys.stdout.write(f"calibration: {LOOP:,} additions in {loop_s:.3f} s\n")
    measurements: list[tuple[str, Callable[[], float], float]] = [
        ("seatrial --help", lambda: best_s([*SEATRIAL, "--help"], rounds=5) * 1000, 150),
        ("reference as processes, ready", lambda: ready_s() * 1000, 1000),
    ]
    for what, measure, budget in measurements:
        show(what, measure(), budget, "ms", loop_s * 1000)
    took_s, scenarios = suite_s("simulation", 1)
    show(f"simulated scenario, average of {len(scenarios)}, one core", took_s / len(scenarios) * 1000, 40, "ms", loop_s * 1000)
    took_s, scenarios = suite_s("simulation", 2)
    show("simulated scenario, average, two workers", took_s / len(scenarios) * 1000, 40, "ms", loop_s * 1000)
    show("simulated suite, two workers", took_s, 6, "s", loop_s)
    _, scenarios = suite_s("processes", 1, *UNDISTURBED)
    without_s = [s["duration_s"] - s["watched_s"] for s in scenarios]
    show(f"scenario as processes, average of {len(scenarios)} without windows", statistics.mean(without_s) * 1000, 400, "ms", loop_s * 1000)
    show("scenario as processes, median without windows", statistics.median(without_s) * 1000, 400, "ms", loop_s * 1000)
    show("memory of the runner at most", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024, 150, "MiB")


main()
