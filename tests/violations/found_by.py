"""By which scenario a violation is found first, for each rule that it breaks: `make test` tries it by those alone.

All scenarios of all those rules would take twice as long and say nothing more: a rule is tried no further once it has failed. What a
violation does in the others is in the kill matrix.

`python -m violations.found_by --write` looks for all of them, `--missing` for those that are not known yet, `--only` for some.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence

from violations.trial import HERE, Expected, expected, side_by_side, tried

DATA = HERE / "FOUND_BY.json"


def known() -> dict[str, list[str]]:
    """Titles of scenarios, by violation."""
    return dict(json.loads(DATA.read_text())) if DATA.is_file() else {}


def wanted(violation: Expected) -> bool:
    """Of one that shows in scenarios of another rule alone, or fails nothing, there is no such scenario."""
    return bool(violation.breaks and not violation.seen_in and violation.backend == "simulation")


def found(violation: Expected) -> list[str]:
    """The first scenario of each rule that it breaks to fail, where the rule is tried alone: no scenario of another one is ahead of it.
    None where a rule fails in scenarios of another one only: it takes all."""
    failed = [tried(violation.file, [rule], "--brief").failed_in[rule][:1] for rule in violation.rules]
    return list(dict.fromkeys(title for titles in failed for title in titles)) if all(failed) else []


def write(titles: Mapping[str, Sequence[str]]) -> None:
    """One line for each violation, in their order."""
    lines = [f"{json.dumps(v.name)}: {json.dumps(titles[v.name], ensure_ascii=False)}" for v in expected() if v.name in titles]
    DATA.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m violations.found_by", description="By which scenarios violations are found first.")
    parser.add_argument("--write", action="store_true", help="replace what is committed")
    parser.add_argument("--jobs", type=int, default=2, help="violations at a time")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="violations to try; may be repeated")
    parser.add_argument("--missing", action="store_true", help="try only those of which it is not known")
    given = parser.parse_args(arguments)
    before, every = known(), [v for v in expected() if wanted(v)]
    titles = {v.name: before[v.name] for v in every if v.name in before}
    tried_now = [v for v in every if v.name in (given.only or {v.name for v in every}) and not (given.missing and v.name in before)]
    for name, first in side_by_side(found, tried_now, jobs=given.jobs):
        titles[name] = first
        print(f"{name}: {'; '.join(first)}", file=sys.stderr, flush=True)  # noqa: T201
        if given.write:
            write(titles)
    return 0 if given.write or titles == before else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
