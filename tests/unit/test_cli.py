"""The command line as its users meet it: every exit code by a real run, complaints of one paragraph, help at once."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.resources import files as resources
from pathlib import Path

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from seatrial import cli

ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "COV"))}
FAST = ("--rule", "STORE-13")


def seatrial(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "seatrial", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=120)


def here(*arguments: str) -> tuple[int, str]:
    """In this process, where no pytest must run: the code and what was complained about."""
    complaints: list[str] = []

    def complain(what: object, code: int) -> int:
        complaints.append(str(what))
        return code

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cli, "_complain", complain)
        code = cli.main(list(arguments))
    return code, "\n".join(complaints)


def descriptor(folder: Path, name: str, *lines: str) -> Path:
    file = folder / f"{name}.yaml"
    head = ["apiVersion: seatrial/v1", "kind: Implementation", f"metadata: {{name: {name}}}", "basedOn: reference"]
    file.write_text("\n".join([*head, *lines]) + "\n", "utf-8")
    return file


def test_help_imports_nothing_heavy() -> None:
    heavy = "import sys; import seatrial.cli; print({'pytest', 'aiohttp', 'yaml', 'rich', 'orjson', 'grpclib'} & set(sys.modules))"

    assert subprocess.check_output([sys.executable, "-c", heavy], text=True).strip() == "set()"


def test_help_names_every_exit_code() -> None:
    said = CliRunner().invoke(cli.cli, ["run", "--help"]).output

    assert all(f"\n    {code}  " in said for code in range(8))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("run", "--rule", "COMM-99"), "There is no rule COMM-99. Near it: COMM-01, COMM-02, "),
        (("run", "--rule", "SCHDE-05"), "There is no rule SCHDE-05. Did you mean SCHED-05?"),
        (("explain", "FOO-99"), "There is no rule FOO-99. `seatrial rules` lists them all."),
        (("run", "--role", "cook"), "'cook'"),
        (("run", "--role", "etcd"), "No rule names the role 'etcd'; there are apiserver, controller-manager, kubelet and scheduler."),
        (("rules", "--role", "etcd"), "No rule names the role 'etcd'"),
        (("run", "--profile", "cook"), "'cook'"),
        (("run", "--area", "kitchen"), "'kitchen'"),
        (("run", "-i", "referense"), "There is no implementation 'referense'. Did you mean reference? Shipped are: "),
        (("run", "-i", "kubeconfig:nowhere", "--dry-run"), "nowhere cannot be read: No such file or directory."),
        (("doctor", "-i", "kubeconfig:nowhere"), "nowhere cannot be read: No such file or directory."),
        (("run", "-i", "kubernetes", "--backend", "simulation"), "kubernetes.yaml: components.etcd is no Python"),
        (("run", "--set", "colour"), "--set colour: expected NAME=VALUE."),
        (("run", "--set", "=blue"), "expected NAME=VALUE"),
        (("run", "--set", "colour=blue"), "--set colour=blue: reference asks for no settings."),
        (("doctor", "-i", "kubernetes", "--set", "ban=x"), "kubernetes asks for bin, etcd."),
        (("up", "-i", "kubeconfig:nowhere"), "runs already: there is nothing to start."),
        (("doctor", "-i", "kubeconfig:nowhere", "--backend", "processes"), "and visited: --backend can be left out."),
        (("doctor", "--backend", "attached"), "reference is started by Seatrial: --backend simulation or processes."),
        (("run", "-i", "nobody"), "Shipped are: "),
        (("run", "-i", "nobody.yaml"), "no descriptor file"),
        (("explain", "COMM-99"), "COMM-05"),
        (("judge", "nothing.jsonl"), "nothing.jsonl cannot be read: No such file or directory."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_makes_no_sense_is_4(arguments: Sequence[str], says: str) -> None:
    code, complaint = here(*arguments)

    assert (code, says in complaint, complaint.count("\n")) == (4, True, 0)


def test_the_doctor_wants_no_node_where_there_is_no_kubelet(tmp_path: Path) -> None:
    ended = seatrial("doctor", "-i", descriptor(tmp_path, "noks", "components: {kubelet: {absent: true}}"))

    assert (ended.returncode, "node-1" in ended.stdout) == (0, False), ended.stdout


def test_explain_says_where_a_rule_is_looked_at(capsys: pytest.CaptureFixture[str]) -> None:
    assert (cli.main(["explain", "NODE-02"]), "every scenario of other rules" in capsys.readouterr().out) == (0, True)
    assert (cli.main(["explain", "SCHED-02"]), "every scenario of other rules" in capsys.readouterr().out) == (0, False)


def test_explain_tells_of_the_values_of_descriptors(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["explain", "values"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert {line.split()[0] for line in said} >= {"${data}", "${limits.lease_s}", "${set.NAME}", "${file.NAME}"}
    assert all(len(line.split()) > 1 for line in said)


@pytest.mark.parametrize(
    "arguments", [("run", "--bad"), ("sink",), ("run", "-n", "-1"), ("run", "-n", "x"), ("judge",), ("run", "--backend", "paper")]
)
def test_what_is_no_command_is_4(arguments: Sequence[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(list(arguments)) == 4
    assert "Usage: " in capsys.readouterr().err


def test_a_bad_descriptor_is_4_and_names_file_and_line(tmp_path: Path) -> None:
    file = descriptor(tmp_path, "bad", "components:", "  scheduler:", "    comand: [x]")

    code, complaint = here("run", "-i", str(file))

    assert (code, complaint) == (4, f"{file}:7: components.scheduler.comand: there is no such key; did you mean command?")


def test_nothing_selected_is_5() -> None:
    code, complaint = here("run", "--rule", "COMM-05", "--area", "api")

    assert (code, complaint) == (5, "nothing selected: no rule matches every criterion. See: seatrial rules")


@pytest.mark.parametrize("folder", ["file", "file/reports"])
def test_an_unwritable_folder_is_4(folder: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    code, complaint = here("run", "-o", str(tmp_path / folder))

    assert (code, complaint.startswith("Reports cannot be written to "), complaint.count("\n")) == (4, True, 0)


@pytest.mark.parametrize("row", ["deviations: [{id: SCHED-99, finding: x, because: y}]", "claims: [scheduling]"])
@pytest.mark.parametrize("command", [("run",), ("doctor",), ("up",)], ids=lambda command: command[0])
def test_what_no_rule_speaks_of_is_4_and_names_file_and_line(command: tuple[str], row: str, tmp_path: Path) -> None:
    file = descriptor(tmp_path, "bad", row)

    code, complaint = here(*command, "-i", str(file))

    assert (code, complaint.startswith(f"{file}:5: "), "rule" in complaint) == (4, True, True)


def test_criteria_of_different_kinds_intersect(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["rules", "--role", "kubelet", "--area", "nodes", "--area", "watching"]) == 0
    said = capsys.readouterr().out
    assert ("NODE-01" in said, "COMM-01" in said) == (True, False)
    assert cli.main(["rules", "--rule", "COMM-05", "--area", "api"]) == 5


def test_a_rule_that_passes_is_0_and_leaves_valid_reports(tmp_path: Path) -> None:
    ended = seatrial("run", *FAST, "-o", tmp_path)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.splitlines()[-1] == "passed: 1 rule of reference (simulation, seed 0); no whole profile was selected"
    assert "100 %" in ended.stderr
    report = json.loads((tmp_path / "report.json").read_bytes())
    schema("report").validate(report)
    for scenario in report["rules"][0]["scenarios"]:
        for line in (tmp_path / scenario["history"]).read_bytes().splitlines():
            schema("history").validate(json.loads(line))


def schema(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads(resources("seatrial_schemas").joinpath(f"{name}.schema.json").read_bytes()))


def test_two_equal_runs_have_equal_reports_with_workers_or_without(tmp_path: Path) -> None:
    seatrial("run", *FAST, "-o", tmp_path / "a")
    seatrial("run", *FAST, "-o", tmp_path / "b", "-n", "2")

    assert (tmp_path / "a/report.json").read_bytes() == (tmp_path / "b/report.json").read_bytes()


def test_a_users_pytest_configuration_does_not_leak_in(tmp_path: Path) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    (tmp_path / "conftest.py").write_text("raise RuntimeError\n")

    assert seatrial("run", *FAST, "--dry-run", cwd=tmp_path).returncode == 0


def test_a_saved_history_is_judged_again(tmp_path: Path) -> None:
    seatrial("run", *FAST, "-o", tmp_path)
    histories = sorted((tmp_path / "histories").iterdir())

    ended = seatrial("judge", *histories)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    *told, total = ended.stdout.splitlines()
    assert [line.split()[:2] for line in told] == [["passed", "STORE-13"]] * len(histories)
    assert total == f"{len(histories)} histories: {len(histories)} passed"


def test_a_wrong_component_is_1_by_name_and_so_is_its_history(tmp_path: Path) -> None:
    (tmp_path / "nosy.py").write_text(NOSY)
    args = [f'"{a}"' for a in ("--kubeconfig=${kubeconfig}", "--leader-elect=true", "${host.address}", "${store}")]
    file = descriptor(tmp_path, "nosy", "components:", "  scheduler:", "    python: nosy:main", f"    args: [{', '.join(args)}]")

    ended = seatrial("run", "-i", file, "--rule", "COMM-05", "-o", tmp_path / "reports")

    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert ended.stdout.splitlines()[-1].startswith("not conformant: 1 rule failed (COMM-05)")
    assert "culprit   scheduler-0 (scheduler)" in ended.stdout
    assert "observed  scheduler-0 -> etcd-0:2379" in ended.stdout
    assert seatrial("judge", *(tmp_path / "reports" / "histories").iterdir()).returncode == 1


NOSY = """
import asyncio

from seatrial_reference import scheduler


async def main(args, context):
    *args, _, store = args
    host, port = store.removeprefix("http://").split(":")
    await asyncio.open_connection(host, int(port))
    await scheduler.main(args, context)
"""


@pytest.mark.parametrize(("more", "code"), [("versions: '<2'", 0), ("versions: '>=2'", 1), ("until: 2026-01-01", 1)])
def test_a_deviation_excuses_its_versions_until_its_date(tmp_path: Path, more: str, code: int) -> None:
    (tmp_path / "nosy.py").write_text(NOSY)
    args = [f'"{a}"' for a in ("--kubeconfig=${kubeconfig}", "--leader-elect=true", "${host.address}", "${store}")]
    scheduler = ["components:", "  scheduler:", "    python: nosy:main", f"    args: [{', '.join(args)}]"]
    recorded = ["deviations:", f"  - {{id: COMM-05, finding: scheduler-0 -> etcd-0, because: it looks, {more}}}"]
    file = descriptor(tmp_path, "nosy", *scheduler, *recorded)
    file.write_text(file.read_text().replace("{name: nosy}", "{name: nosy, version: 1}"))

    assert seatrial("run", "-i", file, "--rule", "COMM-05").returncode == code


def test_a_stale_deviation_is_7(tmp_path: Path) -> None:
    file = descriptor(tmp_path, "stale", "deviations:", "  - {id: STORE-13, finding: anything, because: nobody knows}")

    assert seatrial("run", "-i", file, *FAST).returncode == 7


def test_a_value_that_is_missing_is_4(tmp_path: Path) -> None:
    file = descriptor(tmp_path, "unset", "components:", "  scheduler: {args: ['${set.colour}']}")

    code, complaint = here("run", "-i", str(file), *FAST)

    assert (code, complaint) == (
        4,
        f"{file}:6: components.scheduler.args.0 asks for ${{set.colour}}; give it with --set colour=VALUE.",
    )


DEAD = "async def main(args, context):\n    raise SystemExit('the mast is gone')\n"


def test_what_never_gets_ready_is_6_with_its_last_words(tmp_path: Path) -> None:
    (tmp_path / "dead.py").write_text(DEAD)
    file = descriptor(tmp_path, "dead", "components:", "  scheduler: {python: 'dead:main', restart: never}")

    ended = seatrial("run", "-i", file, *FAST)

    assert ended.returncode == 6, ended.stdout + ended.stderr
    assert "scheduler-0 (scheduler; dead:main) ended before it was ready. Its last words:" in ended.stdout
    assert "the mast is gone" in ended.stdout


MORTAL = """
from seatrial_reference import scheduler


class Mortal(scheduler.Scheduler):
    async def bind(self, pod, node):
        raise ValueError("the mast is gone")


async def main(args, context):
    await scheduler.main(args, context, part=Mortal)
"""


def test_who_dies_in_the_middle_is_told_with_its_last_words(tmp_path: Path) -> None:
    (tmp_path / "mortal.py").write_text(MORTAL)
    file = descriptor(tmp_path, "mortal", "components:", "  scheduler: {python: 'mortal:main', restart: never}")

    ended = seatrial("run", "-i", file, "--rule", "SCHED-05")

    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert "scheduler-0 (scheduler; mortal:main) ended by itself with status 1. Its last words:" in ended.stdout
    assert "the mast is gone" in ended.stdout


def test_the_doctor_says_whose_fault_it_is(tmp_path: Path) -> None:
    (tmp_path / "dead.py").write_text(DEAD)
    file = descriptor(tmp_path, "dead", "components:", "  scheduler: {python: 'dead:main', restart: never}")

    ended = seatrial("doctor", "-i", file)
    scheduler = next(line for line in ended.stdout.splitlines() if "scheduler-0" in line)

    assert ended.returncode == 6
    assert scheduler.startswith("FAIL")
    assert "ended by itself, with status 1" in scheduler
    assert "[fault: dead.yaml, component scheduler]" in ended.stdout
    assert any(line.startswith("ok    controller-manager-0") for line in ended.stdout.splitlines())


def test_the_doctor_finds_the_reference_well() -> None:
    ended = seatrial("doctor")

    assert ended.returncode == 0, ended.stdout
    assert all(any(line.startswith(f"ok    {what}") for line in ended.stdout.splitlines()) for what in ("requests", "hooks", "canaries"))


def test_scenarios_are_chosen_by_their_title_or_by_words_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    def chosen(*titles: str) -> list[str]:
        assert cli.main(["run", "--dry-run", "--rule", "SCHED-02", *(part for t in titles for part in ("--scenario", t))]) == 0
        return capsys.readouterr().out.splitlines()[:-1]

    (exactly,) = chosen("a pod comes again under its old name")
    assert exactly.endswith("  a pod comes again under its old name")
    assert len(chosen("lets nobody bind")) == 2
    assert set(chosen("lets nobody bind", "Under its OLD name")) == {exactly, *chosen("lets nobody bind")}


def test_a_title_that_no_scenario_has_is_4(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", "--scenario", "a deployment is roled out"]) == 4
    assert capsys.readouterr().err == (
        "seatrial: No scenario has 'a deployment is roled out' in its title. Did you mean a deployment is rolled out?\n"
    )


def test_a_dry_run_lists_scenarios_and_starts_nothing(tmp_path: Path) -> None:
    ended = seatrial("run", "--rule", "COMM-05", "--dry-run", "-o", tmp_path / "reports")

    assert ended.returncode == 0
    *listed, counted = ended.stdout.splitlines()
    assert listed
    assert len(set(listed)) == len(listed)
    assert any(line.endswith("[the scheduler]") for line in listed)
    assert counted == f"1 rule, {len(listed)} scenarios of reference (simulation); nothing was started"
    assert not (tmp_path / "reports").exists()


def test_rules_as_json() -> None:
    rows = json.loads(CliRunner().invoke(cli.cli, ["rules", "--json"]).output)

    assert {"id", "sentence", "must", "roles", "profiles", "area", "feature", "scenarios"} <= rows[0].keys()


def test_pytest_itself_can_run_the_rules() -> None:
    features = Path(__file__).parents[2] / "features" / "store"
    plugins = ["-p", "seatrial.plugin", "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", *plugins, "--implementation=reference", "--rule=STORE-13", str(features)]

    ended = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=120)

    assert ended.returncode == 0, ended.stdout
