"""One incarnation of a program, from its first step to its exit status.

It lives like a process that runs its main coroutine with asyncio.run: when main ends, the other tasks are cancelled and awaited, then
everything that is open is closed. A power cut skips all that.
"""

import asyncio
import traceback
from typing import Literal

from seatrial.backends.interface import Host, Program, Signal
from seatrial.backends.simulation.boot import Boot, context_of
from seatrial.backends.simulation.host import SimulatedHost
from seatrial.backends.simulation.program import load
from seatrial_schemas.context import Context

LEAVE_S = 2.0  # for tasks that main left behind
KILLED = -9
TERMINATED = -15
FAILED = 1


class SimulatedInstance:
    """See backends.interface.Instance."""

    def __init__(self, *, name: str, host: SimulatedHost, boot: int, program: Program, context: Context) -> None:
        self.name = name
        self.host: Host = host
        self.boot = boot
        self.life = Boot(f"{name}#{boot}", host)
        self.life.quit = self._quit
        self._loop = host.wires.loop
        self._context = context
        self._told_to_stop = False
        self._ended = False
        self._status = FAILED
        self.exited: asyncio.Future[int]
        self._expect_exit()
        self._main = self._loop.create_task(self._live(program), name=self.life.name, context=context_of(self.life))
        self._main.add_done_callback(lambda _: self.end(TERMINATED))  # it was cancelled before its first step

    async def signal(self, what: Signal) -> None:
        if self._ended:
            return
        match what:
            case "kill":
                self.end(KILLED, how="reset")
            case "term":
                self._told_to_stop = True
                self._main.cancel()
            case "pause":
                self.life.freeze(paused=True)
            case "resume":
                self._loop.ready(self.life.freeze(paused=False))

    def log_tail(self, lines: int = 8) -> str:
        return "\n".join(list(self.life.lines)[-lines:])

    def end(self, status: int, *, how: Literal["close", "reset"] = "close") -> None:
        """Its callbacks never run again, what it had open is closed or reset. Does nothing the second time."""
        if self._ended:
            return
        self._ended = True
        self.life.freeze(dead=True)
        for listener in list(self.life.listeners):
            listener.close()
        for endpoint in list(self.life.endpoints):
            endpoint.close() if how == "close" else endpoint.reset()
        self._status = status
        if not self.exited.done():
            self.exited.set_result(status)

    async def _live(self, program: Program) -> None:
        status = FAILED
        try:
            await load(program)(list(program.args), self._context)
            status = 0
        except asyncio.CancelledError:
            status = 0 if self._told_to_stop else FAILED
        except SystemExit as exit_:
            status = self._status_of(exit_)
        except Exception:  # noqa: BLE001 - whatever a program raises is how it ends
            self.life.say(traceback.format_exc())
        try:
            await self._leave()
        finally:
            self.end(status)

    async def _leave(self) -> None:
        if rest := [t for t in self.life.pending() if t is not self._main]:
            for task in rest:
                task.cancel()
            await asyncio.wait(rest, timeout=LEAVE_S)

    def _expect_exit(self, lost: "asyncio.Future[int] | None" = None) -> None:
        """A waiter that runs out of time cancels the future that it waits for: the next one gets a new one."""
        if lost is None or lost.cancelled():
            self.exited = self._loop.create_future()
            self.exited.add_done_callback(self._expect_exit)
            if self._ended:
                self.exited.set_result(self._status)

    def _quit(self, exit_: SystemExit) -> None:
        self.end(self._status_of(exit_))

    def _status_of(self, exit_: SystemExit) -> int:
        if exit_.code is None or isinstance(exit_.code, int):
            return exit_.code or 0
        self.life.say(str(exit_.code))
        return FAILED
