"""How the command ends before it is done: when it is told to, and when nobody reads what it says.

A request to end, as a CI's cancel or a terminal that closes sends it, is what Ctrl-C is: whatever handles an interrupt at that moment
handles it. Who ignores such a request by inheritance, as under nohup, goes on ignoring it.

A pipe that nobody reads is no verdict: the command ends with what a shell reports of other tools then.
"""

import contextlib
import os
import select
import signal
import sys
from collections.abc import Iterator

UNHEARD = 128 + signal.SIGPIPE
REQUESTS = (signal.SIGTERM, signal.SIGHUP)
STANDARD = (1, 2)  # descriptors: output and errors


@contextlib.contextmanager
def requests_interrupt() -> Iterator[None]:
    """Within, requests to end are interrupts. One is heeded: it may be sent twice, and what cleans up is not to be disturbed."""
    heeded = [number for number in REQUESTS if signal.getsignal(number) is signal.SIG_DFL]

    def interrupt(*_: object) -> None:
        for number in heeded:
            signal.signal(number, _heed_no_more)
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # behind `&` in a script
            signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.raise_signal(signal.SIGINT)

    for number in heeded:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number in heeded:
            signal.signal(number, signal.SIG_DFL)


def _heed_no_more(*_: object) -> None:
    """Not SIG_IGN, which children would inherit."""


def unheard() -> bool:
    """Whether nobody reads any more what goes to standard output or to standard error."""
    poll = select.poll()
    for descriptor in STANDARD:
        poll.register(descriptor, 0)  # POLLERR is told unasked
    return any(told & select.POLLERR for _, told in poll.poll(0))


def fall_silent() -> None:
    """Whatever is still in a buffer goes nowhere: the interpreter would complain about it at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())
