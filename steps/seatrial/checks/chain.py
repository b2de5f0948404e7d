"""The chain of events by revisions of one store, and who did each step, by joining revisions with accepted requests."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from seatrial.checks.facts import (
    OWN,
    accepted,
    authors,
    breach,
    creations,
    culprit_of,
    instances,
    legible,
    of_servers,
    requests,
    roles_of,
    server_of,
    stored,
)
from seatrial.checks.misled import to_blame
from seatrial.checks.objects import belongs, owner
from seatrial.checks.registry import check, fault, proof, require
from seatrial.model.history import Event, History
from seatrial.model.verdicts import Finding, Proof


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One link: what was done, at which revision, and whose job it was."""

    what: str
    event: Event
    role: str
    node: str | None = None


def puts(history: History, kind: str) -> list[Event]:
    """Stored versions of a kind, in the order of the store. Inconclusive where values cannot be read, and nobody was shown them."""
    found = [legible(history, e) for e in stored(history, "put")]
    known = [e for e in found if e["value"] and e["value"].get("kind") == kind]
    hidden = {e["key"] for e in found if e["head"] and e["value"] is None and not of_servers(e["key"])}
    missing = hidden & {e["key"] for e in known} if known else hidden
    require(not missing, "the values in the store cannot be read, and not all of them were shown to anybody")
    return known


def versions(history: History, name: str) -> dict[str, list[Event]]:
    """Every stored version of each pod of the workload, by uid, in order."""
    lives: dict[str, list[Event]] = {}
    for event in puts(history, "Pod"):
        if belongs(event["value"], name):
            lives.setdefault(event["value"]["metadata"]["uid"], []).append(event)
    return lives


def binding(life: list[Event]) -> Event | None:
    """The first version that has a node."""
    return next((e for e in life if e["value"].get("spec", {}).get("nodeName")), None)


def first_running(life: list[Event]) -> Event | None:
    """The first version that is said to run."""
    return next((e for e in life if e["value"].get("status", {}).get("phase") == "Running"), None)


def steps(history: History, name: str) -> list[list[Step]]:
    """The chain of every pod of a deployment. Inconclusive where a link was never stored."""
    deployments = [e for e in puts(history, "Deployment") if e["value"]["metadata"]["name"] == name]
    sets = [e for e in puts(history, "ReplicaSet") if owner(e["value"]) == ("Deployment", name)]
    lives = list(versions(history, name).values())
    require(deployments and sets and lives, f"the store shows no complete chain for {name}")
    chains = []
    for life in lives:
        bound, running = binding(life), first_running(life)
        if bound is None or running is None:
            continue
        parent = next((e for e in sets if owner(life[0]["value"]) == ("ReplicaSet", e["value"]["metadata"]["name"])), sets[0])
        chains.append(
            [
                Step(what=f"Deployment {name}", event=deployments[0], role="operator"),
                Step(what=f"ReplicaSet {parent['value']['metadata']['name']}", event=parent, role="controller-manager"),
                Step(what=f"Pod {life[0]['value']['metadata']['name']}", event=life[0], role="controller-manager"),
                Step(what="its binding", event=bound, role="scheduler"),
                Step(what="its status Running", event=running, role="kubelet", node=bound["value"]["spec"]["nodeName"]),
            ]
        )
    require(chains, f"no pod of {name} went the whole way")
    return chains


@check
def revisions(history: History, *, name: str) -> Proof:
    """Each link of each pod's chain has a higher revision than the one before."""
    if premature := _premature(history, name):
        return proof([], premature)
    evidence: list[Event] = []
    found: list[Finding] = []
    for chain in steps(history, name):
        evidence += [s.event for s in chain]
        for before, after in pairwise(chain):
            if before.event["revision"] >= after.event["revision"]:
                observed = f"revisions {before.event['revision']} and {after.event['revision']}"
                culprit = _doer(history, after) if before.event["revision"] > after.event["revision"] else _of_both(history, after)
                culprit = to_blame(history, culprit)
                found.append(fault(culprit, f"{before.what} before {after.what}", observed, before.event, after.event))
    return proof(evidence, *found[:5])


def _premature(history: History, name: str) -> Finding | None:
    """A pod of the deployment got to run before there was any ReplicaSet."""
    sets = [e for e in puts(history, "ReplicaSet") if owner(e["value"]) == ("Deployment", name)]
    ran = [life for life in versions(history, name).values() if first_running(life)]
    if sets or not ran:
        return None
    pod = Step(what=f"Pod {ran[0][0]['value']['metadata']['name']}", event=ran[0][0], role="controller-manager")
    culprit = to_blame(history, _doer(history, pod))
    return fault(culprit, f"a ReplicaSet of {name} before {pod.what}", "the pod runs, and there is none", pod.event)


def _of_both(history: History, step: Step) -> str:
    """Who did two steps in one: whoever asked for that, if it was no binding, of which there is nothing more to make; the API server."""
    made = authors(history, name=step.event["value"]["metadata"]["name"], revision=step.event["revision"])
    asked = [str(r.instance) for r in made if r["subresource"] != "binding" and r.instance in instances(history)]
    return asked[0] if asked else server_of(history) if history.of("request") else _doer(history, step)


def _doer(history: History, step: Step) -> str:
    """Whose request made the step, else the role whose job it is."""
    made = makers(history, step)
    return made[0].instance or step.role if made else step.role


def makers(history: History, step: Step) -> list[Event]:
    """Accepted requests that made the step: by the revision in the answer; a binding by the pod it names, for its answer has none."""
    value = step.event["value"]["metadata"]
    if step.role == "scheduler":
        found = accepted(history, resource="pods", subresource="binding", namespace=value["namespace"], name=value["name"])
        if found:
            return [r for r, _ in found]
    return authors(history, name=value["name"], revision=step.event["revision"])


@check
def actors(history: History, *, name: str) -> Proof:
    """Each step was made by exactly one accepted request, and that by an instance whose job it is; and nobody else has asked for one."""
    evidence: list[Event] = []
    found: dict[tuple[str, str], Finding] = {}
    for chain in steps(history, name):
        for step in chain:
            made = makers(history, step)
            evidence += made
            if problem := _wrong_actor(history, step, made):
                found.setdefault((problem.culprit, step.role), problem)
        found |= {(problem.culprit, "place"): problem for problem in _narrowed(chain, makers(history, chain[MADE]))}
    for problem in (*_meddlers(history, name), *_statuses_of_others(history, name)):
        found.setdefault((problem.culprit, problem.expected), problem)
    return proof(evidence, *found.values())


def _narrowed(chain: list[Step], made: list[Event]) -> list[Finding]:
    """A pod was to go to fewer nodes than its ReplicaSet lets it: whoever has asked for it so has chosen for the scheduler. What admission
    makes of it is another matter."""
    template = chain[MADE - 1].event["value"]["spec"]["template"]["spec"]
    asked = [(request, request["body"]["spec"]) for request in made if isinstance(request["body"], dict)]
    wishes = [
        (request, what, spec[what]) for request, spec in asked for what in WISHES if what in spec and spec[what] != template.get(what)
    ]
    expected = f"{chain[MADE].event['value']['metadata']['name']} asks for the nodes that its template asks for"
    return [fault(request.instance, expected, f"its {what} is {wish}", request) for request, what, wish in wishes[:1]]


MADE = 2  # the step of the chain in which a pod is made
WISHES = ("nodeSelector", "affinity")
JOBS = {("replicasets", ""): "controller-manager", ("pods", ""): "controller-manager", ("pods", "binding"): "scheduler"}


def _meddlers(history: History, name: str) -> list[Finding]:
    """Whoever asked to make or to bind something of the deployment, though it was not their job, and was refused."""
    pods = {life[0]["value"]["metadata"]["name"] for life in versions(history, name).values()}
    asked = [r for r in requests(history, instances(history), verb="create") if (r["resource"], r["subresource"]) in JOBS]
    about = [r for r in asked if r["name"] in pods or belongs(r["body"] or {}, name)]
    return [
        fault(
            r.instance,
            f"only the {job} asks to create {r['resource']}/{r['subresource']}".rstrip("/"),
            f"{r.instance} asked to {r['verb']} {r['path']}",
            r,
        )
        for r in about
        if (job := JOBS[r["resource"], r["subresource"]]) not in roles_of(history, str(r.instance))
    ]


def _statuses_of_others(history: History, name: str) -> Iterator[Finding]:
    """Changes of the status of the deployment, or of a ReplicaSet of its, that no controller manager has asked for."""
    made = [e for kind in ("Deployment", "ReplicaSet") for e in puts(history, kind) if belongs(e["value"], name)]
    lives = {e["key"]: [v for v in made if v["key"] == e["key"]] for e in made}
    for before, after in (pair for life in lives.values() for pair in pairwise(life)):
        if before["value"].get("status") == after["value"].get("status"):
            continue
        authored = authors(history, name=after["value"]["metadata"]["name"], revision=after["revision"])
        strangers = [r for r in authored if r["subresource"] != "status" or "controller-manager" not in roles_of(history, str(r.instance))]
        if strangers or not authored:
            what = f"{after['value']['kind']} {after['value']['metadata']['name']}"
            culprit = server_of(history) if not authored or strangers[0]["subresource"] != "status" else strangers[0].instance
            expected = f"the status of {what} is what the controller manager says"
            observed = f"revision {after['revision']} changed it, which {_asker(strangers)}"
            yield fault(culprit, expected, observed, before, after, *strangers)


def _asker(requests: list[Event]) -> str:
    return f"{requests[0].instance} asked for by {requests[0]['verb']} {requests[0]['path']}" if requests else "nobody asked for"


def _wrong_actor(history: History, step: Step, made: list[Event]) -> Finding | None:
    expected = f"{step.what} made by one request of the {step.role}" + (f" of {step.node}" if step.node else "")
    if len(made) != 1:
        name, revision = step.event["value"]["metadata"]["name"], step.event["revision"]
        culprit = to_blame(history, str(made[-1].instance)) if made else culprit_of(history, name=name, revision=revision)
        return fault(culprit, expected, f"{len(made)} requests made it", step.event, *made)
    actor = str(made[0].instance)
    good = actor in OWN if step.role == "operator" else step.role in roles_of(history, actor)
    if good and step.node in (None, actor):
        return None
    if _unwished(step, made[0]):
        observed = f"{actor} has asked to {made[0]['verb']} {made[0]['path']}, and for no node"
        return breach(history, expected, observed, made[0], step.event)
    return fault(actor, expected, f"it was {actor}", made[0], step.event)


def _unwished(step: Step, request: Event) -> bool:
    """Whether a pod got its node with a request that creates it and names none."""
    body = request["body"]
    return step.role == "scheduler" and request["verb"] == "create" and bool(body) and not (body.get("spec") or {}).get("nodeName")


@check
def created_by(history: History, *, name: str, role: str) -> Proof:
    """Every pod of the workload was created by an accepted request of an instance of the role, one each, and nobody else tried to."""
    pods = {e["uid"]: e for e in history.of("watched", watch="operator/pods") if belongs(e["object"], name)}
    require(pods, f"nobody ever saw a pod of {name}")
    by_name = {a["name"]: r for r, a in creations(history, resource="pods", subresource="")}
    makers = {str(by_name[p["name"]].instance) if p["name"] in by_name else server_of(history): p for p in pods.values()}
    asked = [r for r in requests(history, instances(history), verb="create", resource="pods", subresource="") if r["body"]]
    tried = {str(r.instance): r for r in asked if belongs(r["body"], name)}
    wrong = {actor: event for actor, event in (tried | makers).items() if role not in roles_of(history, actor)}
    said = {a: f"{a} asked for one" if e.kind == "request" else f"{e['name']} was created by {a}" for a, e in wrong.items()}
    found = [fault(actor, f"the pods of {name} created by the {role}", said[actor], event) for actor, event in wrong.items()]
    return proof(pods.values(), *found[:3])
