"""Descriptors: what is merged, what a version rules out, and complaints that name file, line and what was expected."""

from pathlib import Path

import pytest

from seatrial.adapters.descriptor import load
from seatrial.adapters.implementation import Deviation
from seatrial.model.errors import UsageError

HEAD = ("apiVersion: seatrial/v1", "kind: Implementation", "basedOn: reference")
TIES = "id: SCHED-09, finding: uneven-ties, because: ties are random"


def descriptor(folder: Path, *lines: str, name: str = "mine", version: str = "1.36.1") -> Path:
    file = folder / f"{name}.yaml"
    file.write_text("\n".join([*HEAD, f"metadata: {{name: {name}, version: {version}}}", *lines]) + "\n", "utf-8")
    return file


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("my-server: {command: [x]}", "mine.yaml:6: components.my-server: expected roles, for its name is none of etcd,"),
        ("boss: {roles: [scheduler]}", "components.boss: expected command, python, endpoint, within or absent."),
        ("boss: {absent: true, roles: [scheduler]}", "components.boss: expected the name of a role: etcd, apiserver,"),
        ("etcd: {within: nobody}", "components.etcd: expected within: one of apiserver, controller-manager, kubelet, scheduler."),
        ("etcd: {within: etcd}", "components.etcd: expected within: one of apiserver, controller-manager, kubelet, scheduler."),
        ('scheduler: {ready: {log: "(["}}', "components.scheduler.ready.log: expected a regular expression: unterminated"),
        ("scheduler: {ready: {tcp: localhost}}", "components.scheduler.ready.tcp: expected HOST:PORT, found 'localhost'."),
    ],
)
def test_a_component_that_could_never_start_is_refused(row: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        load(str(descriptor(tmp_path, "components:", f"  {row}")))

    assert says in str(refused.value)


def test_who_overrides_a_base_says_only_what_differs(tmp_path: Path) -> None:
    found = load(str(descriptor(tmp_path, "components:", "  scheduler: {limits: {react_s: 3}}")))

    assert found.components["scheduler"].limits.react_s == 3


def deviations(folder: Path, row: str, **changed: str) -> tuple[Deviation, ...]:
    return load(str(descriptor(folder, "deviations:", f"  - {{{row}}}", **changed))).deviations


def test_the_deviation_that_the_design_shows_is_read_whole(tmp_path: Path) -> None:
    row = f'{TIES}, versions: ">=1.35 <1.37", source: "kubernetes PR 141024", until: 2027-06-01'

    (found,) = deviations(tmp_path, row)

    assert (found.versions, found.source, found.until) == (">=1.35 <1.37", "kubernetes PR 141024", "2027-06-01")


@pytest.mark.parametrize(
    ("version", "row", "stands"),
    [
        ("0.1.0", "kubelet: {command: [mine]}", True),
        ("0.1.0", "scheduler: {args: [--v=9]}", True),
        ("0.1.0", "scheduler: {command: [mine]}", False),
        ("1.34.4", "scheduler: {version: [theirs, --version]}", True),
        ("1.30.14", "scheduler: {version: [theirs, --version]}", False),
    ],
)
def test_a_deviation_goes_with_the_component_whose_it_is(version: str, row: str, tmp_path: Path, *, stands: bool) -> None:
    theirs = descriptor(
        tmp_path,
        "components:",
        "  scheduler: {command: [theirs], version: [theirs, --version]}",
        "deviations:",
        f'  - {{{TIES}, component: scheduler, versions: ">=1.34"}}',
        name="theirs",
        version="1.37.1",
    )
    based = theirs.read_text().replace("basedOn: reference", f"basedOn: {theirs}")
    file = tmp_path / "mine.yaml"
    file.write_text(
        based.split("components:")[0].replace("name: theirs, version: 1.37.1", f"name: mine, version: {version}")
        + f"components:\n  {row}\n"
    )

    assert bool(load(str(file)).deviations) is stands


def test_a_deviation_of_other_versions_does_not_apply(tmp_path: Path) -> None:
    assert not deviations(tmp_path, f'{TIES}, versions: ">=1.35 <1.37"', version="1.37.0")


def test_of_two_deviations_of_a_rule_the_one_for_this_version_counts(tmp_path: Path) -> None:
    rows = [
        f'  - {{id: SCHED-09, finding: {finding}, because: b, versions: "{v}"}}' for finding, v in (("old", "<1.36"), ("new", ">=1.36"))
    ]

    (found,) = load(str(descriptor(tmp_path, "deviations:", *rows))).deviations

    assert found.finding == "new"


def test_a_base_s_deviations_go_by_the_base_s_version(tmp_path: Path) -> None:
    descriptor(tmp_path, "deviations:", f'  - {{{TIES}, versions: ">=1.36"}}', name="base")
    file = tmp_path / "mine.yaml"
    file.write_text("apiVersion: seatrial/v1\nkind: Implementation\nmetadata: {name: mine, version: '0.1'}\nbasedOn: base.yaml\n")

    assert [d.id for d in load(str(file)).deviations] == ["SCHED-09"]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("id: SCHED-09, finding: x", "mine.yaml:6: deviations.0: because is missing."),
        (f"{TIES}, version: 1", "mine.yaml:6: deviations.0.version: there is no such key; did you mean versions?"),
        (
            f'{TIES}, versions: "about 1.36"',
            "expected bounds of the implementation's version, such as \">=1.35 <1.37\", found 'about 1.36'.",
        ),
        (f"{TIES}, until: next year", "expected the last day on which it counts, such as 2027-06-01, found 'next year'."),
        ("id: ties, finding: x, because: y", "expected the id of a rule, such as SCHED-09, found 'ties'."),
    ],
)
def test_a_bad_deviation_is_told_by_line_and_expectation(tmp_path: Path, row: str, says: str) -> None:
    with pytest.raises(UsageError) as raised:
        deviations(tmp_path, row)

    assert says in str(raised.value)
    assert f"{tmp_path}/mine.yaml:6: deviations.0" in str(raised.value)


@pytest.mark.parametrize(
    ("version", "found"), [("1.40", "found 1.4, a number: put it in quotes"), ("next", "found 'next'"), ("''", "found ''")]
)
def test_a_range_needs_a_version_to_compare_with(tmp_path: Path, version: str, found: str) -> None:
    with pytest.raises(UsageError, match=r"mine.yaml:6: deviations.0.versions: expected a metadata.version of numbers and dots") as raised:
        deviations(tmp_path, f'{TIES}, versions: ">=1.35"', version=version)

    assert str(raised.value).endswith(f"{found}.")


@pytest.mark.parametrize("content", [b"a: [", b"\xff\xfe\xfa"])
def test_what_is_no_yaml_is_a_usage_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "mine.yaml").write_bytes(content)

    with pytest.raises(UsageError, match=r"mine\.yaml(:2)?: not YAML: "):
        load(str(tmp_path / "mine.yaml"))


def test_what_a_component_replaces_of_its_base_takes_nothing_along(tmp_path: Path) -> None:
    rows = "  kubelet: {command: [a], files: {a.yaml: b}, private: [/var/lib], version: [a, --version]}"
    descriptor(tmp_path, "components:", rows, name="base")
    file = tmp_path / "mine.yaml"
    head = "apiVersion: seatrial/v1\nkind: Implementation\nmetadata: {name: mine, version: '2.0'}\nbasedOn: base.yaml\ncomponents:\n"

    file.write_text(head + "  kubelet: {command: [c]}\n")
    replaced = load(str(file)).components["kubelet"]
    file.with_name("again.yaml").write_text(head + "  kubelet: {version: [a, -v]}\n")
    refined = load(str(file.with_name("again.yaml"))).components["kubelet"]

    assert (replaced.files, replaced.private, replaced.version) == ({}, (), ())
    assert (refined.files, refined.private, refined.versioned) == ({"a.yaml": "b"}, ("/var/lib",), "2.0")


def test_settings_have_defaults_that_a_descriptor_may_change(tmp_path: Path) -> None:
    descriptor(tmp_path, "settings: {bin: /base, more: x}", name="base")
    file = tmp_path / "mine.yaml"
    file.write_text(
        "apiVersion: seatrial/v1\nkind: Implementation\nmetadata: {name: mine}\nbasedOn: base.yaml\nsettings: {bin: '${cache}/mine'}\n"
    )

    assert load(str(file)).settings == {"bin": "${cache}/mine", "more": "x"}


def test_limits_of_virtual_time_hold_there_only(tmp_path: Path) -> None:
    row = "  scheduler: {limits: {lease_s: 3, virtually: {renew_s: 7}}}"
    file = str(descriptor(tmp_path, "components:", row))

    real, virtual = (load(file, virtual=virtual).components["scheduler"].limits for virtual in (False, True))

    assert (real.lease_s, real.renew_s, real.retry_s) == (3, 1.5, 0.5)
    assert (virtual.lease_s, virtual.renew_s, virtual.retry_s) == (3, 7, 5)  # what the file states itself counts before the base's


@pytest.mark.parametrize(
    ("row", "ready"),
    [
        ("replicas: {election: none}", {}),
        ("replicas: {election: {lease: kube-system/mine}}", {"lease": ""}),
        ("replicas: {election: none}, ready: {log: up}", {"log": "up"}),
    ],
)
def test_who_holds_no_election_is_not_waited_for_by_its_lease(tmp_path: Path, row: str, ready: dict[str, str]) -> None:
    file = descriptor(tmp_path, "components:", f"  scheduler: {{command: [mine], args: [], {row}}}")

    assert load(str(file)).components["scheduler"].ready == ready
