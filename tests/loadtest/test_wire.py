"""The load's own WebSocket frames are the ones that every WebSocket speaks."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Opcode
from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from loadtest.bench.wire import ACK, BINARY, PING, Deframer, masked, request_of
from proto.codec import MSGPACK
from proto.frames import Ack
from realtime.prepared import framed


@given(st.lists(st.binary(max_size=70_000), max_size=6), st.integers(1, 5_000))
def test_payloads_come_out_whole_however_they_were_cut(payloads: list[bytes], cut: int) -> None:
    """What a hub writes arrives in pieces of any size."""
    stream = b"".join(framed(BINARY, payload) for payload in payloads)
    deframer, found = Deframer(), []
    for at in range(0, len(stream), cut):
        found += deframer.take(stream[at : at + cut]).messages
    assert found == payloads


def test_a_ping_is_told_apart() -> None:
    """Control frames are not messages."""
    taken = Deframer().take(framed(BINARY, b"one") + b"\x89\x02hi" + framed(BINARY, b"two"))
    assert taken.messages == [b"one", b"two"]
    assert taken.controls == [(PING, b"hi")]


@pytest.mark.parametrize("size", [0, 125, 126, 65_535])
def test_a_server_reads_what_we_mask(size: int) -> None:
    """The library that the hub parses with takes our frames as they are."""
    server = ServerProtocol(state=OPEN, max_size=None)
    server.receive_data(masked(b"x" * size))
    [frame] = server.events_received()
    assert getattr(frame, "opcode", None) is Opcode.BINARY
    assert len(getattr(frame, "data", b"")) == size


@given(st.integers(0, 2**31 - 1))
def test_the_request_of_an_ack_is_read_without_decoding_it(request: int) -> None:
    """The kind and the id stand where the wire puts them."""
    payload = MSGPACK.encode(Ack(request, UUID(int=1), 7, 7, 1_700_000_000_000))
    assert payload[1] == ACK
    assert request_of(payload) == request
