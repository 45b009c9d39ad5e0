"""Floods, drips and bombs against the bounds of production, in a time that jumps: they end, little of them is read."""

import asyncio
import struct
import tracemalloc
from collections.abc import Iterable, Iterator
from itertools import chain, repeat, takewhile
from time import process_time

import pytest

from proto import frames, limits
from proto.codec import JSON, MSGPACK
from proto.codes import Close
from tests.fakes.hub import ROOM, token
from tests.fuzz.corpus import masked
from tests.fuzz.targets import connections
from tests.realtime.sockets.door import handshake
from tests.sim.time import JumpingLoop

OPENING = handshake(limits.SUBPROTOCOL_MSGPACK)
OPENING_JSON = handshake(limits.SUBPROTOCOL_JSON)
AUTH = masked(2, MSGPACK.encode(frames.Auth(1, token())))
AUTH_JSON = masked(1, JSON.encode(frames.Auth(1, token())))
FLOOD_TIMES = 256
HOUR_S = 3_600.0
READ_MOST = 2_000_000
"""The burst of bytes, what may follow per second until the pauses are used up, and some."""


def said_to(
    pieces: Iterable[bytes], every_s: float = 0.0, flood: bytes = b""
) -> tuple[bytes, int, float]:
    """What the peer of one connection was told, how much was read of it, and how long that took, simulated.

    After `pieces` it pours `flood` until it is told to go, or for an hour.
    """

    async def once() -> tuple[bytes, int, float]:
        async with connections() as door:
            tally = door.server.edge.tally
            clock = asyncio.get_running_loop().time
            began = clock()
            pouring = takewhile(
                lambda _part: not tally.closed and clock() < began + HOUR_S,
                repeat(flood, FLOOD_TIMES),
            )
            written = await door.talk(chain(pieces, pouring), every_s)
            return written, tally.bytes_in, clock() - began

    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(once())


def close_code(written: bytes) -> int:
    """Of the close frame that `written` ends with."""
    at = written.rindex(b"\x88")
    return int(struct.unpack(">H", written[at + 2 : at + 4])[0])


@pytest.mark.parametrize(
    ("tiny", "code"),
    [
        pytest.param(
            masked(2, b"", fin=False) + masked(0, b""), Close.bad_frame, id="empty, in two"
        ),
        pytest.param(masked(2, b""), Close.bad_frame, id="empty"),
        pytest.param(masked(2, b"\x0e"), Close.bad_frame, id="one octet"),
        pytest.param(masked(2, MSGPACK.encode(frames.Ping(1))), Close.flood, id="frames"),
        pytest.param(masked(2, MSGPACK.encode(frames.Typing(0, ROOM))), Close.flood, id="typing"),
        pytest.param(
            masked(2, MSGPACK.encode(frames.Post(0, ROOM, "c", "x" * 7_900))),
            Close.flood,
            id="posts",
        ),
    ],
)
def test_a_flood_ends_by_itself_and_little_of_it_is_read(tiny: bytes, code: Close) -> None:
    """16 MiB of frames without a pause: slowed, then closed with a code that says stop."""
    began = process_time()
    written, read, _ = said_to([OPENING, AUTH], flood=tiny * (65_536 // len(tiny)))
    assert close_code(written) == code
    assert read < READ_MOST
    assert process_time() - began < 5.0


@pytest.mark.parametrize(
    "tiny",
    [
        pytest.param(masked(9, b""), id="pings"),
        pytest.param(masked(10, b""), id="pongs"),
        pytest.param(
            masked(2, b"\x92", fin=False) + masked(0, b"", fin=False) * 9 + masked(0, b"\x0e\x01"),
            id="fragments",
        ),
    ],
)
def test_a_flood_of_what_is_no_message_is_slowed_to_next_to_nothing(tiny: bytes) -> None:
    """Five a second beyond the burst: of an hour's pouring a few KiB are read, and it may still leave by itself."""
    _, read, took = said_to([OPENING, AUTH], flood=tiny * (4_096 // len(tiny)))
    assert took >= HOUR_S
    assert read < 150_000


def _dripped(data: bytes) -> Iterator[bytes]:
    return (bytes([octet]) for octet in data)


@pytest.mark.parametrize(
    ("before", "dripped"),
    [
        pytest.param([], OPENING, id="the opening"),
        pytest.param([OPENING], AUTH * 4, id="auth"),
        pytest.param([OPENING], masked(9, b"") * 40, id="pings instead of auth"),
    ],
)
def test_who_drips_is_cut_off_in_time(before: list[bytes], dripped: bytes) -> None:
    """An octet every 0.15 s does not put off the deadline for who has not said who they are."""
    _, _, took = said_to([*before, *_dripped(dripped)], every_s=0.15)
    assert took < 5.0 + 3.0 + 1.0


BOMBS = [
    pytest.param(False, b"\x93\x0e\x01" + b"\x91" * 65_000, id="msgpack, deep"),
    pytest.param(
        False, b"\x93\x0e\x01" + b"\xdd\x00\x00\xff\xff" * 1_000, id="msgpack, wide in wide"
    ),
    pytest.param(
        False, b"\x94\x02\x01\xc0\xdd\x7f\xff\xff\xff" + b"\x92" * 60_000, id="msgpack, long"
    ),
    pytest.param(True, b"[14,1," + b"[" * 65_000, id="json, deep"),
    pytest.param(True, b'[14,1,{"a":' * 5_900, id="json, deep maps"),
    pytest.param(True, b"[14," + b"9" * 65_000 + b"]", id="json, a long number"),
    pytest.param(True, b'[14,1,"' + b"\\u0041" * 10_900 + b'"]', id="json, escapes"),
]


@pytest.mark.parametrize(("text", "bomb"), BOMBS)
def test_a_bomb_costs_a_socket_and_nothing_else(text: bool, bomb: bytes) -> None:
    """Sent again and again over a connection: little memory, little time, and no fault of ours."""
    opening, auth = (OPENING_JSON, AUTH_JSON) if text else (OPENING, AUTH)
    assert len(bomb) <= limits.FRAME_BYTES
    tracemalloc.start()
    try:
        began = process_time()
        said_to([opening, auth, *[masked(1 if text else 2, bomb)] * 12])
        assert process_time() - began < 5.0
        assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    finally:
        tracemalloc.stop()
