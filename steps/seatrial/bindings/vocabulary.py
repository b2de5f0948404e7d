"""Which definition a sentence has, looked up among definitions.

pytest-bdd lets fixtures shadow each other, folder by folder, and so asks pytest about every fixture there is, at every sentence. Here one
definition holds everywhere, so a sentence means what it says, whoever says it; what inspection tells of a definition is asked once.
"""

from functools import cache
from importlib import import_module
from typing import Any

from pytest_bdd.steps import StepFunctionContext, step_function_context_registry

runner: Any = import_module("pytest_bdd.scenario")  # the package has a function of that name
_elsewhere = runner.get_step_function
_inspections = {name: cache(getattr(runner, name)) for name in ("signature", "get_required_args")}


def learn() -> None:
    """Let pytest-bdd look here first."""
    runner.get_step_function = _definition
    for name, once in _inspections.items():
        setattr(runner, name, once)


def _definition(request: Any, step: Any) -> StepFunctionContext | None:
    return meaning(step.type, step.name) or _elsewhere(request, step)


@cache
def meaning(kind: str, sentence: str) -> StepFunctionContext | None:
    """The definition of a sentence; None where it has not exactly one."""
    known = [c for c in step_function_context_registry.values() if c.type in (None, kind) and c.parser.is_matching(sentence)]
    return known[0] if len(known) == 1 else None
