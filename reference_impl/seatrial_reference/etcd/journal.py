"""What a store has to remember to be itself again: every change, every lease and its end, every compaction; appended before anybody hears.

The journal outlives the process, also one that is killed: whatever was answered has been handed to the operating system (STORE-04,
P-DUR-1). It does not outlive the machine; nothing is forced to disk. A record that was cut off at the end was never answered and is
passed over. After a restart every lease begins its time anew, as after a change of etcd's leader.
"""

import os
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from google.protobuf.message import Message

from seatrial_reference.etcd.store import Change, Store
from seatrial_schemas import etcd_pb2 as pb

_APPEND = os.O_WRONLY | os.O_APPEND | os.O_CREAT
_HEAD = struct.Struct("<cI")
_KINDS: dict[bytes, type[Any]] = {
    b"w": pb.WatchResponse,
    b"l": pb.LeaseGrantRequest,
    b"r": pb.LeaseRevokeRequest,
    b"c": pb.CompactionRequest,
}
NAME = "journal"


class Journal:
    """The file in a data directory. Only one store may write to it. It is open only while it is written: nothing is left to be closed."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / NAME

    def changed(self, changes: Sequence[Change]) -> None:
        self._append(b"w", pb.WatchResponse(events=[pb.Event(kv=change.kv) for change in changes]))

    def granted(self, lease: int, ttl_s: int) -> None:
        self._append(b"l", pb.LeaseGrantRequest(ID=lease, TTL=ttl_s))

    def revoked(self, lease: int) -> None:
        self._append(b"r", pb.LeaseRevokeRequest(ID=lease))

    def compacted(self, revision: int) -> None:
        self._append(b"c", pb.CompactionRequest(revision=revision))

    def _append(self, kind: bytes, message: Message) -> None:
        data = message.SerializeToString()
        file = os.open(self._path, _APPEND, 0o666)  # a file object would ask the system a few things more, each time
        try:
            os.write(file, _HEAD.pack(kind, len(data)) + data)
        finally:
            os.close(file)


def restored(folder: Path, *, now_s: float) -> Store:
    """The store that the journal in `folder` tells of; a new one where there is none. What was cut off at the end is cut away."""
    store, path = Store(), folder / NAME
    if not path.exists():
        return store
    whole = 0
    for end, record in _records(path.read_bytes()):
        whole = end
        if isinstance(record, pb.WatchResponse):
            store.restore([event.kv for event in record.events])
        elif isinstance(record, pb.LeaseGrantRequest):
            store.grant(lease=record.ID, ttl_s=record.TTL, now_s=now_s)
        elif isinstance(record, pb.LeaseRevokeRequest):
            store.leases.pop(record.ID, None)  # what went with it is among the changes
        else:
            store.compact(record.revision)
    with path.open("r+b") as file:
        file.truncate(whole)
    return store


def _records(data: bytes) -> Iterator[tuple[int, Any]]:
    start = 0
    while start + _HEAD.size <= len(data):
        kind, size = _HEAD.unpack_from(data, start)
        end = start + _HEAD.size + size
        if end > len(data):
            return
        yield end, _KINDS[kind].FromString(data[start + _HEAD.size : end])
        start = end
