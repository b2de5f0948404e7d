"""What was seen last by whoever waits in vain, in a few words: of the objects that they wait for, where anything was seen of these; else of
everything but leases, which change all the time and say nothing.
"""

import re
from collections.abc import Callable, Mapping

from seatrial.checks.objects import belongs
from seatrial.model.history import Event, History
from seatrial.model.saying import told, watched

MOST = 3
SAYS: Mapping[str, Callable[[Event], str]] = {
    "watched": lambda event: watched(event.data),
    "told": lambda event: told(event.data),
    "exited": lambda event: f"{event.instance} exited with status {event['status']}",
}
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")


def seen_last(history: History, what: str) -> str:
    """`what` is waited for: its words may be names of objects."""
    events = [e for e in history if e.kind in SAYS and e["resource"] != "leases"]
    words = _NAME.findall(what)
    about = [e for e in events if e.kind == "watched" and any(belongs(e["object"], word) for word in words)]
    said = [SAYS[e.kind](e) for e in (about or events)[-MOST:]]
    return f"seen last: {'; '.join(dict.fromkeys(said))}" if said else "nothing was seen at all"
