"""What the user wants run, and how pytest is told: nothing comes from files or plugins of theirs, and no feature is read without need."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from seatrial import assets, catalogue
from seatrial.adapters.descriptor import load
from seatrial.model.rules import Rule
from seatrial.opening import backend_name

SPARED = (  # plugins of pytest that do nothing for scenarios, and would for each of them
    *("cacheprovider", "debugging", "doctest", "faulthandler", "junitxml", "legacypath", "logging", "monkeypatch", "pastebin", "recwarn"),
    *("setuponly", "setupplan", "stepwise", "subtests", "terminal", "threadexception", "tmpdir", "unittest", "unraisableexception"),
    "warnings",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the user wants run. The implementation is a shipped name or an absolute path."""

    implementation: str
    backend: str | None = None
    rules: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    areas: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()  # of scenarios, or words in them
    smoke: bool = False
    seed: int = 0
    settings: tuple[str, ...] = ()
    workers: int | None = None  # scenarios at a time; None: as many as suit the backend
    reports: Path | None = None
    fail_fast: bool = False
    brief: bool = False  # a rule is tried no further once it has failed
    patient: bool = False  # windows in real time are as long as in virtual time
    once: bool = False  # what did not pass is not repeated, nor tried on the bare base

    def selected(self) -> list[Rule]:
        """The rules. Raises UsageError for a criterion that no rule has."""
        kinds: dict[str, Any] = {"ids": self.rules, "roles": self.roles, "profiles": self.profiles, "areas": self.areas}
        return catalogue.select(**kinds, titles=self.titles, smoke=self.smoke)

    @property
    def simulated(self) -> bool:
        return backend_name(self.backend, load(self.implementation)) == "simulation"

    @property
    def apart(self) -> int:
        """Workers with a pytest of their own, or none: simulated scenarios are forked."""
        return 0 if self.simulated else self.workers or 0

    def with_work_for(self, scenarios: int) -> Self:
        """The wish with no more workers than that: each takes seconds to come up."""
        return self if self.workers is None else replace(self, workers=min(self.workers, scenarios))

    @property
    def _side_by_side(self) -> tuple[list[str], list[str]]:
        """Plugins and options of pytest for several scenarios at a time."""
        if self.simulated:
            return ["seatrial.lanes"], [f"--lanes={len(os.sched_getaffinity(0)) if self.workers is None else self.workers}"]
        return (["xdist.plugin"], ["-n", str(self.apart), "--dist=worksteal"]) if self.apart else ([], [])

    def arguments(self, nodes: Sequence[str] = ()) -> list[str]:
        """The command line of pytest: nothing comes from files or plugins of the user's, and no feature is read without need."""
        features = assets.features()
        plugins = ["pytest_bdd.plugin", "seatrial.plugin", *self._side_by_side[0], *(f"no:{name}" for name in SPARED)]
        given = [f"--implementation={self.implementation}", f"--seed={self.seed}"]
        given += [f"--backend={self.backend}"] if self.backend else []
        given += [f"--reports={self.reports}"] if self.reports else []
        given += [f"--set={s}" for s in self.settings]
        given += ["--smoke"] if self.smoke else []
        given += ["--brief"] if self.brief else []
        given += ["--patient"] if self.patient else []
        criteria = {"rule": self.rules, "role": self.roles, "profile": self.profiles, "area": self.areas, "scenario": self.titles}
        given += [f"--{option}={value}" for option, values in criteria.items() for value in values]
        return [
            "--disable-plugin-autoload",
            *(part for name in plugins for part in ("-p", name)),
            *self._side_by_side[1],
            "--import-mode=importlib",
            "-c",
            os.devnull,
            f"--rootdir={features}",
            "--noconftest",
            *given,
            *(str(features / part) for part in nodes or dict.fromkeys(rule.feature for rule in self.selected())),
        ]
