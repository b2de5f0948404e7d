"""The ledger: which sentence of the source document leads to which rules, and which of them are written.

`features/ledger.yaml` has one line a rule and keeps it for ever: ids are permanent, and what has been retired stays with its reason. Which
rules are done is read off the features; `make ledger` writes it, and the lint fails as long as nobody has.
"""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from lint.reading import FEATURES, Complaint, FeatureFile, ids, read_features

LEDGER = FEATURES / "ledger.yaml"
SENTENCES = 58

CATALOGUE = """
ARCH-01..06 ADDON-01..05 COMM-01..14 CS-01..04 HA-01..09 DEP-01..04 STORE-01..13 API-01..07 REQ-01..20 NOOP-01..03 CTRL-01..04 WATCH-01..10
SCHED-01..16 NODE-01..04 KCM-01..23 CHAIN-01..06 KLT-01..17 NET-01..05 SVC-01..06 HAX-01..07 EVT-01..05
P-RV-1..6 P-OCC-1..7 P-W-1..11 P-L-1..3 P-ID-1..3 P-G-1..2 P-S-1..1 P-F-1..4 P-GC-1..3 P-B-1..4 P-N-1..1 P-Q-1..1 P-DR-1..1 P-SSA-1..1
P-LE-1..1 P-AU-1..1 P-DUR-1..1
"""
"""Every id that has ever been given out. New ones are added at the end of their family."""

STATES = {"planned": frozenset(), "done": frozenset({"feature"}), "excluded": frozenset({"reason"}), "retired": frozenset({"reason"})}
RANGE = re.compile(r"(?P<family>[A-Z]+(?:-[A-Z]+)*-)?(?P<first>\d+)(?:\.\.|-)(?P<last>\d+)")

Ledger = Mapping[str, Mapping[str, Mapping[str, Any]]]


def expand(item: object) -> list[str]:
    """`COMM-01..03` is COMM-01, COMM-02, COMM-03; `6-9` is 6, 7, 8, 9; anything else is itself."""
    span = RANGE.fullmatch(str(item))
    if not span:
        return [str(item)]
    width = len(span["first"])
    return [f"{span['family'] or ''}{number:0{width}}" for number in range(int(span["first"]), int(span["last"]) + 1)]


def parse(text: str) -> Ledger:
    document = yaml.safe_load(text)
    return {part: {str(key): value for key, value in document[part].items()} for part in ("sentences", "rules")}


def known_ids() -> list[str]:
    return [name for item in CATALOGUE.split() for name in expand(item)]


def every_id_is_there(ledger: Ledger) -> Iterator[str]:
    for name in sorted(set(known_ids()) ^ set(ledger["rules"])):
        yield f"{name} is missing in the {'ledger' if name in known_ids() else 'catalogue of lint/ledger.py'}; ids are permanent"


def every_sentence_has_a_rule(ledger: Ledger) -> Iterator[str]:
    groups = ledger["sentences"]
    told = [number for group in groups for number in expand(group)]
    if told != [str(number) for number in range(1, SENTENCES + 1)]:
        yield f"the sentences are 1 to {SENTENCES}, each once, in order"
    for group, entry in groups.items():
        for name in (name for item in entry["rules"] for name in expand(item)):
            if name not in ledger["rules"]:
                yield f"sentence {group} leads to {name}, which the ledger does not have"
        if not entry["rules"] and not entry.get("reason"):
            yield f"sentence {group} leads to no rule, and says no reason"


def both_maps_agree(ledger: Ledger) -> Iterator[str]:
    forth = {(str(group), name) for group, entry in ledger["sentences"].items() for item in entry["rules"] for name in expand(item)}
    back = {(str(group), name) for name, entry in ledger["rules"].items() for group in entry["sentences"]}
    for group, name in sorted(forth ^ back):
        yield f"sentence {group} and rule {name} do not name each other"


def entries_are_well_formed(ledger: Ledger) -> Iterator[str]:
    for name, entry in ledger["rules"].items():
        wanted = STATES.get(entry.get("state", ""))
        if wanted is None:
            yield f"{name}: the state is one of {', '.join(STATES)}"
        elif set(entry) != {"sentences", "state"} | wanted:
            yield f"{name}: {entry['state']} goes with {', '.join(wanted) or 'nothing else'}"


def states_are_those_of_the_features(ledger: Ledger, files: Sequence[FeatureFile]) -> Iterator[str]:
    written = ids(files)
    for name in sorted(set(written) - set(ledger["rules"])):
        yield f"{written[name]} has {name}, which the ledger does not know"
    for name, entry in ledger["rules"].items():
        if entry.get("feature") != written.get(name):
            yield f"{name} stands in {written.get(name, 'no feature')}, the ledger says {entry.get('feature', entry['state'])}: make ledger"


def with_states_of(ledger: Ledger, files: Sequence[FeatureFile]) -> Ledger:
    """The same ledger, `done` exactly where a feature has the rule. A decision (excluded, retired) is nobody's to change by a script."""
    written = ids(files)
    rules = {name: with_state(entry, written.get(name)) for name, entry in ledger["rules"].items()}
    return {"sentences": ledger["sentences"], "rules": rules}


def with_state(entry: Mapping[str, Any], feature: str | None) -> Mapping[str, Any]:
    if entry["state"] not in {"planned", "done"}:
        return entry
    if feature is None:
        return {"sentences": entry["sentences"], "state": "planned"}
    return {"sentences": entry["sentences"], "state": "done", "feature": feature}


def rendered(ledger: Ledger) -> str:
    """The one form that the file is kept in, so that a difference is a difference in substance."""
    groups = ["\n    ".join([f"  {group}:", *fields(entry)]) for group, entry in ledger["sentences"].items()]
    rules = [f"  {name}: {{{', '.join(fields(entry))}}}" for name, entry in ledger["rules"].items()]
    return "\n".join([HEADER, "sentences:", *groups, "", "rules:", *rules, ""])


def fields(entry: Mapping[str, Any]) -> list[str]:
    return [f"{key}: {flow(value)}" for key, value in entry.items()]


def flow(value: object) -> str:
    return yaml.safe_dump(value, default_flow_style=True, width=10_000).removesuffix("\n...\n").strip()


HEADER = """\
# Where the rules come from, and how far they are written. Sentences are numbered as they stand in the source document (notes on how
# Kubernetes works inside), with a word on their topic; each leads to rules. Rules without sentences go beyond the document.
# States: planned; done, with the feature that has the rule; excluded or retired, with the reason. `make ledger` rewrites planned and done.
# Ids are permanent.
"""


def complaints(text: str, files: Sequence[FeatureFile]) -> list[Complaint]:
    ledger = parse(text)
    found = [
        *every_id_is_there(ledger),
        *every_sentence_has_a_rule(ledger),
        *both_maps_agree(ledger),
        *entries_are_well_formed(ledger),
        *states_are_those_of_the_features(ledger, files),
    ]
    return [Complaint(path="features/ledger.yaml", line=1, says=says) for says in found]


def main(arguments: Sequence[str], path: Path = LEDGER) -> int:
    """Show what the ledger would be; with --write, make it so."""
    text = rendered(with_states_of(parse(path.read_text("utf-8")), read_features(path.parent)))
    if "--write" in arguments:
        path.write_text(text, "utf-8")
    else:
        sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
