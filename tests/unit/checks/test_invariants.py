"""Some rules hold in every scenario: what breaks them is found wherever it shows, and nothing else is."""

from seatrial.checks.invariants import INVARIANTS, broken
from seatrial.model.history import History

ALL = INVARIANTS.keys()


def history(*placed: tuple[str, ...]) -> History:
    made = History(lambda: 1.0)
    for name, *roles in placed or (("etcd-0", "etcd"), ("apiserver-0", "apiserver"), ("scheduler-0", "scheduler"), ("node-1", "kubelet")):
        made.append("cluster", "instance", at_s=None, instance=name, data={"roles": roles})
    return made


def opens(made: History, origin: str, target: str, *, sport: int = 40000) -> None:
    made.append(
        "flows", "open", at_s=None, instance=None, data={"origin": origin, "target": target, "port": 1, "sport": sport, "link": sport}
    )


def found(made: History, rules: object = ALL) -> dict[str, list[str]]:
    return {rule: [f.culprit for f in findings] for rule, findings in broken(made, rules)}  # type: ignore[arg-type]


def test_who_keeps_to_the_api_server_breaks_nothing() -> None:
    made = history()
    for origin, target in (("apiserver-0", "etcd-0"), ("scheduler-0", "apiserver-0"), ("node-1", "apiserver-0"), ("operator", "etcd-0")):
        opens(made, origin, target)

    assert found(made) == {}


def test_a_connection_past_the_api_server_breaks_what_it_breaks() -> None:
    made = history()
    opens(made, "scheduler-0", "etcd-0")
    opens(made, "scheduler-0", "node-1", sport=40001)

    assert found(made) == {"COMM-01": 2 * ["scheduler-0"], "COMM-05": ["scheduler-0"], "SCHED-04": ["scheduler-0"]}


def test_the_api_server_calls_nobody() -> None:
    made = history()
    opens(made, "apiserver-0", "node-1")

    assert found(made) == {"COMM-07": ["apiserver-0"], "COMM-12": ["apiserver-0"]}


def test_the_suites_own_canaries_are_nobodys_doing() -> None:
    made = history()
    made.append("cluster", "canary", at_s=None, instance="scheduler-0", data={"target": "etcd-0", "port": 1, "sport": 20000})
    opens(made, "scheduler-0", "etcd-0", sport=20000)

    assert found(made) == {}


def test_only_the_rules_in_question_are_looked_at() -> None:
    made = history()
    opens(made, "scheduler-0", "etcd-0")

    assert found(made, {"COMM-05"}) == {"COMM-05": ["scheduler-0"]}


def test_of_roles_in_one_process_nobody_knows_which_did_something() -> None:
    made = history(("etcd-0", "etcd"), ("server-0", "apiserver", "scheduler"), ("node-1", "kubelet"))
    opens(made, "server-0", "node-1")

    assert found(made) == {}


def test_what_a_scheduler_asks_to_write_beside_its_job_is_found() -> None:
    made = history()
    asked = {"request": 1, "verb": "patch", "resource": "nodes", "subresource": None, "path": "/api/v1/nodes/node-1"}
    made.append("tap/apiserver-0", "request", at_s=None, instance="scheduler-0", data=asked)

    assert found(made) == {"SCHED-05": ["scheduler-0"]}
