"""The report of one failure: everything that one needs, in forty lines."""

from pathlib import Path
from typing import Any

from seatrial.model.verdicts import Verdict
from seatrial.report.failure import failure, failures
from seatrial.report.summary import Report

from .building import breach, deviation, failed, mixed, report, result, rule


def told(given: Report) -> list[str]:
    ((outcome, found),) = failures(given)
    return failure(given, outcome, found)


def opened(number: int) -> dict[str, Any]:
    common = {"source": "flows", "seq": number, "at_s": number / 10, "kind": "open", "instance": None}
    return common | {"origin": "scheduler-0", "target": "etcd-0", "port": 2379, "link": number}


def test_rule_culprit_expectation_observation_and_command() -> None:
    assert told(report(failed(example={"who": "scheduler"}))) == [
        "FAILED COMM-05  Only the API server MUST open connections to etcd",
        "  scenario  a deployment is rolled out (communication/store.feature)",
        "  example   who = scheduler",
        "  culprit   scheduler-0 (scheduler)",
        "  expected  only apiserver connected to etcd",
        "  observed  scheduler-0 -> etcd-0:2379",
        "  again     seatrial run -i reference --rule COMM-05 --scenario 'a deployment is rolled out' --seed 0 --backend simulation",
    ]


def test_the_sentence_that_did_not_pass_is_shown() -> None:
    step = 'Then the pod "web" becomes running'

    assert told(report(failed(step=step)))[2:4] == [f"  step      {step}", "  culprit   scheduler-0 (scheduler)"]
    assert told(report(result(verdict=Verdict.INCONCLUSIVE, step=step, why="blocked")))[2:4] == [
        f"  step      {step}",
        "  because   blocked",
    ]


def test_names_are_not_broken_at_their_hyphens() -> None:
    names = " ".join(f"controller-manager-{n}" for n in range(20))
    lines = told(report(failed(findings=(breach(names),)))) + told(report(result(verdict=Verdict.INCONCLUSIVE, why=names)))

    assert [line for line in lines if line.endswith("-")] == []


def test_a_rule_found_broken_by_the_way_says_where_and_how_to_see_it_again() -> None:
    shown = report(result("ARCH-03"), failed(within="ARCH-03", feature="communication/division_of_labour.feature", others=2))
    lines = told(shown)

    where = "(communication/division_of_labour.feature, made for ARCH-03; 2 more of other rules show it)"
    assert f"  scenario  a deployment is rolled out {where}" in lines
    assert lines[-1].endswith("seatrial run -i reference --rule COMM-05 --rule ARCH-03 --seed 0 --backend simulation")


def test_never_more_than_forty_lines() -> None:
    every = tuple(breach(f"{n} " + "word " * 200) for n in range(9))
    lines = told(report(failed(findings=every, slice=tuple(opened(n) for n in range(90)), history="histories/x.jsonl")))

    assert len(lines) == 40
    assert "            and 6 more findings of this kind" in lines
    assert lines[-3:-1] == ["  (the rest is in the history)", "  history   histories/x.jsonl"]


def test_a_role_that_the_file_did_not_bring_is_said_so(tmp_path: Path) -> None:
    mine = mixed(tmp_path)
    kubelet = failed(findings=(breach(culprit="node-1", roles=("kubelet",)),))

    assert "  culprit   node-1 (kubelet), which mine has from reference" in told(report(kubelet, implementation=mine))
    assert "  culprit   scheduler-0 (scheduler)" in told(report(failed(), implementation=mine))


def test_inconclusive_says_why_in_bounds() -> None:
    lines = told(report(result(verdict=Verdict.INCONCLUSIVE, why="blocked\n" + "it wrote\n" * 30 + "its last word")))

    assert lines[0].startswith("INCONCLUSIVE COMM-05")
    assert lines[2] == "  because   blocked"
    assert lines[lines.index("            ...") + 8] == "            its last word"
    assert len(lines) < 22


def test_recorded_deviations_and_what_cannot_run_here_are_not_printed() -> None:
    elsewhere, excluded = result("COMM-01", Verdict.NOT_RUN, backend_lacks=True), result("COMM-02", Verdict.NOT_RUN)

    assert failures(report(failed(), elsewhere, excluded, deviations=(deviation(),))) == []


def test_a_should_is_marked_as_a_warning() -> None:
    assert told(report(failed(), rules=[rule(must=False)]))[0].endswith("(SHOULD: a warning)")
