"""One instance over its incarnations: started, ready, killed, stopped, paused, exited, started again. Every change is an event.

An instance that ends by itself is started again after its descriptor's back-off, as a supervisor would; one that the suite ended stays
down until the suite starts it. Its address outlives it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from urllib.parse import urlsplit

from seatrial.backends import CANNOT_EXECUTE
from seatrial.backends.interface import Host, Instance, Network, Outward, Program, Signal
from seatrial.cluster.layout import Placement
from seatrial.model.errors import NotReady, NotRunnable
from seatrial.model.history import Record
from seatrial.model.waiting import cancel, certain
from seatrial_schemas.context import Context

Hook = Callable[[], Awaitable[None]]


class Supervised:
    """A placement with the program that runs there, or does not."""

    def __init__(
        self, *, placement: Placement, host: Host, network: Network, program: Callable[[], Program], record: Record, context: Context
    ) -> None:
        self.placement = placement
        self.host = host
        self.running: Instance | None = None
        self.wanted = False  # whether the suite wants it up
        self.died = ""  # what there is to say about the last end that nobody had asked for
        self.on_up: list[Hook] = []
        self.on_down: list[Hook] = []
        self._network = network
        self._program = program
        self.ends = 0  # that nobody had asked for
        self._status = 0  # of the last one
        self._said = ""  # by those that have ended
        self._runs: Program | None = None
        self._record = record
        self._context = context
        self._keeper: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        return self.placement.name

    async def start(self) -> None:
        """Boot; returns when it runs, not when it is ready. Who runs goes on."""
        if self.running is not None and not self.running.exited.done():
            return
        if self._keeper and not self._keeper.done():  # it ended by itself, and is about to be started again after its back-off
            await self.abandon()
        self.wanted = True
        await self._boot()
        self._keeper = asyncio.create_task(self._keep())

    async def end(self, what: Signal) -> None:
        """Kill it, or ask it to stop and kill it after its grace period; returns when it is gone. It stays down."""
        if self.running is None or self.running.exited.done():
            self.wanted = False
            return
        self.wanted = False
        await self.running.signal("resume" if what == "term" else what)
        if what == "term" and self.placement.component.stop == "TERM":
            await self.running.signal("term")
            try:
                await asyncio.wait_for(asyncio.shield(self.running.exited), self.placement.component.grace_s)
            except TimeoutError:
                self._record("overdue", instance=self.name, grace_s=self.placement.component.grace_s)
        if not self.running.exited.done():
            await self.running.signal("kill")
        await certain(asyncio.shield(self.running.exited), f"{self.name} has not ended, though it was killed,")
        if self._keeper:
            await self._keeper

    async def freeze(self, what: Signal) -> None:
        """Pause or resume the whole instance."""
        if self.running:
            await self.running.signal(what)
        self._record("paused" if what == "pause" else "resumed", instance=self.name)

    def last_words(self) -> str:
        """The end of the log of the last of its lives in which it wrote something; empty where it never ran, or wrote nothing."""
        return (_printable(self.running.log_tail()).strip("\n") if self.running else "") or self._said

    @property
    def fate(self) -> str:
        """How often it has ended by itself, and how; empty where it has not."""
        if not self.ends:
            return ""
        return (
            f"ended by itself, with status {self._status}"
            if self.ends == 1
            else f"ended by itself {self.ends} times, last with status {self._status}"
        )

    def obituary(self, what: str) -> str:
        """What has come of it, in a paragraph: its name, its roles, what was run, and its last words."""
        ran = self._runs.python or " ".join(self._runs.command) if self._runs else "nothing"
        words = self.last_words() or "(it wrote nothing)"
        return f"{self.name} ({', '.join(self.placement.roles)}; {ran}) {what}. Its last words:\n{words}"

    @property
    def up(self) -> bool:
        return self.running is not None and not self.running.exited.done()

    @property
    def hopeless(self) -> str:
        """Why it will never be ready, in a paragraph: it ended, and another start would come to the same, or is not to be. Else empty."""
        if self.up or self.running is None:
            return ""
        if self.running.exited.result() == CANNOT_EXECUTE and self._runs and self._runs.command:
            return self.obituary("cannot be executed")
        return self.obituary("ended before it was ready") if self.placement.component.restart_s is None else ""

    async def abandon(self) -> None:
        """Stop supervising; the network takes down what runs."""
        self.wanted = False
        await cancel(self._keeper)

    async def _boot(self) -> None:
        self._runs = self._program()
        self.running = await self._network.boot(self.name, self.host, self._runs)
        self._record("started", instance=self.name, boot=self.running.boot)
        for hook in self.on_up:
            await hook()

    async def _keep(self) -> None:
        """Wait for the end of each incarnation, say so, and start the next one where that is wanted."""
        while self.running is not None:
            status = await asyncio.shield(self.running.exited)
            self._record("exited", instance=self.name, status=status, wanted=self.wanted)
            self._said = self.last_words()
            if self.wanted:
                self.ends, self._status = self.ends + 1, status
                self.died = self.obituary(f"ended by itself with status {status}")
            for hook in self.on_down:
                await hook()
            backoff_s = self.placement.component.restart_s
            if not self.wanted or backoff_s is None:
                return
            await self._context.sleep(backoff_s)
            if not self.wanted:
                return
            await self._boot()
            if not self.wanted:  # it was ended meanwhile
                await self.running.signal("kill")


class AtEndpoint(Supervised):
    """What runs already, somewhere on the machine's network or beyond: its host in the cluster is a relay to it. It is not ours to end."""

    def __init__(
        self, *, endpoint: str, port: int, placement: Placement, host: Host, network: Network, record: Record, context: Context
    ) -> None:
        super().__init__(placement=placement, host=host, network=network, program=Program, record=record, context=context)
        self.endpoint = endpoint
        self._port = port

    @property
    def up(self) -> bool:
        return True

    async def end(self, what: Signal) -> None:
        raise self.beyond(f"{what}ed" if what == "kill" else "stopped")

    async def freeze(self, what: Signal) -> None:
        raise self.beyond(f"{what}d")

    def beyond(self, what: str) -> NotRunnable:
        """Why something cannot be done to it."""
        return NotRunnable(f"{self.name} runs already at {self.endpoint}: it cannot be {what} from here")

    async def _boot(self) -> None:
        if not isinstance(self._network, Outward):
            raise NotReady(f"{self.name} runs already at {self.endpoint}, and only the processes backend has a way out to it.")
        url = urlsplit(self.endpoint)
        await self._network.relay(self.host, port=self._port, target=str(url.hostname), target_port=url.port or 443)
        self._record("started", instance=self.name, endpoint=self.endpoint)


def _printable(text: str) -> str:
    """As it may be shown on a terminal, whatever somebody has written."""
    return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)


def tiers(instances: Iterable[Supervised]) -> tuple[list[Supervised], list[Supervised], list[Supervised]]:
    """Stores, then API servers, then everybody else; a process with several roles goes with its first."""
    all_of_them = list(instances)
    servers = [i for i in all_of_them if i.placement.has("apiserver")]
    stores = [i for i in all_of_them if i.placement.has("etcd") and i not in servers]
    return stores, servers, [i for i in all_of_them if i not in servers and i not in stores]
