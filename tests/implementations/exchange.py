"""One component at a time: the reference with one real component, and real Kubernetes with one of the reference's. Ten implementations.

Each is generated from the two shipped descriptors by one rule: the base is one of them, and the component comes, as it stands, from the
other. What else has to differ stands in `FITTING`, with its reason.

python -m implementations.exchange [--roles ROLE,...] FOLDER     judges each by the rules of its role, and writes FOLDER/one-component.md
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from seatrial import assets
from verdicts import Judgement, judge

REFERENCE, KUBERNETES = "reference", "kubernetes"
ROLES = ("etcd", "apiserver", "scheduler", "controller-manager", "kubelet")
NO_LIFECYCLE = {
    # The reference's controller manager has no node lifecycle controller: a taint that admission puts on new nodes would stay for ever.
    "--disable-admission-plugins=ServiceAccount": "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition",
}
# No rule blames a store: what is stored and told through it says whether it serves.
CRITERIA = {role: [f"--role={role}"] for role in ROLES} | {"etcd": ["--profile=store-layout", "--profile=api"]}
FITTING: Mapping[tuple[str, str], Mapping[str, Mapping[str, str]]] = {
    (REFERENCE, "apiserver"): {"apiserver": NO_LIFECYCLE},
    (KUBERNETES, "controller-manager"): {"apiserver": NO_LIFECYCLE},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A base with one role filled from elsewhere."""

    base: str
    role: str

    @property
    def name(self) -> str:
        return f"{self.base}-with-{self._other}-{self.role}"

    @property
    def _other(self) -> str:
        return KUBERNETES if self.base == REFERENCE else REFERENCE

    def descriptor(self) -> dict[str, Any]:
        """The whole document."""
        base, other = _shipped(self.base), _shipped(self._other)
        components = {self.role: other["components"][self.role]}
        for role, changes in FITTING.get((self.base, self.role), {}).items():
            row = components.get(role) or base["components"][role]
            components[role] = row | {"args": [changes.get(word, word) for word in row["args"]]}
        return {
            "apiVersion": "seatrial/v1",
            "kind": "Implementation",
            "metadata": {"name": self.name, "version": _shipped(KUBERNETES)["metadata"]["version"]},
            "basedOn": self.base,
            "reuse": True,
            "settings": _shipped(KUBERNETES)["settings"],
            "components": components,
            "deviations": [row for row in other.get("deviations", ()) if row["component"] == self.role],
        }

    def write(self, folder: Path) -> Path:
        """The descriptor's file."""
        file = folder / f"{self.name}.yaml"
        file.write_text(yaml.safe_dump(self.descriptor(), sort_keys=False))
        return file


EXCHANGES = tuple(Exchange(base=base, role=role) for base in (REFERENCE, KUBERNETES) for role in ROLES)


def _shipped(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((assets.descriptors() / f"{name}.yaml").read_text())
    return found


def table(found: Mapping[Exchange, Judgement]) -> str:
    """Markdown: a row for each exchange."""
    rows = ["| base | exchanged | rules | passed | not passed |", "| --- | --- | --- | --- | --- |"]
    for exchange, judgement in found.items():
        bad = [*lacking(judgement), *(f"{rule} deviates, as recorded" for rule in sorted(judgement.deviating))]
        passed = len(judgement.rules) - len(bad)
        rows.append(f"| {exchange.base} | {exchange.role} | {len(judgement.rules)} | {passed} | {', '.join(bad) or '-'} |")
    return "\n".join([*rows, ""])


def lacking(judgement: Judgement) -> list[str]:
    """The rules that did not pass, or not at once, each with what came of it; but for recorded deviations."""
    verdicts = {rule: "flaky" if rule in judgement.flaky and verdict == "passed" else verdict for rule, verdict in judgement.rules.items()}
    return [f"{rule} {verdict}" for rule, verdict in verdicts.items() if verdict != "passed" and rule not in judgement.deviating]


def main(arguments: Sequence[str]) -> int:
    """Exit code 0 where every rule of every exchange passed, and at once, or deviates as recorded."""
    roles = ROLES
    if arguments[:1] == ["--roles"]:
        roles, arguments = tuple(arguments[1].split(",")), arguments[2:]
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    for exchange in EXCHANGES:
        if exchange.role in roles:
            descriptor, reports = exchange.write(folder), folder / exchange.name
            found[exchange] = judge(descriptor, *CRITERIA[exchange.role], folder=reports, backend="processes")
            sys.stdout.write(found[exchange].shown)
    (folder / "one-component.md").write_text(table(found))
    sys.stdout.write(table(found))
    return int(any(map(lacking, found.values())))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) if sys.argv[1:] else __doc__)
