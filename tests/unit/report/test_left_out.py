"""What was not run is told: a line for each rule of a cluster that exists, else one for each thing that the backend cannot do."""

from seatrial.model.verdicts import Verdict
from seatrial.report.left_out import not_run
from seatrial.results import Result

from .building import report, result, rule

TLS, CUT = ("the backend simulation cannot tls", "the backend simulation cannot cut")


def lacking(id_: str, why: str, number: int = 1) -> list[Result]:
    return [result(id_, Verdict.NOT_RUN, node=f"{id_} {why} {n}", why=why, backend_lacks=True) for n in range(number)]


def test_scenarios_that_the_backend_cannot_run_are_counted_by_rule_and_reason() -> None:
    found = report(result("REQ-03"), *lacking("REQ-03", TLS, 2), *lacking("COMM-14", TLS), *lacking("COMM-14", CUT))

    assert not_run(found) == [
        f"not run: 2 scenarios of REQ-03, 1 of COMM-14 ({TLS})",
        f"not run: 1 scenario of COMM-14 ({CUT})",
    ]


def test_of_many_rules_some_are_named() -> None:
    (line,) = not_run(report(*(r for n in range(10, 99) for r in lacking(f"COMM-{n}", f"{TLS} {'and so on ' * 50}"))))

    assert line.startswith("not run: 1 scenario of COMM-10, 1 of COMM-11, 1 of COMM-12, 1 of COMM-13 and others of 85 more rules (the back")
    assert len(line) < 180


def test_what_the_descriptor_rules_out_has_a_line_and_what_is_told_elsewhere_has_none() -> None:
    inconclusive = result(verdict=Verdict.INCONCLUSIVE, why="blocked")
    excluded = [result(id_, Verdict.NOT_RUN, node=f"{n}", why="no hooks") for n, id_ in enumerate(("COMM-01", "COMM-01", "COMM-02"))]

    assert not_run(report(inconclusive, result("COMM-02"), *excluded)) == ["not run: 1 scenario of COMM-02, 2 of COMM-01 (no hooks)"]


def test_of_a_cluster_that_exists_each_rule_has_a_line() -> None:
    partly = [result(), result(verdict=Verdict.NOT_RUN, node="other", why="nobody is stopped; the store is out of sight")]
    entirely = [result("COMM-01", Verdict.NOT_RUN, why="nobody is stopped"), *lacking("COMM-02", TLS)]
    rules = [rule(profiles=("communication", "observable")), rule("COMM-01"), rule("COMM-02"), rule("REQ-03")]

    assert not_run(report(*partly, *entirely, result("REQ-03"), rules=rules, confined=True, backend="attached")) == [
        "not-run  COMM-05   1 of 2 scenarios: nobody is stopped; the store is out of sight",
        "not-run  COMM-01   nobody is stopped",
        f"not-run  COMM-02   {TLS}",
    ]
