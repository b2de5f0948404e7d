"""Protobuf bodies are read as the JSON that the same client would have sent, and whatever else comes in their place is refused with 400.

The golden bodies were sent by kubectl 1.37.1 itself; what they must read as is its own `--dry-run=client -o json`.
"""

import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial_reference.apiserver.messages import by_number, messages
from seatrial_reference.apiserver.protobuf import MAGIC, MEDIA, Malformed, decode
from seatrial_schemas.kinds import table

KUBECTL = Path(sys.executable).with_name("kubectl")
GOLDEN = {
    "deployment web --image=x --replicas=3": (
        "6b3873000a150a07617070732f7631120a4465706c6f796d656e7412a3010a1f0a0377656212001a0022002a003200380042005a0a0a0361"
        "7070120377656212720803120c0a0a0a0361707012037765621a580a1c0a0012001a0022002a003200380042005a0a0a0361707012037765"
        "621238121a0a01781201782a0042006a007200800100880100900100a201001a00320042004a0052005800600068008201008a01009a0100"
        "c2010022020a00280038001a0c0800100018002000280038001a002200"
    ),
    "ns foo": "6b3873000a0f0a02763112094e616d657370616365121b0a130a03666f6f12001a0022002a0032003800420012001a020a001a002200",
    "secret generic s --from-literal=a=b": (
        "6b3873000a0c0a0276311206536563726574121d0a110a017312001a0022002a0032003800420012060a01611201621a001a002200"
    ),
    "pdb p --min-available=50% --selector=a=b": (
        "6b3873000a200a09706f6c6963792f76311213506f6444697372757074696f6e42756467657412360a110a017012001a0022002a00320038"
        "00420012150a09080110001a0335302512080a060a01611201621a0a080018002000280030001a002200"
    ),
    "quota q --hard=cpu=1": (
        "6b3873000a130a027631120d5265736f7572636551756f746112230a110a017112001a0022002a00320038004200120c0a0a0a0363707512"
        "030a01311a001a002200"
    ),
    "priorityclass p --value=0": (
        "6b3873000a250a147363686564756c696e672e6b38732e696f2f7631120d5072696f72697479436c617373122f0a110a017012001a002200"
        "2a003200380042001000180022002a14507265656d70744c6f7765725072696f726974791a002200"
    ),
    "service clusterip s --tcp=80:80": (
        "6b3873000a0d0a02763112075365727669636512600a1b0a017312001a0022002a003200380042005a080a03617070120173123d0a180a05"
        "38302d3830120354435018502206080010501a00280012080a036170701201731a002209436c757374657249503a00420052005a00600068"
        "001a020a001a002200"
    ),
    "ingress i --rule=a/b=c:80": (
        "6b3873000a1f0a146e6574776f726b696e672e6b38732e696f2f76311207496e6772657373123c0a110a016912001a0022002a0032003800"
        "420012231a210a0161121c0a1a0a180a022f62120b22090a016312040a0010501a0545786163741a020a001a002200"
    ),
}
WEB = {
    "kind": "Deployment",
    "apiVersion": "apps/v1",
    "metadata": {"name": "web", "labels": {"app": "web"}},
    "spec": {
        "replicas": 3,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "x", "image": "x", "resources": {}}]}},
        "strategy": {},
    },
    "status": {},
}
DEPLOYMENT = bytes.fromhex(GOLDEN["deployment web --image=x --replicas=3"])
SPECIAL = {"string", "bytes", "int", "bool", "Time", "MicroTime", "IntOrString", "Quantity", "Raw", "[]string"}


def varint(number: int) -> bytes:
    low = []
    while True:
        low.append(number & 0x7F | (0x80 if number > 0x7F else 0))
        number >>= 7
        if not number:
            return bytes(low)


def put(number: int, value: int | str | bytes) -> bytes:
    """One field on the wire."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value % (1 << 64))
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def body(api_version: str, kind: str, raw: bytes, *more: bytes) -> bytes:
    return MAGIC + put(1, put(1, api_version) + put(2, kind)) + put(2, raw) + b"".join(more)


def read(api_version: str, kind: str, raw: bytes) -> Any:
    """The object but for its kind."""
    obj = decode(body(api_version, kind, raw))
    assert (obj.pop("apiVersion"), obj.pop("kind")) == (api_version, kind)
    return obj


# what kubectl sends


def test_a_deployment_of_kubectl_is_what_was_asked_for() -> None:
    assert decode(DEPLOYMENT) == WEB


@pytest.mark.skipif(not KUBECTL.exists(), reason="kubectl is not installed")
@pytest.mark.parametrize("command", GOLDEN)
def test_kubectl_sends_in_protobuf_what_it_would_send_in_json(command: str, tmp_path: Path) -> None:
    shown = [str(KUBECTL), "create", *command.split(), "--dry-run=client", "--output=json"]
    said = subprocess.run(shown, env={"HOME": str(tmp_path)}, check=True, capture_output=True)
    assert decode(bytes.fromhex(GOLDEN[command])) == orjson.loads(said.stdout)


# the table


def test_the_table_has_every_kind_and_every_type_that_it_names() -> None:
    kinds = {f"{kind.api_version}.{kind.kind}" for kind in table()}
    assert kinds | {"v1.Binding", "autoscaling/v1.Scale", "meta.k8s.io/v1.DeleteOptions"} <= set(messages())
    rows = [row for message in messages() for row in by_number(message).values()]
    assert {row.type for row in rows} <= SPECIAL | set(messages())
    assert {row.cardinality for row in rows} == {"always", "omitempty", "pointer", "list", "map", "inline"}


# zeros


@pytest.mark.parametrize(
    ("spec", "read_as"),
    [
        (put(1, 0), {"replicas": 0}),  # a pointer: none at all is another thing than unset
        (put(5, 0) + put(7, 0), {}),  # minReadySeconds, paused
        (put(5, 7) + put(7, 1), {"minReadySeconds": 7, "paused": True}),
        (put(6, -1), {"revisionHistoryLimit": -1}),
        (put(4, put(1, "")), {"strategy": {}}),
    ],
)
def test_zeros_are_kept_where_they_mean_something(spec: bytes, read_as: Any) -> None:
    assert read("apps/v1", "Deployment", put(2, spec)) == {"spec": read_as}


def test_an_empty_selector_is_not_no_selector() -> None:
    assert read("networking.k8s.io/v1", "NetworkPolicy", put(2, put(1, b""))) == {"spec": {"podSelector": {}}}


# types that JSON writes in another way


@pytest.mark.parametrize(
    ("api_version", "kind", "raw", "read_as"),
    [
        ("v1", "ConfigMap", put(1, put(8, b"")), {"metadata": {}}),
        ("v1", "ConfigMap", put(1, put(8, put(1, 0) + put(2, 0))), {"metadata": {"creationTimestamp": "1970-01-01T00:00:00Z"}}),
        ("v1", "ConfigMap", put(1, put(8, put(1, -1) + put(2, 999))), {"metadata": {"creationTimestamp": "1969-12-31T23:59:59Z"}}),
        ("v1", "ConfigMap", put(2, put(1, "a") + put(2, "")), {"data": {"a": ""}}),
        ("v1", "ConfigMap", put(2, put(1, "a")) + put(2, put(2, "é")), {"data": {"a": "", "": "é"}}),
        ("v1", "ConfigMap", put(3, put(1, "a") + put(2, b"\xff")), {"binaryData": {"a": "/w=="}}),
        ("v1", "ConfigMap", put(4, 0), {"immutable": False}),
        ("v1", "ResourceQuota", put(2, put(1, put(1, "cpu") + put(2, put(1, "500m")))), {"spec": {"hard": {"cpu": "500m"}}}),
        ("v1", "ResourceQuota", put(2, put(1, put(1, "cpu") + put(2, b""))), {"spec": {"hard": {"cpu": "0"}}}),
        (
            "coordination.k8s.io/v1",
            "Lease",
            put(2, put(4, put(1, 1) + put(2, 1999))),
            {"spec": {"renewTime": "1970-01-01T00:00:01.000001Z"}},
        ),
        ("coordination.k8s.io/v1", "Lease", put(2, put(2, 15) + put(1, "")), {"spec": {"leaseDurationSeconds": 15, "holderIdentity": ""}}),
        ("policy/v1", "PodDisruptionBudget", put(2, put(1, put(1, 0) + put(2, 0))), {"spec": {"minAvailable": 0}}),
        ("policy/v1", "PodDisruptionBudget", put(2, put(1, put(1, 1) + put(3, "5%"))), {"spec": {"minAvailable": "5%"}}),
        ("apps/v1", "ControllerRevision", put(2, put(1, b'{"a": [1]}')) + put(3, 0), {"data": {"a": [1]}, "revision": 0}),
        ("apps/v1", "ControllerRevision", put(2, b""), {}),
        ("v1", "Secret", put(1, put(17, put(7, put(1, b'{"f:a":{}}')))), {"metadata": {"managedFields": [{"fieldsV1": {"f:a": {}}}]}}),
        (
            "authentication.k8s.io/v1",
            "TokenReview",
            put(3, put(2, put(4, put(1, "k") + put(2, put(1, "a") + put(1, ""))))),
            {"status": {"user": {"extra": {"k": ["a", ""]}}}},
        ),
        (
            "v1",
            "Pod",
            put(2, put(1, put(1, "v") + put(2, put(2, b""))) + put(14, put(4, 1) + put(4, 2))),  # volumes, securityContext
            {"spec": {"volumes": [{"name": "v", "emptyDir": {}}], "securityContext": {"supplementalGroups": [1, 2]}}},
        ),
    ],
)
def test_special_types(api_version: str, kind: str, raw: bytes, read_as: Any) -> None:
    assert read(api_version, kind, raw) == read_as


def test_options_of_a_delete_are_known_in_every_group() -> None:
    assert read("apps/v1", "DeleteOptions", put(1, 0) + put(4, "Orphan")) == {"gracePeriodSeconds": 0, "propagationPolicy": "Orphan"}


def test_unknown_fields_of_any_wire_type_are_skipped() -> None:
    unknown = put(99, 1) + put(100, "x") + varint(101 << 3 | 1) + bytes(8) + varint(102 << 3 | 5) + bytes(4)
    assert read("v1", "ConfigMap", unknown + put(4, 1)) == {"immutable": True}


# what is no body


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        MAGIC,
        body("v1", "Gadget", b""),
        body("v1", "ConfigMap", b"", put(3, "gzip")),
        body("v1", "ConfigMap", b"", put(4, "application/json")),
        MAGIC + put(1, 5),
        MAGIC + put(1, put(1, b"\xff")),
        body("v1", "ConfigMap", put(1, 5)),
        body("v1", "ConfigMap", put(4, "true")),
        body("v1", "ConfigMap", put(2, put(1, 5))),
        body("v1", "ConfigMap", put(2, put(1, b"\xff"))),
        body("v1", "ConfigMap", put(0, 1)),
        body("v1", "ConfigMap", varint(1 << 3 | 3)),
        body("v1", "ConfigMap", b"\x08" + b"\xff" * 11),
        body("v1", "ConfigMap", b"\x08" + b"\xff" * 9 + b"\x7f"),
        body("v1", "ConfigMap", put(1, put(8, put(1, 1 << 62)))),
        body("v1", "ConfigMap", b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
        body("apps/v1", "ControllerRevision", put(2, put(1, b"{"))),
    ],
)
def test_what_cannot_be_read_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        decode(data)


def test_a_body_cut_short_is_malformed_unless_only_later_fields_are_lost() -> None:
    bare = {"kind": "Deployment", "apiVersion": "apps/v1"}
    ends = {27: bare, len(DEPLOYMENT) - 4: WEB, len(DEPLOYMENT) - 2: WEB}  # the fields of the envelope
    for cut in range(len(DEPLOYMENT)):
        if cut in ends:
            assert decode(DEPLOYMENT[:cut]) == ends[cut]
            continue
        with pytest.raises(Malformed):
            decode(DEPLOYMENT[:cut])


@settings(max_examples=300)
@given(at=st.integers(min_value=0, max_value=len(DEPLOYMENT) - 1), garbage=st.binary(max_size=12))
def test_garbage_is_an_object_or_malformed(at: int, garbage: bytes) -> None:
    try:
        obj = decode(DEPLOYMENT[:at] + garbage + DEPLOYMENT[at + len(garbage) :])
    except Malformed:
        return
    assert orjson.loads(orjson.dumps(obj)) == obj


# the server


def test_the_server_takes_protobuf_and_answers_json(world: Any) -> None:
    path = "/apis/apps/v1/namespaces/default/deployments"
    made = world.run(world.must("POST", path, DEPLOYMENT, media=MEDIA, headers={"Accept": f"{MEDIA},application/json"}))
    assert (made["metadata"]["name"], made["spec"]["replicas"]) == ("web", 3)
    assert "resources" not in made["status"]
    options = body("v1", "DeleteOptions", put(4, "Orphan"))
    marked = world.run(world.must("DELETE", f"{path}/web", options, media=MEDIA))
    assert marked["metadata"]["finalizers"] == ["orphan"]


@pytest.mark.parametrize("data", [DEPLOYMENT[:100], b"{}", body("v1", "ConfigMap", b""), body("apps/v1", "Deployment", put(2, 1))])
def test_a_body_that_cannot_be_read_is_a_bad_request(world: Any, data: bytes) -> None:
    before = world.etcd.store.revision
    code, answer = world.run(world.ask("POST", "/apis/apps/v1/namespaces/default/deployments", data, media=MEDIA))
    assert (code, answer["kind"], answer["reason"]) == (400, "Status", "BadRequest")
    assert world.etcd.store.revision == before
