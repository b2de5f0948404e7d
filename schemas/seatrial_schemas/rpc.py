"""gRPC services as tables of methods, so that private proto packages can be served under the public services' paths.

Generated stubs would take the path from the proto package. Ours are private (`seatrial.etcd.v3`), because two descriptors of one public
package cannot live in one process; the paths on the wire are the public ones (`/etcdserverpb.KV/Range`).
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import Message
from grpclib import server
from grpclib.client import Channel, StreamStreamMethod, UnaryUnaryMethod
from grpclib.const import Cardinality, Handler, Status
from grpclib.exceptions import GRPCError
from grpclib.server import Stream

Serve = Callable[[Stream[Any, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One method of a public service: its path, and the private messages that are wire compatible with the public ones."""

    path: str
    request: type[Message]
    reply: type[Message]
    streaming: bool = False

    @property
    def cardinality(self) -> Cardinality:
        return Cardinality.STREAM_STREAM if self.streaming else Cardinality.UNARY_UNARY

    def unary(self, channel: Channel) -> UnaryUnaryMethod[Any, Any]:
        """`await method.unary(channel)(request, timeout=...)` gives the reply or raises grpclib.GRPCError."""
        return UnaryUnaryMethod(channel, self.path, self.request, self.reply)

    def stream(self, channel: Channel) -> StreamStreamMethod[Any, Any]:
        """`async with method.stream(channel).open() as s` gives a stream in both directions."""
        return StreamStreamMethod(channel, self.path, self.request, self.reply)


class Service:
    """A servable for grpclib.server.Server: each method with the coroutine that serves it."""

    def __init__(self, table: Mapping[Method, Serve]) -> None:
        self._table = table

    def __mapping__(self) -> Mapping[str, Handler]:
        return {m.path: Handler(serve, m.cardinality, m.request, m.reply) for m, serve in self._table.items()}


class Server(server.Server):
    """grpclib's server, but for what it does not serve: that answer lacks a header there, and Go's clients take it for a broken server
    instead of one that is older than they are."""

    def __init__(self, service: Service) -> None:
        super().__init__([service])
        self._mapping = _Everything(self._mapping)


class _Everything(dict[str, Handler]):
    """Every path has its handler."""

    def get(self, path: str, _: Any = None) -> Handler:
        return super().get(path) or Handler(_refuse, Cardinality.STREAM_STREAM, Message, Message)


async def _refuse(_: Stream[Any, Any]) -> None:
    raise GRPCError(Status.UNIMPLEMENTED, "Method not found")
