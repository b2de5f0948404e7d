"""A window begins when whoever has begun anew works again, and is waited for by nobody who cannot be at work."""

from types import SimpleNamespace
from typing import Any

import pytest

from seatrial.model.history import History
from seatrial.model.limits import Limits
from seatrial.world import windows
from seatrial.world.timing import Timing
from seatrial.world.world import World

TIMING = Timing(limits=Limits(react_s=0.5, retry_s=0.5, heartbeat_s=1))
NAMES = {"etcd-0": "etcd", "apiserver-0": "apiserver", "manager-0": "controller-manager", "manager-1": "controller-manager"}


class Stand(World):
    """A cluster with two controller managers, of which `watches` says who watches pods after a second of waiting."""

    def __init__(self, *, patient: bool = False, watches: str = "") -> None:
        self.now_s = 0.0
        self.slept: list[float] = []
        self.history = History(lambda: self.now_s)
        self.patient = patient
        self._watches = watches
        for name in NAMES:
            self.happens("started", name)

    @property
    def cluster(self) -> Any:
        leased = SimpleNamespace(lease="it")
        placed = [SimpleNamespace(name=n, placement=SimpleNamespace(roles=(r,), component=leased)) for n, r in NAMES.items()]
        of_role = {role: [i for i in placed if i.placement.roles == (role,)] for role in NAMES.values()}
        return SimpleNamespace(instances={i.name: i for i in placed}, of_role=of_role.__getitem__)

    def happens(self, kind: str, name: str) -> None:
        self.history.append("cluster", kind, at_s=None, instance=name, data={})

    def watch(self, name: str) -> None:
        number = len(self.history)
        about = {"request": number, "verb": "watch", "resource": "pods"}
        self.history.append("tap", "request", at_s=None, instance=name, data=about)
        self.history.append("tap", "answer", at_s=None, instance=name, data={"request": number, "code": 200})

    def run(self, act: Any) -> Any:
        with pytest.raises(StopIteration) as ended:
            act.send(None)
        return ended.value.value

    def timing(self, *_: str) -> Timing:
        return TIMING

    async def wait(self, predicate: Any, *, within_s: float) -> Any:
        if not predicate(self.history):
            self.now_s += 1.0
            if self._watches:
                self.watch(self._watches)
            self.now_s += 0.0 if predicate(self.history) else within_s
        return predicate(self.history)

    async def pause(self, seconds: float) -> None:
        self.slept.append(seconds)


def restarted(**how: Any) -> Stand:
    world = Stand(**how)
    world.watch("manager-0")
    world.now_s = 10.0
    world.happens("exited", "manager-0")
    world.happens("started", "manager-0")
    return world


@pytest.mark.parametrize("successor", ["manager-0", "manager-1"])
def test_a_window_begins_when_who_began_anew_works_again_or_somebody_in_their_place(successor: str) -> None:
    world = restarted(watches=successor)

    windows.window(world)

    assert (world.now_s, world.slept) == (11.0, [TIMING.quiet])


def test_who_never_works_again_is_not_waited_for_for_ever() -> None:
    world = restarted()

    windows.window(world)

    assert (world.now_s, world.slept) == (11.0 + TIMING.recovery, [TIMING.quiet])


@pytest.mark.parametrize(("kind", "name"), [("exited", "apiserver-0"), ("paused", "etcd-0"), ("cut", "manager-0"), ("exited", "manager-0")])
def test_nobody_is_waited_for_who_cannot_work(kind: str, name: str) -> None:
    world = restarted()
    world.happens(kind, name)

    windows.window(world)

    assert world.now_s == 10.0


@pytest.mark.parametrize(("can", "asked", "patient"), [({"virtual-time"}, False, True), (set(), False, False), (set(), True, True)])
def test_patience_is_free_in_virtual_time_and_asked_for_in_real_time(can: set[str], asked: bool, patient: bool) -> None:
    backend = SimpleNamespace(can=frozenset(can), now_s=lambda: 0.0)
    known: Any = {"backend": backend, "implementation": SimpleNamespace(at_endpoint=False), "seed": 0, "settings": {}}

    assert World(patient=asked, **known).patient == patient


def test_the_patient_watch_for_long_unless_somebody_is_cut_off_and_others_as_long_as_latecomers_take() -> None:
    patient, other = Stand(patient=True), Stand()
    healed, cut = Stand(patient=True), Stand(patient=True)
    cut.happens("cut", "manager-0")
    healed.happens("cut", "manager-0")
    healed.happens("healed", "manager-0")

    for world in (patient, other, healed, cut):
        windows.window(world, patiently_s=100.0)

    patient_s = windows.LATECOMERS_S
    assert [world.slept for world in (patient, other, healed, cut)] == [[100.0], [patient_s], [100.0], [patient_s]]
