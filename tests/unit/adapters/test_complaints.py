"""What is said of a bad descriptor: file and line, what was expected, what may have been meant, and all of it at once."""

from pathlib import Path

import pytest

from seatrial.adapters.descriptor import load
from seatrial.model.errors import UsageError

HEAD = "apiVersion: seatrial/v1\nkind: Implementation\nmetadata: {name: mine}\nbasedOn: reference\n"


def refused(folder: Path, text: str) -> list[str]:
    """The complaints, without the folder."""
    file = folder / "mine.yaml"
    file.write_text(text, "utf-8")
    with pytest.raises(UsageError) as raised:
        load(str(file))
    return str(raised.value).replace(f"{folder}/", "").splitlines()


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("scheduler: {comand: [x]}", "scheduler.comand: there is no such key; did you mean command?"),
        ("scheduler: {stop: {speed: 1}}", "scheduler.stop.speed: there is no such key; known here are signal and grace_s."),
        (
            "scheduler: {ready: {htp: x}}",
            "scheduler.ready: expected lease, node, {http: URL}, {tcp: HOST:PORT} or {log: REGEX}, found a mapping.",
        ),
        ("scheduler: {ready: {http: [x]}}", "scheduler.ready.http: expected text, found a list."),
        ("scheduler: {restart: always}", "scheduler.restart: expected never or {when: exited, backoff_s: SECONDS}, found 'always'."),
        ("scheduler: {restart: {when: exited, backoff: 1}}", "scheduler.restart.backoff: there is no such key; did you mean backoff_s?"),
        ("scheduler: {replicas: {election: x}}", "scheduler.replicas.election: expected none or {lease: NAMESPACE/NAME}, found 'x'."),
        ("scheduler: {replicas: {election: {lease: x}}}", "scheduler.replicas.election.lease: expected NAMESPACE/NAME, found 'x'."),
        ("scheduler: {replicas: {max: 0}}", "scheduler.replicas.max: expected at least 1, found 0."),
        ("scheduler: {command: ../x --fast}", "scheduler.command: expected a list, such as [../x, --fast], found '../x --fast'."),
        ("scheduler: {command: []}", "scheduler.command: is empty."),
        (
            "scheduler: {command: [x, {a: b}]}",
            "scheduler.command.1: expected a word, in quotes where it has a colon and a blank, found a mapping.",
        ),
        ("scheduler: {python: a.b}", "scheduler.python: expected MODULE:FUNCTION, found 'a.b'."),
        ("scheduler: {limits: {ready_s: 5s}}", "scheduler.limits.ready_s: expected seconds, such as 5, found '5s'."),
        ("scheduler: {limits: {ready_s: -1}}", "scheduler.limits.ready_s: expected more than 0, found -1."),
        ("scheduler: {stop: {signal: INT}}", "scheduler.stop.signal: expected TERM or KILL, found 'INT'."),
        ("scheduler: {absent: false}", "scheduler.absent: expected true, or nothing at all, found false."),
        ("scheduler:", "scheduler: is empty; expected a mapping."),
        ("sheduler: {command: [x]}", "sheduler: there is no role sheduler; did you mean scheduler?"),
        (
            "x: {roles: [kublet], command: [x]}",
            "x.roles.0: expected etcd, apiserver, scheduler, controller-manager or kubelet, found 'kublet'; did you mean kubelet?",
        ),
        ("scheduler: {command: [x], python: 'a:b'}", "scheduler: expected command or python, found both."),
        ("scheduler: {args: ['${kubconfig}']}", "scheduler.args.0: there is no value ${kubconfig}; did you mean kubeconfig?"),
        ("scheduler: {args: ['${oars}']}", "scheduler.args.0: there is no value ${oars}; `seatrial explain values` lists them."),
        ("scheduler: {args: ['${file.conf}']}", "scheduler.args.0 asks for ${file.conf}; its files are: none."),
        ("scheduler: {args: ['--cri=${cri}']}", "scheduler.args.0 asks for ${cri}; only kubelets have it."),
        ("scheduler: {args: ['${user}']}", "scheduler.args.0 asks for ${user}; only identity.mint has it."),
    ],
)
def test_a_component_is_complained_about_in_the_words_of_the_file(row: str, says: str, tmp_path: Path) -> None:
    assert refused(tmp_path, f"{HEAD}components:\n  {row}\n") == [f"mine.yaml:6: components.{says}"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- a\n", "mine.yaml:1: expected a mapping with apiVersion, kind and metadata, found a list."),
        ("", "mine.yaml:1: is empty; expected a mapping with apiVersion, kind and metadata."),
        (HEAD.replace("reference", "referense"), "mine.yaml:4: basedOn: There is no implementation 'referense'. Did you mean reference? "),
        (HEAD.replace("basedOn", "basedon"), "mine.yaml:4: basedon: there is no such key; did you mean basedOn?"),
        (
            HEAD.replace("basedOn: reference\n", ""),
            "mine.yaml:1: there is no component with the role apiserver; add one, or basedOn: reference.",
        ),
        (HEAD + "components: {apiserver: {absent: true}}\n", "mine.yaml:5: there is no component with the role apiserver; "),
        (HEAD + "hooks: {authentcation: none}\n", "mine.yaml:5: hooks.authentcation: there is no such key; did you mean authentication?"),
        (HEAD + "reuse: perhaps\n", "mine.yaml:5: reuse: expected true or false, found 'perhaps'."),
        (HEAD + "hooks: none\nreuse: true\nhooks: none\n", "mine.yaml:7: hooks stands here again, after line 5."),
        (HEAD + "settings: {bin: '${data}'}\n", "mine.yaml:5: settings.bin: expected no values but python, here and cache, found ${data}."),
        (HEAD + "components: {etcd: {args: [${data}]}}\n", "mine.yaml:5: not YAML: "),
        (
            HEAD + "hooks: {authentication: none}\n",
            "mine.yaml:1: components.apiserver.args.10, which is the base's, asks for ${hooks.authentication}; ",
        ),
    ],
)
def test_a_document_is_complained_about_by_its_lines(text: str, says: str, tmp_path: Path) -> None:
    (complaint,) = refused(tmp_path, text)

    assert complaint.startswith(says)


def test_yaml_s_favourite_stumbling_block_is_explained(tmp_path: Path) -> None:
    assert refused(tmp_path, HEAD + "components: {etcd: {args: [${data}]}}\n")[0].endswith("; ${...} in brackets or braces wants quotes.")


def test_what_a_value_is_asked_for_in_may_be_merged(tmp_path: Path) -> None:
    """YAML's merge is no repetition, and an alias is no loop."""
    limits = "  etcd: {limits: &limits {lease_s: 2}}\n  scheduler: {limits: {<<: *limits, lease_s: 3}}\n"
    (tmp_path / "mine.yaml").write_text(f"{HEAD}components:\n{limits}", "utf-8")

    assert load(str(tmp_path / "mine.yaml")).components["scheduler"].limits.lease_s == 3


def test_all_complaints_come_at_once_in_the_order_of_the_lines(tmp_path: Path) -> None:
    rows = "components:\n  scheduler: {comand: [x]}\n  kubelet: {restart: always}\nreuse: 5\n"

    assert [line.split(":")[1] for line in refused(tmp_path, HEAD + rows)] == ["6", "7", "8"]


def test_of_many_complaints_ten_are_told(tmp_path: Path) -> None:
    rows = "".join(f"  scheduler-{i}: {{}}\n" for i in range(12))

    *told, more = refused(tmp_path, f"{HEAD}components:\n{rows}")

    assert (len(told), more) == (10, "... and 2 more.")
