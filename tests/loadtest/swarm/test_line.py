"""A socket of the crowd hears all that comes before a close, answers pings, and waits no longer than it is told."""

import socket
from collections.abc import Iterator
from struct import pack
from time import monotonic

import gevent.socket
import pytest

from loadtest.bench.wire import BINARY, CLOSE, PING, PONG
from loadtest.swarm.line import Ended, Line
from proto.codec import MSGPACK
from proto.frames import Ping
from realtime.prepared import framed

SOON_S = 5.0


@pytest.fixture
def ends() -> Iterator[tuple[Line, socket.socket]]:
    """The line, and the server's end."""
    ours, theirs = socket.socketpair()
    line = Line(gevent.socket.socket(ours.family, ours.type, ours.proto, fileno=ours.detach()), b"")
    yield line, theirs
    line.drop()
    theirs.close()


def _control(first: int, payload: bytes) -> bytes:
    return pack(">BB", first, len(payload)) + payload


def test_what_comes_before_a_close_is_heard(ends: tuple[Line, socket.socket]) -> None:
    """Also when both come at once: it says why the server closes."""
    line, server = ends
    server.sendall(framed(BINARY, b"why") + _control(CLOSE, (4500).to_bytes(2, "big")))
    assert line.receive(monotonic() + SOON_S) == [b"why"]
    with pytest.raises(Ended, match="4500") as ended:
        line.receive(monotonic() + SOON_S)
    assert ended.value.code == 4500


def test_a_ping_is_answered_and_is_a_sign_of_life(ends: tuple[Line, socket.socket]) -> None:
    """The server pings who is silent: that is all an idle socket ever hears."""
    line, server = ends
    before = line.heard_at
    server.sendall(_control(PING, b"hi"))
    assert line.receive(monotonic() + SOON_S) == []
    assert line.heard_at > before
    first, _, *masked = server.recv(64)
    assert (first, bytes(masked[4:])) == (PONG, b"hi")


def test_nothing_comes_in_time(ends: tuple[Line, socket.socket]) -> None:
    """Then nothing is returned, and the socket goes on."""
    line, server = ends
    before = line.heard_at
    assert line.receive(monotonic() + 0.01) == []
    assert line.receive(monotonic() - 1.0) == []
    assert line.heard_at == before
    server.sendall(framed(BINARY, b"one") + framed(BINARY, b"two"))
    assert line.receive(monotonic() + SOON_S) == [b"one", b"two"]


def test_what_is_sent_is_a_frame_and_the_goodbye_a_close(
    ends: tuple[Line, socket.socket],
) -> None:
    """As a server reads them."""
    line, server = ends
    line.send(Ping(7))
    data = server.recv(64)
    assert data[0] == BINARY
    assert data[6:] == MSGPACK.encode(Ping(7))
    line.hang_up()
    assert server.recv(64)[6:] == (1000).to_bytes(2, "big")


def test_an_end_is_told(ends: tuple[Line, socket.socket]) -> None:
    """Whether the server closes without a word or was never there."""
    line, server = ends
    server.close()
    with pytest.raises(Ended, match="ended"):
        line.receive(monotonic() + SOON_S)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(Ended):
        Line.dial(f"ws://127.0.0.1:{port}")
