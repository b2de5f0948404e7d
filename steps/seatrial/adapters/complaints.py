"""What is wrong with a descriptor, as sentences for somebody who wrote it by hand: the place, what was expected, what stands there.

The validator of schemas speaks of schemas; here its findings are said in the words of the file. What is expected is the `description` that
the schema gives to a part, wherever its own words (this type, one of these) would say less.
"""

import difflib
import shlex
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

TYPES = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
}
ALIKE = 0.75  # of 1: names that may have been meant

Finding = Any  # a ValidationError; its own types call every part of it unset
Where = tuple[Any, ...]  # keys and indexes that lead to a part of a document


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """About a part of a document; `line` tells where it is, if that is not the first of its name."""

    where: Where
    says: str
    line: int = 0


def dotted(where: Where) -> str:
    """The part's name in sentences."""
    return ".".join(map(str, where))


def nearest(name: str, known: Collection[str]) -> str:
    """`did you mean X?`, or nothing where there is nothing like it."""
    near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=ALIKE)
    return f"did you mean {near[0]}?" if near else ""


def sentence(text: str) -> str:
    """With a capital, and a dot where it ends with no question mark; nothing of nothing."""
    return f"{text[0].upper()}{text[1:]}{'' if text[-1] in '.?' else '.'}" if text else ""


def listed(names: Iterable[object], last: str = "or") -> str:
    """`a, b or c`."""
    *head, tail = [str(name) for name in names]
    return f"{', '.join(head)} {last} {tail}" if head else tail


def worded(errors: Iterable[Finding]) -> Iterator[Complaint]:
    """The findings of a validator in words, each once."""
    meant = [inner for error in errors for inner in _meant(error)]
    yield from dict.fromkeys(complaint for error in meant for complaint in WORDED.get(str(error.validator), _other)(error))


def _meant(error: Finding) -> Sequence[Finding]:
    """Of several forms the one that was meant, where the keys tell it: it is held to that form's own words."""
    if error.validator != "oneOf" or not isinstance(error.instance, dict):
        return [error]
    forms = [(i, form) for i, form in enumerate(error.validator_value) if form.get("type") == "object"]
    forms = forms if len(forms) == 1 else [(i, form) for i, form in forms if error.instance.keys() & set(form["required"])]
    return [e for e in error.context or () if len(forms) == 1 and e.schema_path[0] == forms[0][0]] or [error]


def _unknown_keys(error: Finding) -> Iterator[Complaint]:
    known = error.schema["properties"]
    for key in error.instance:
        if key not in known:
            offer = nearest(str(key), known) or f"known here are {listed(known, 'and')}"
            yield _complaint(error, f"there is no such key; {offer}", key)


def _missing_keys(error: Finding) -> Iterator[Complaint]:
    for key in error.validator_value:
        if key not in error.instance:
            yield _complaint(error, f"{key} is missing")


def _other(error: Finding) -> Iterator[Complaint]:
    instance, expected = error.instance, _expected(error)
    if instance is None:
        yield _complaint(error, f"is empty; expected {expected}")
    elif error.validator in ("minItems", "minLength"):
        yield _complaint(error, "is empty")
    else:
        near = nearest(str(instance), error.validator_value) if error.validator == "enum" else ""
        yield _complaint(error, f"expected {expected}, found {found(instance)}{near and '; '}{near}")


WORDED: Mapping[str, Callable[[Finding], Iterator[Complaint]]] = {"additionalProperties": _unknown_keys, "required": _missing_keys}


def _complaint(error: Finding, says: str, *more: Any) -> Complaint:
    where = (*error.absolute_path, *more)
    return Complaint(where=where, says=f"{dotted(where)}{': ' if where else ''}{says}")


def _expected(error: Finding) -> str:
    wanted, stated = error.validator_value, str(error.schema.get("description", "")).rstrip(".")
    if error.validator in BOUNDS:
        return f"{BOUNDS[error.validator]} {wanted}".strip()
    if error.validator != "type":
        return stated or (listed(wanted) if error.validator == "enum" else str(wanted))
    if wanted == "array" and error.instance is not None:
        return f"a list, such as {_as_list(error.instance)}"
    if wanted == "object":
        return "a mapping" if error.absolute_path else f"a mapping with {listed(error.schema['required'], 'and')}"
    return (stated if wanted != "boolean" else "") or listed(TYPES[name] for name in ([wanted] if isinstance(wanted, str) else wanted))


BOUNDS = {"exclusiveMinimum": "more than", "minimum": "at least"}


def _as_list(value: Any) -> str:
    """What stands there as the list that was expected, in YAML; a command line as its words."""
    try:
        words = shlex.split(value) if isinstance(value, str) else [value]
    except ValueError:
        words = [value]
    return str(yaml.safe_dump(words, default_flow_style=True, width=1 << 20)).strip()


def found(value: Any) -> str:
    """What stands there, briefly."""
    if isinstance(value, bool):
        return str(value).lower()
    return "a mapping" if isinstance(value, dict) else "a list" if isinstance(value, list) else repr(value)
