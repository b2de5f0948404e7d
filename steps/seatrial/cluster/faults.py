"""What can be done to a running cluster, its wires and its taps; each deed is an event of the source `cluster`."""

from collections.abc import Iterable, Mapping, Sequence

from seatrial.backends.interface import Network
from seatrial.cluster.filling import API_PORT, ETCD_PORT
from seatrial.cluster.instances import AtEndpoint, Supervised
from seatrial.doubles.tap_control import TapControl, What
from seatrial.model.history import Record

PORTS = {"etcd": ETCD_PORT, "apiserver": API_PORT, "kubelet": 10250}
CANARY_TARGET = 10259


class Faults:
    """Of one cluster; `taps`: as they are when something is done."""

    def __init__(self, *, network: Network, taps: Mapping[str, TapControl], record: Record) -> None:
        self._network = network
        self._taps = taps
        self._record = record
        self._holds: list[tuple[TapControl, int]] = []

    async def canaries(self, sources: Sequence[Supervised], targets: Sequence[Supervised]) -> None:
        """From inside each source's host, try to connect to each target once."""
        for attached in (s for s in sources if isinstance(s, AtEndpoint)):
            raise attached.beyond("watched for what it connects to")
        for target in targets:
            port = next((PORTS[r] for r in target.placement.roles if r in PORTS), CANARY_TARGET)
            for source in sources:
                if source is not target:
                    sport = await source.host.touch(target.host.address, port)
                    self._record("canary", instance=source.name, target=target.name, port=port, sport=sport)

    async def cut(self, instance: Supervised, others: Iterable[Supervised], *, both: bool = True) -> None:
        """From now on nothing goes from `instance` to the others, nor back unless one way is wanted."""
        if isinstance(instance, AtEndpoint):
            raise instance.beyond("cut off")
        for other in others:
            await self._network.cut(instance.host, other.host)
            if both:
                await self._network.cut(other.host, instance.host)
            self._record("cut", instance=instance.name, other=other.name, both=both)

    async def hang_up(self, instance: Supervised) -> None:
        """Break what the instance has open at the taps."""
        for tap in self._taps.values():
            await tap.hang_up(instance.name)
        self._record("hung-up", instance=instance.name)

    async def heal(self) -> None:
        """End every cut; what was held on the way arrives."""
        await self._network.heal()
        self._record("healed")

    async def hold(self, what: What, **match: str) -> None:
        """Hold at every tap; `match` as in TapControl.hold."""
        for tap in self._taps.values():
            self._holds.append((tap, await tap.hold(what, **match)))
        self._record("hold", what=what, match=match)

    async def release(self) -> None:
        """Release every hold."""
        for tap, number in self._holds:
            await tap.release(number)
        self._holds.clear()
        self._record("release")
