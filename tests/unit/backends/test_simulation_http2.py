"""HTTP/2 as a simulation carries it: what grpclib relies on, end against end."""

import pytest
from h2 import events
from h2.config import H2Configuration
from h2.exceptions import ProtocolError, StreamClosedError, TooManyStreamsError

from seatrial.backends.simulation.http2 import PREFACE, STREAMS_MAX, WINDOW, CarriedHTTP2


def pair() -> tuple[CarriedHTTP2, CarriedHTTP2]:
    """A client and a server that have greeted each other."""
    client, server = (CarriedHTTP2(H2Configuration(client_side=side)) for side in (True, False))
    client.initiate_connection()
    server.initiate_connection()
    assert server.receive_data(client.data_to_send()) == []
    assert client.receive_data(server.data_to_send()) == []
    return client, server


def kinds(found: list[events.Event]) -> list[str]:
    return [type(event).__name__ for event in found]


def test_a_call() -> None:
    client, server = pair()
    number = client.get_next_available_stream_id()
    client.send_headers(number, [(":path", "/a.B/C")])
    client.send_data(number, b"question", end_stream=True)
    asked = server.receive_data(client.data_to_send())
    server.send_headers(number, [(":status", "200")])
    server.send_data(number, b"answer")
    server.send_headers(number, [("grpc-status", "0")], end_stream=True)
    told = client.receive_data(server.data_to_send())

    assert kinds(asked) == ["RequestReceived", "DataReceived", "StreamEnded"]
    assert dict(asked[0].headers) == {":path": "/a.B/C"}  # type: ignore[attr-defined]
    assert kinds(told) == ["ResponseReceived", "DataReceived", "TrailersReceived", "StreamEnded"]
    assert told[1].data == b"answer"  # type: ignore[attr-defined]
    assert not client.streams
    assert not server.streams


def test_frames_arrive_in_any_pieces() -> None:
    client, server = (CarriedHTTP2(H2Configuration(client_side=side)) for side in (True, False))
    client.initiate_connection()
    client.send_headers(1, [(":path", "/")])
    client.send_data(1, b"x" * 100, end_stream=True)
    sent = client.data_to_send()
    found = [event for at in range(len(sent)) for event in server.receive_data(sent[at : at + 1])]
    assert kinds(found) == ["RequestReceived", "DataReceived", "StreamEnded"]


@pytest.mark.parametrize("said", [b"GET / HTTP/1.1\r\n", b"\x16\x03\x01", PREFACE[:5] + b"?"])
def test_another_protocol_is_refused(said: bytes) -> None:
    with pytest.raises(ProtocolError):
        CarriedHTTP2(H2Configuration(client_side=False)).receive_data(said)


def test_who_sends_waits_for_who_reads() -> None:
    client, server = pair()
    client.send_headers(1, [(":path", "/")])
    client.send_data(1, b"x" * WINDOW)
    assert client.local_flow_control_window(1) == 0
    server.receive_data(client.data_to_send())
    server.acknowledge_received_data(WINDOW, 1)
    assert kinds(client.receive_data(server.data_to_send())) == ["WindowUpdated"]
    assert client.local_flow_control_window(1) == WINDOW


def test_a_stream_that_is_reset_is_over_at_both_ends() -> None:
    client, server = pair()
    client.send_headers(1, [(":path", "/")])
    server.receive_data(client.data_to_send())
    client.reset_stream(1)
    server.send_data(1, b"too late")
    assert kinds(server.receive_data(client.data_to_send())) == ["StreamReset"]
    assert client.receive_data(server.data_to_send()) == []
    with pytest.raises(StreamClosedError):
        server.send_data(1, b"later still")


def test_no_more_streams_than_a_server_takes() -> None:
    client, _ = pair()
    for _ in range(STREAMS_MAX):
        client.send_headers(client.get_next_available_stream_id(), [(":path", "/")])
    with pytest.raises(TooManyStreamsError):
        client.send_headers(client.get_next_available_stream_id(), [(":path", "/")])


def test_a_ping_is_answered() -> None:
    client, server = pair()
    client.ping(b"12345678")
    assert kinds(server.receive_data(client.data_to_send())) == ["PingReceived"]
    assert kinds(client.receive_data(server.data_to_send())) == ["PingAckReceived"]
