"""Which node a pod gets: of those that take pods, have the labels and have room, the one with the fewest.

Room is CPU. What has ended takes none; what is to go takes it until it has gone.
"""

from collections import Counter

from all_in_one_api import Api, Json, living


def schedule(api: Api) -> None:
    nodes = {n["metadata"]["name"]: n for n in living(api.store.all("nodes")) if _takes_pods(n)}
    there = [pod for pod in api.store.all("pods") if not _over(pod)]
    load = Counter(pod["spec"].get("nodeName") for pod in there)
    used = Counter[str]()
    for pod in there:
        used[pod["spec"].get("nodeName")] += _asked(pod)
    for pod in living(there):
        spec, meta, asked = pod["spec"], pod["metadata"], _asked(pod)
        room = [name for name, node in nodes.items() if not asked or used[name] + asked <= _has(node)]
        free = [name for name in room if spec.get("nodeSelector", {}).items() <= nodes[name]["metadata"].get("labels", {}).items()]
        if free and not spec.get("nodeName") and spec["schedulerName"] == "default-scheduler":
            node = min(free, key=lambda n: (load[n], n))
            load[node] += 1
            used[node] += asked
            api.bind(meta["namespace"], meta["name"], node)


def _over(pod: Json) -> bool:
    return pod.get("status", {}).get("phase") in ("Succeeded", "Failed")


def _has(node: Json) -> int:
    return _millicores(node.get("status", {}).get("allocatable", {}).get("cpu", "0"))


def _asked(pod: Json) -> int:
    return sum(_millicores(c.get("resources", {}).get("requests", {}).get("cpu", "0")) for c in pod["spec"]["containers"])


def _millicores(cpu: str) -> int:
    return int(cpu[:-1]) if cpu.endswith("m") else int(1000 * float(cpu))


def _takes_pods(node: Json) -> bool:
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in node.get("status", {}).get("conditions", ()))
    return ready and not node.get("spec", {}).get("unschedulable") and not node.get("spec", {}).get("taints")
