"""Frames prepared for the wire, read back by the library's own parser."""

import pytest
from websockets.client import ClientProtocol
from websockets.frames import Frame
from websockets.protocol import OPEN
from websockets.uri import parse_uri

from proto.codec import JSON, MSGPACK
from proto.frames import Pong
from realtime.prepared import BINARY, Prepared, framed


def read_back(data: bytes) -> Frame:
    """What a client's parser makes of it."""
    client = ClientProtocol(parse_uri("ws://x/"), state=OPEN, max_size=None)
    client.receive_data(data)
    [frame] = client.events_received()
    assert isinstance(frame, Frame)
    return frame


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 70_000])
def test_a_frame_of_any_length_is_read_back(size: int) -> None:
    """All three forms of the length."""
    assert read_back(framed(BINARY, b"x" * size)).data == b"x" * size


def test_text_and_binary_say_the_same() -> None:
    """JSON clients get what msgpack clients get, encoded once for all of them."""
    prepared = Prepared.of(Pong(3, 1_700_000_000_000))
    binary = MSGPACK.decode_server(bytes(read_back(prepared.binary).data))
    text = JSON.decode_server(bytes(read_back(prepared.text).data))
    assert binary == text == Pong(3, 1_700_000_000_000)
    assert prepared.text is prepared.text
