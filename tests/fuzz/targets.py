"""What must hold for any input, whoever sent it.

    codec       both decoders, both directions: a frame or BadFrame; what was read is written and read again the same,
                also through the other subprotocol
    inlet       however a stream is cut the messages are the same; whoever broke the grammar hears a close code, and
                the parser that others will borrow is none the worse
    connection  a whole driver and connection: everything said to the peer is well-formed, no fault of ours, an end

Owns these claims. An AssertionError, or anything raised but BadFrame, is a find.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from math import isfinite
from random import Random
from typing import Final

from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN, Protocol, Side

from proto import frames, limits
from proto.codec import CODECS, BadFrame, Codec
from proto.codes import Close
from realtime.accept import Bounds, Gate
from realtime.driver import Driver
from realtime.edge import Edge
from realtime.errands import Errands
from realtime.flusher import Flusher
from realtime.handshake import Handshake, Page
from realtime.inlet import Inlet
from realtime.server import Server
from realtime.spare import Spare
from realtime.tally import Tally
from realtime.terms import Terms
from realtime.wheel import Wheel
from tests.fakes.hub import FakeHub, FakePlaces, FakeTokens, FakeWriter, token
from tests.fuzz.wire import Wire
from tests.realtime.sockets.door import handshake, masked
from tests.sim.time import LoopClock

_TERMS: Final = Terms()
_FREE: Final = _TERMS.without_rates()
_CODES: Final = {1002, 1007, 1009, *map(int, Close)}
_PATIENCE_S: Final = 36_000.0  # of a time that jumps
_FINE: Final = masked(2, b"fine")


def codec(data: bytes) -> int:
    """One frame at most; how many frames were tried: one."""
    for one in CODECS.values():
        for decode in (one.decode, one.decode_server):
            try:
                frame = decode(data)
            except BadFrame:
                continue
            _survives(one, frame)
    return 1


def _survives(read_by: Codec, frame: frames.ClientFrame | frames.ServerFrame) -> None:
    """The same again, in the subprotocol it came in; a client's frame in the other too, if it has room there."""
    if isinstance(frame, frames.Server):
        once = read_by.encode(frame)
        assert read_by.encode(read_by.decode_server(once)) == once
        return
    if _is_odd(frame):
        once = read_by.encode(frame)
        assert read_by.encode(read_by.decode(once, len(once))) == once
        return
    for one in CODECS.values():
        written = one.encode(frame)
        if one is read_by or len(written) <= limits.FRAME_BYTES:
            assert one.decode(written, len(written)) == frame


def _is_odd(frame: frames.ClientFrame) -> bool:
    """Whether it holds what is no number: JSON has no word for that, and it is not even equal to itself."""
    return isinstance(frame, frames.Fixes) and not all(
        isfinite(number)
        for fix in frame.fixes
        for number in (fix.lat, fix.lon, fix.accuracy_m, fix.speed_mps or 0.0)
    )


def inlet(data: bytes) -> int:
    """A stream: what it is (text or not), the size of its slices, its bytes. How many frames were in it."""
    text, size, stream = bool(data[:1] and data[0] & 1), 1 + (data[1] if data[1:] else 0), data[2:]
    spare = Spare(_FREE.slice_bytes, _FREE.frame_bytes)
    whole, _ = _read(spare, text, [stream])
    cut, frames_read = _read(spare, text, list(_sliced(stream, size)))
    assert cut == whole
    assert Inlet(spare, _FREE, False).read(_FINE, 1.0).messages == [b"fine"]
    return max(1, frames_read)


def _read(
    spare: Spare, text: bool, slices: list[bytes]
) -> tuple[tuple[list[bytes], int | None, bool], int]:
    """Messages, the code of the fault, whether the peer closed; and how many frames there were."""
    reading = Inlet(spare, _FREE, text)
    messages: list[bytes] = []
    fault, ended, pongs, fed = None, False, 0, 0
    for piece in slices:
        if fault is not None or ended:
            reading.read_last(piece, 1.0)
            continue
        fed += len(piece)
        taken = reading.read(piece, 1.0)
        messages += taken.messages
        pongs += len(taken.pongs)
        ended = taken.ended
        if taken.fault is not None:
            fault = int(taken.fault.code)
        if fault is not None or ended:
            reading.close(fault or 1000, "noise")
    reading.end()
    assert fault is None or fault in _CODES
    if text:
        assert all(message.decode() is not None for message in messages)
    assert sum(map(len, messages)) + pongs <= fed
    assert all(len(message) <= _FREE.frame_bytes for message in messages)
    return (messages, fault, ended), len(messages) + pongs // 2


def _sliced(stream: bytes, size: int) -> Iterator[bytes]:
    for at in range(0, len(stream), size):
        yield stream[at : at + size]


class Connections:
    """One hub's door without a network, for one connection after another."""

    def __init__(self, server: Server, hub: FakeHub, writer: FakeWriter) -> None:
        self.server = server
        self._hub = hub
        self._writer = writer

    async def connection(self, data: bytes) -> int:
        """How it begins (see corpus.py), the size of its pieces, its bytes. How many messages were taken."""
        how, size, stream = (
            (data[0] if data else 0) % 6,
            1 + 16 * (data[1] if data[1:] else 255),
            data[2:],
        )
        tally = self.server.edge.tally
        before = tally.frames_in
        name = list(CODECS)[how % 2]
        one = CODECS[name]
        opening = handshake(name, Sec_WebSocket_Key="x" * 22 + "==") if how < 4 else b""
        pieces = list(_sliced(stream, size))
        if how < 2:
            auth = one.encode(frames.Auth(1, token()))
            pieces.insert(0, masked(1 if one.text else 2, auth))
        if opening:
            pieces.insert(0, opening)
        _well_formed(await self.talk(pieces))
        return max(1, tally.frames_in - before)

    async def talk(self, pieces: Iterable[bytes], every_s: float = 0.0) -> bytes:
        """One connection that sends these, from first to last; all that was said to it. Time jumps."""
        wire = Wire(Driver(self.server.edge, self.server))
        async with asyncio.timeout(_PATIENCE_S):
            await wire.carry(pieces, every_s)
        assert self.server.edge.tally.faults == 0, "a fault of ours"
        assert not self.server.drivers
        assert not self._hub.sockets
        for book in (self._hub.calls, self._hub.told, self._hub.dropped, self._writer.ops):
            book.clear()
        self._writer.seqs.clear()
        return bytes(wire.written)


def _well_formed(written: bytes) -> None:
    """An HTTP answer, and after a 101 frames that a client's library and codec can read, nothing behind the close."""
    if not written:
        return
    head, _, rest = written.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 "), head[:100]
    if not head.startswith(b"HTTP/1.1 101 "):
        return
    name = next(n for n in CODECS if f"Sec-WebSocket-Protocol: {n}\r\n".encode() in head + b"\r\n")
    peer = Protocol(Side.CLIENT, state=OPEN, max_size=None)
    peer.receive_data(rest)
    assert peer.parser_exc is None, peer.parser_exc
    for event in peer.events_received():
        assert isinstance(event, Frame)
        if event.opcode in (Opcode.TEXT, Opcode.BINARY):
            assert CODECS[name].text is (event.opcode is Opcode.TEXT)
            CODECS[name].decode_server(bytes(event.data))


@asynccontextmanager
async def connections() -> AsyncIterator[Connections]:
    """A door with its wheel turning; run it on a `tests.sim.time.JumpingLoop`."""
    loop, clock, tally = asyncio.get_running_loop(), LoopClock(), Tally()
    wheel = Wheel(clock)
    spare = Spare(_TERMS.slice_bytes, _TERMS.frame_bytes)
    edge = Edge(_TERMS, clock, wheel, Flusher(loop.call_soon), tally, spare)
    hub = FakeHub()
    handshakes = Handshake(
        Gate(Bounds(), Random(1)), (), lambda _path: Page(200, "text/plain", b"ok\n")
    )
    async with asyncio.TaskGroup() as tasks:
        turning = tasks.create_task(wheel.run())
        server = Server(edge, handshakes, Random(1))
        writer = FakeWriter(hub)
        server.serve(Errands(edge, hub, writer, FakeTokens(), tasks, FakePlaces()))
        try:
            yield Connections(server, hub, writer)
        finally:
            turning.cancel()


TARGETS: Final[dict[str, Callable[[bytes], int]]] = {"codec": codec, "inlet": inlet}
"""Those that need no loop."""
