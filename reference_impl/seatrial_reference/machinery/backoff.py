"""How long to wait before trying again: doubling, capped, jittered so that clients that failed together do not come back together."""

from seatrial_schemas.context import Context

FIRST_S = 0.05
MOST_S = 1.0


class Backoff:
    """One client's patience with one thing. `wait` after a failure, `reset` after a success."""

    def __init__(self, context: Context, *, first_s: float = FIRST_S, most_s: float = MOST_S) -> None:
        self._context = context
        self._first_s = first_s
        self._most_s = most_s
        self._failures = 0

    def reset(self) -> None:
        self._failures = 0

    def next_s(self) -> float:
        """The next delay, between one half and all of the doubled one."""
        delay_s = delayed_s(self._failures, first_s=self._first_s, most_s=self._most_s)
        self._failures += 1
        return delay_s * (0.5 + 0.5 * self._context.random.random())

    async def wait(self) -> None:
        await self._context.sleep(self.next_s())


def delayed_s(failures: int, *, first_s: float, most_s: float) -> float:
    """`first_s` doubled for every failure before this one, at most `most_s`."""
    return float(min(most_s, first_s * 2 ** min(failures, 30)))
