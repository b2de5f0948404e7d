"""A failure of a mixed implementation is addressed to whom it belongs, or to nobody."""

from pathlib import Path

from seatrial.model.verdicts import Verdict
from seatrial.report.blame import blame
from seatrial.results import Result

from .building import breach, failed, mixed, result


def blamed(folder: Path, here: Result, there: Result) -> Result:
    (found,) = blame([here], [there], implementation=mixed(folder), base="reference")
    return found


INHERITED = failed(findings=(breach("0 of 1 pods have been bound", culprit="node-1", roles=("kubelet",)),))


def test_what_fails_on_the_bare_base_too_is_not_the_newcomers(tmp_path: Path) -> None:
    found = blamed(tmp_path, failed(), failed())

    assert found.verdict is Verdict.HARNESS_FAULT
    assert found.why == "the bare reference fails here too (scheduler-0: scheduler-0 -> etcd-0:2379), so nobody else is to blame"


def test_what_the_newcomer_does_itself_is_its_fault(tmp_path: Path) -> None:
    assert blamed(tmp_path, failed(), result()) == failed()


def test_what_an_inherited_component_does_only_in_this_company_is_the_newcomers(tmp_path: Path) -> None:
    (finding,) = blamed(tmp_path, INHERITED, result()).findings

    assert (finding.culprit, finding.roles) == ("scheduler", ("scheduler",))
    assert "(node-1, which mine has from reference, does this only together with scheduler of mine)" in finding.observed


def test_where_the_base_comes_to_no_verdict_nobody_is_blamed_for_an_inherited_component(tmp_path: Path) -> None:
    found = blamed(tmp_path, INHERITED, result(verdict=Verdict.INCONCLUSIVE))

    assert (found.verdict, found.why.startswith("whose fault it is is not known")) == (Verdict.INCONCLUSIVE, True)


def test_what_was_found_by_the_way_and_not_on_the_base_is_the_newcomers(tmp_path: Path) -> None:
    aside = failed("COMM-05", node="n", within="ARCH-03")

    assert blamed(tmp_path, aside, result("ARCH-03", Verdict.FAILED, node="n")) == aside
    assert blamed(tmp_path, aside, failed("COMM-05", node="n", within="ARCH-03")).verdict is Verdict.HARNESS_FAULT


def test_what_was_not_repeated_stays(tmp_path: Path) -> None:
    assert blamed(tmp_path, INHERITED, result(node="another")) == INHERITED
