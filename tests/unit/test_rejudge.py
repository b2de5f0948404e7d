"""Saved histories are judged as they were when they were made, and what is no history is refused by its line."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from seatrial.model.errors import UsageError
from seatrial.model.history import History
from seatrial.model.verdicts import Verdict
from seatrial.rejudge import rejudge, total
from seatrial.rejudge import saved as histories

HEADER = {
    "schema": "seatrial/v1/history",
    "rule": "COMM-05",
    "sentence": "",
    "scenario": "s",
    "node": "n",
    "backend": "simulation",
    "tags": [],
}
ONLY = {"check": "edges.only", "arguments": {"allowed": ["apiserver"], "target": "etcd"}}


def saved(path: Path, *events: tuple[str, str, str | None, dict[str, Any]], header: dict[str, Any] | None = None) -> Path:
    history = History(lambda: 1.0)
    for source, kind, instance, data in events:
        history.append(source, kind, at_s=None, instance=instance, data=data)
    path.write_bytes(orjson.dumps(header or HEADER) + b"\n" + b"".join(history.as_lines()))
    return path


def placed(name: str, *roles: str) -> tuple[str, str, str, dict[str, Any]]:
    return "cluster", "instance", name, {"roles": list(roles), "component": name, "address": "", "lease": None}


CLUSTER = (placed("etcd-0", "etcd"), placed("apiserver-0", "apiserver"), placed("scheduler-0", "scheduler"))


def opened(origin: str, target: str, sport: int, link: int) -> tuple[str, str, None, dict[str, Any]]:
    return "flows", "open", None, {"origin": origin, "target": target, "port": 2379, "sport": sport, "link": link}


CANARY = ("cluster", "canary", "scheduler-0", {"target": "etcd-0", "port": 2379, "sport": 20000})
SIGN_OF_LIFE = ("tap/apiserver-0", "request", "scheduler-0", {"request": 1, "user": "", "verb": "get", "path": "/", "resource": "pods"})
JUDGED = ("steps", "judge", None, ONLY)
CLEAN = (*CLUSTER, SIGN_OF_LIFE, CANARY, opened("scheduler-0", "etcd-0", 20000, 1))


def test_the_same_evidence_gives_the_same_verdict(tmp_path: Path) -> None:
    found = rejudge(saved(tmp_path / "h.jsonl", *CLEAN, JUDGED))

    assert (found.verdict, found.exit, found.judged) == (Verdict.PASSED, 0, 1)


def test_another_rule_that_it_shows_broken_is_found_too(tmp_path: Path) -> None:
    of_another = HEADER | {"rule": "ARCH-03", "others": ["COMM-05", "SCHED-04"]}
    found = rejudge(saved(tmp_path / "h.jsonl", *CLEAN, JUDGED, opened("scheduler-0", "etcd-0", 40000, 2), header=of_another))

    assert (found.verdict, found.exit) == (Verdict.PASSED, 1)
    assert "failed COMM-05, by the way: " in str(found)


def test_a_breach_is_found_again_with_its_culprit(tmp_path: Path) -> None:
    found = rejudge(saved(tmp_path / "h.jsonl", *CLEAN, opened("scheduler-0", "etcd-0", 40000, 2), JUDGED))

    assert (found.verdict, found.exit, [f.culprit for f in found.findings]) == (Verdict.FAILED, 1, ["scheduler-0"])
    assert "observed scheduler-0 -> etcd-0:2379" in str(found)


def test_only_what_came_before_a_judgement_counts(tmp_path: Path) -> None:
    assert rejudge(saved(tmp_path / "h.jsonl", *CLEAN, JUDGED, opened("scheduler-0", "etcd-0", 40000, 2))).verdict is Verdict.PASSED


def test_missing_evidence_is_inconclusive(tmp_path: Path) -> None:
    found = rejudge(saved(tmp_path / "h.jsonl", *CLUSTER, SIGN_OF_LIFE, JUDGED))

    assert (found.verdict, found.exit, "blind" in found.why) == (Verdict.INCONCLUSIVE, 1, True)


def test_without_a_judgement_nothing_is_concluded(tmp_path: Path) -> None:
    found = rejudge(saved(tmp_path / "h.jsonl", *CLEAN))

    assert (found.verdict, found.judged, found.why) == (Verdict.INCONCLUSIVE, 0, "the scenario never came to a judgement")


STOPPED = HEADER | {"why": "blocked: not seen within 51 s: the pods of web\nits last words"}
STEP = ("steps", "step", None, {"keyword": "When", "sentence": "ships sail"})


def test_why_a_scenario_never_came_to_a_judgement_is_told(tmp_path: Path) -> None:
    found = rejudge(saved(tmp_path / "h.jsonl", *CLEAN, header=STOPPED))

    assert (found.verdict, found.why) == (Verdict.INCONCLUSIVE, f"the scenario never came to a judgement: {STOPPED['why']}")
    assert str(found).splitlines()[1:] == [
        "  the scenario never came to a judgement: blocked: not seen within 51 s: the pods of web",
        "  its last words",
    ]


def test_a_scenario_that_was_stopped_after_a_judgement_is_no_pass(tmp_path: Path) -> None:
    found = rejudge(saved(tmp_path / "h.jsonl", *CLEAN, JUDGED, STEP, header=STOPPED))

    assert (found.verdict, found.judged) == (Verdict.INCONCLUSIVE, 1)
    assert found.why.startswith("the scenario was stopped after its last judgement: blocked: ")


def test_what_a_judgement_itself_had_stopped_is_judged_again(tmp_path: Path) -> None:
    blind = HEADER | {"why": "the recorder was blind in an earlier version"}

    assert rejudge(saved(tmp_path / "h.jsonl", *CLEAN, STEP, JUDGED, SIGN_OF_LIFE, header=blind)).verdict is Verdict.PASSED


def test_several_histories_end_with_a_total(tmp_path: Path) -> None:
    passed = rejudge(saved(tmp_path / "a.jsonl", *CLEAN, JUDGED))
    failed = rejudge(saved(tmp_path / "b.jsonl", *CLEAN, opened("scheduler-0", "etcd-0", 40000, 2), JUDGED))
    of_another = HEADER | {"rule": "ARCH-03", "others": ["COMM-05"]}
    aside = rejudge(saved(tmp_path / "c.jsonl", *CLEAN, JUDGED, opened("scheduler-0", "etcd-0", 40000, 2), header=of_another))

    assert total([failed, passed, passed]) == "3 histories: 2 passed, 1 failed"
    assert total([passed, aside]) == "2 histories: 2 passed; in 1 another rule failed by the way"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", ":1: expected the header of a history; the file is empty."),
        (
            b'{\n  "schema": "seatrial/v1/report"\n}\n',
            ":1: this is no history, which has a JSON object in each line (.jsonl), a header first.",
        ),
        (b'{"schema": "other"}\n', ":1: expected the header of a history"),
        (orjson.dumps(HEADER) + b"\n{", ":2: not JSON"),
        (orjson.dumps(HEADER) + b"\n[]", ":2: expected an object"),
        (orjson.dumps(HEADER) + b'\n{"kind": "open"}', ":2: this is no event: it has no at_s, instance, seq, source."),
    ],
)
def test_what_is_no_history_is_refused_by_its_line(content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "h.jsonl").write_bytes(content)

    with pytest.raises(UsageError) as refusal:
        rejudge(tmp_path / "h.jsonl")

    assert says in str(refusal.value)


@pytest.mark.parametrize(
    ("check", "says"), [("edges.gone", "no check 'edges\\.gone'"), ("edges.only", "is asked something else .*: the history was written")]
)
def test_a_history_of_another_version_is_refused(check: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=says):
        rejudge(saved(tmp_path / "h.jsonl", ("steps", "judge", None, {"check": check, "arguments": {"colour": "blue"}})))


def test_a_folder_of_reports_stands_for_the_histories_in_it(tmp_path: Path) -> None:
    (tmp_path / "reports" / "histories").mkdir(parents=True)
    file = saved(tmp_path / "reports" / "histories" / "h.jsonl", *CLEAN)

    assert histories([tmp_path / "reports"]) == [file]


def test_a_folder_stands_for_the_histories_in_it(tmp_path: Path) -> None:
    file = saved(tmp_path / "h.jsonl", *CLEAN)
    (tmp_path / "empty").mkdir()

    assert histories([tmp_path, file]) == [file, file]
    with pytest.raises(UsageError, match="has no histories in it"):
        histories([tmp_path / "empty"])
