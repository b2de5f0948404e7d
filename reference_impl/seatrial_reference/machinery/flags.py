"""Command lines as Kubernetes components have them: `--name=value`, Go durations, `true` and `false`, and the flags of leader election."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from seatrial_reference.machinery.serving import duration_s


def boolean(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise argparse.ArgumentTypeError(f"not a boolean: {text!r}")
    return text.lower() == "true"


def duration(text: str) -> float:
    try:
        return duration_s(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def client_parser(program: str) -> argparse.ArgumentParser:
    """The flags of every component that is a client of the API server."""
    parser = argparse.ArgumentParser(prog=program, allow_abbrev=False)
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("-v", "--v", help="accepted, logging is Python's")
    return parser


def elected_parser(program: str) -> argparse.ArgumentParser:
    """The flags of a component that may have standbys."""
    parser = client_parser(program)
    parser.add_argument("--leader-elect", type=boolean, nargs="?", const=True, default=True)
    parser.add_argument("--leader-elect-lease-duration", type=duration, default=15.0)
    parser.add_argument("--leader-elect-renew-deadline", type=duration, default=10.0)
    parser.add_argument("--leader-elect-retry-period", type=duration, default=2.0)
    parser.add_argument("--leader-elect-resource-name", default=program)
    parser.add_argument("--leader-elect-resource-namespace", default="kube-system")
    return parser


@dataclass(frozen=True, slots=True, kw_only=True)
class Election:
    """Which lease, and for how long. lease_s > renew_s > retry_s, or two could lead at once."""

    name: str
    namespace: str
    lease_s: float
    renew_s: float
    retry_s: float

    @classmethod
    def of(cls, flags: argparse.Namespace) -> "Election":
        return cls(
            name=flags.leader_elect_resource_name,
            namespace=flags.leader_elect_resource_namespace,
            lease_s=flags.leader_elect_lease_duration,
            renew_s=flags.leader_elect_renew_deadline,
            retry_s=flags.leader_elect_retry_period,
        )
