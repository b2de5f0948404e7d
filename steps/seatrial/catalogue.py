"""The rules as the feature files state them, read without running anything."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from gherkin.parser import Parser

from seatrial import assets
from seatrial.adapters.complaints import Complaint, dotted, listed, nearest, sentence
from seatrial.adapters.document import Document
from seatrial.model.errors import UsageError
from seatrial.model.rules import PROFILES, Rule, values

Node = Mapping[str, Any]


@cache
def rules(folder: Path | None = None) -> tuple[Rule, ...]:
    """Every rule of every feature, in the order of the files."""
    root = folder or assets.features()
    return tuple(rule for path in sorted(root.rglob("*.feature")) for rule in _rules_of(root, path))


def find(id_: str) -> Rule:
    """The rule of that id. Raises UsageError with what there is instead."""
    for rule in rules():
        if rule.id == id_:
            return rule
    raise _unknown_id(id_, {r.id for r in rules()})


def recognize(documents: Iterable[Document]) -> None:
    """Raises UsageError for descriptors that record deviations from rules that there are not, or claim profiles as features."""
    for document in documents:
        document.refuse(_unheard_of(document.content))


def _unheard_of(content: Mapping[str, Any]) -> Iterator[Complaint]:
    for i, row in enumerate(content.get("deviations", ())):
        if row["id"] not in (known := {r.id for r in rules()}):
            where = ("deviations", i, "id")
            yield Complaint(where=where, says=f"{dotted(where)}: {_unknown_id(row['id'], known)}")
    for i, claim in enumerate(content.get("claims", ())):
        if claim in PROFILES:
            there = ("claims", i)
            yield Complaint(where=there, says=f"{dotted(there)}: no rule is about a feature {claim!r}; profiles stand under `profiles`")


def _unknown_id(id_: str, known: Collection[str]) -> UsageError:
    near = sorted(known_id for known_id in known if known_id.partition("-")[0] == id_.partition("-")[0])
    offer = f"Near it: {', '.join(near)}." if near else sentence(nearest(id_, known)) or "`seatrial rules` lists them all."
    return UsageError(f"There is no rule {id_}. {offer}")


def tags(node: Node) -> set[str]:
    """Of a node of a feature, without their @."""
    return {t["name"].lstrip("@") for t in node.get("tags", ())}


def parse(path: Path) -> Node:
    """One feature file. Raises UsageError where it is not Gherkin."""
    try:
        feature: Node = Parser().parse(path.read_text())["feature"]
    except Exception as error:  # noqa: BLE001 - the parser raises bare exceptions of its own
        raise UsageError(f"{path} is not Gherkin: {error}") from None
    return feature


def _rules_of(root: Path, path: Path) -> Iterator[Rule]:
    feature = parse(path)
    for child in feature["children"]:
        if "rule" in child:
            yield _rule(root, path, feature, child["rule"])


def _rule(root: Path, path: Path, feature: Node, rule: Node) -> Rule:
    inherited = tags(feature) | tags(rule)
    scenarios = [c["scenario"] for c in rule["children"] if "scenario" in c]
    return Rule(
        id=next(iter(values(inherited, "id")), ""),
        sentence=rule["name"],
        must="must" in inherited,
        roles=values(inherited, "role"),
        profiles=values(inherited, "profile"),
        area=next(iter(values(inherited, "area")), ""),
        feature=str(path.relative_to(root)),
        title=feature["name"],
        description=" ".join(line.strip() for line in feature.get("description", "").splitlines()).strip(),
        needs=values(inherited, "needs"),
        smoke="smoke" in inherited,
        extended=next(iter(values(inherited, "extended")), None),
        scenarios=tuple(s["name"] for s in scenarios),
    )


def select(
    *,
    ids: Iterable[str] = (),
    roles: Iterable[str] = (),
    profiles: Iterable[str] = (),
    areas: Iterable[str] = (),
    titles: Iterable[str] = (),
    smoke: bool = False,
) -> list[Rule]:
    """Rules that match every given kind of criterion; `smoke`: of those the few that a quick look is content with. Raises UsageError for an
    unknown id, role, profile or area, and for a title that no scenario has."""
    wanted = {"ids": {id_.upper() for id_ in ids}, "roles": set(roles), "profiles": set(profiles), "areas": set(areas)}
    wanted["titles"] = titled(titles)
    known = {
        "ids": {r.id for r in rules()},
        "roles": {x for r in rules() for x in r.roles},
        "profiles": {x for r in rules() for x in r.profiles},
        "areas": {r.area for r in rules()},
        "titles": wanted["titles"],
    }
    for criterion, asked in wanted.items():
        for unknown in sorted(asked - known[criterion]):
            raise _unknown(criterion, unknown, known[criterion])
    return [r for r in rules() if _matches(r, wanted) and (r.smoke or not smoke)]


def titled(asked: Iterable[str]) -> set[str]:
    """The titles of scenarios that are asked for: one that is so, else those that have these words in them. Raises UsageError for none."""
    known = {title for rule in rules() for title in rule.scenarios}
    found: set[str] = set()
    for words in asked:
        meant = {words} & known or {title for title in known if words.casefold() in title.casefold()}
        if not meant:
            raise UsageError(f"No scenario has {words!r} in its title. {sentence(nearest(words, known))}".rstrip())
        found |= meant
    return found


def _matches(rule: Rule, wanted: Mapping[str, set[str]]) -> bool:
    has = {"ids": {rule.id}, "roles": set(rule.roles), "profiles": set(rule.profiles), "areas": {rule.area}, "titles": set(rule.scenarios)}
    return all(not asked or asked & has[criterion] for criterion, asked in wanted.items())


def _unknown(criterion: str, name: str, known: Collection[str]) -> UsageError:
    if criterion == "ids":
        return _unknown_id(name, known)
    noun = criterion.rstrip("s")
    return UsageError(f"No rule names the {noun} {name!r}; there are {listed(sorted(known), 'and')}.")
