"""Whether the components are what their descriptor says: its `version` commands are asked, once, before anything is started.

A descriptor is written for a version: its arguments, its deviations and the claim in a report are about that one. A command that cannot be
run, or says another version, is a matter of the environment, and the component is named.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from seatrial.adapters.implementation import Component, Implementation
from seatrial.adapters.values import fill, outside
from seatrial.backends.command import said
from seatrial.model.errors import NotReady, UsageError

ANSWER_S = 10.0
SAID_MAX = 200  # characters of an answer that are shown


def verify(implementation: Implementation, settings: Mapping[str, str]) -> None:
    """Raises NotReady for the first component that is not of its version."""
    for _, problem in complaints(implementation, settings):
        raise NotReady(problem)


def complaints(implementation: Implementation, settings: Mapping[str, str]) -> Iterator[tuple[Component, str]]:
    """Each component whose version is not what it should be, and what is wrong with it."""
    for component in implementation.components.values():
        if component.version and (problem := _complaint(component, _command(component, implementation, settings))):
            yield component, f"The component {component.name} {problem}"


def _command(component: Component, implementation: Implementation, settings: Mapping[str, str]) -> list[str]:
    values = outside(folder=component.folder, settings=settings, defaults=implementation.settings)
    try:
        first, *rest = [fill(word, values) for word in component.version]
    except KeyError as missing:
        raise UsageError(
            f"{implementation.file}: components.{component.name}.version asks for {missing.args[0]}: only settings, python, here and "
            f"cache are known before a cluster is. A setting is given with --set NAME=VALUE."
        ) from None
    return [str(component.folder / first) if "/" in first else first, *rest]


def _complaint(component: Component, command: list[str]) -> str:
    """Empty where the command says the right version."""
    try:
        answer = said(command, within_s=ANSWER_S)
    except TimeoutError:
        return f"does not say its version within {ANSWER_S:g} s ({' '.join(command)})."
    except OSError as error:
        return f"cannot be started: {command[0]}: {error.strerror}.{_hint(Path(command[0]))}"
    if re.search(rf"(?<![\d.]){re.escape(component.versioned)}(?![\d.])", answer):
        return ""
    answer = answer.strip()[:SAID_MAX] or "nothing"
    return f"is of another version than {component.versioned}, for which its descriptor is: `{' '.join(command)}` says {answer}"


def _hint(program: Path) -> str:
    return "" if program.parent.is_dir() else f" There is no folder {program.parent}; --set may name another one."
