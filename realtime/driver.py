"""One TCP connection: its transport, its deadlines, its close.

    HANDSHAKE --101--> OPEN --close sent or received, or a fault--> CLOSING --peer's FIN or abort()--> GONE

Owns reading in slices (one read is at most a slice, so the buckets are asked in between), pausing, keepalive, the
close handshake and the abort by deadline. Outgoing frames come prebuilt and go straight to the transport. Must
never know what a frame says, and must never wait for a peer.
"""

from __future__ import annotations

import asyncio
from collections import deque
from math import inf
from typing import Final, cast

from websockets.http11 import Request
from websockets.protocol import SEND_EOF
from websockets.server import ServerProtocol

from proto.codes import Close
from proto.limits import SUBPROTOCOL_JSON
from realtime.edge import Door, Edge, Receiver
from realtime.handshake import HEADERS_TOO_LARGE, TOO_EARLY
from realtime.inlet import Inlet
from realtime.outbox import TRANSPORT_SHARE
from realtime.spare import discard
from realtime.state import OPEN, State
from realtime.visitor import Visitor

PING: Final = b"\x89\x00"
_HELD: Final = 1  # paused by the connection: it has enough to do
_THROTTLED: Final = 2  # paused by the buckets


class Driver(asyncio.BufferedProtocol):
    """The protocol object of one accepted connection."""

    __slots__ = (
        "_allowance",
        "_close_at",
        "_door",
        "_edge",
        "_heard",
        "_held",
        "_inlet",
        "_paused",
        "_pinged_at",
        "_protocol",
        "_receiver",
        "_slow",
        "_throttled_until",
        "_transport",
        "state",
        "visitor",
        "wheel_tick",
    )

    def __init__(self, edge: Edge, door: Door) -> None:
        self._edge = edge
        self._door = door
        self._protocol: ServerProtocol | None = None
        self._inlet: Inlet | None = None
        self._receiver: Receiver | None = None
        self._transport: asyncio.Transport | None = None
        self._held: deque[bytes] | None = None
        self._paused = 0
        self._slow = False
        self._allowance = edge.terms.request_bytes  # what may be read still; -1: any amount
        self._close_at = self._throttled_until = self._pinged_at = inf
        self._heard = 0.0
        self.state = State.handshake
        self.visitor: Visitor | None = None  # until it has authenticated
        self.wheel_tick = -1

    # The transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        edge = self._edge
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=edge.terms.outbox_bytes // TRANSPORT_SHARE)
        self.visitor = Visitor(self._door.handshake, transport.get_extra_info("peername"))
        self._door.came(self)
        self._heard = edge.clock.monotonic()
        self._close_at = self._heard + edge.terms.auth_within_s
        edge.wheel.schedule(self, self._close_at)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002  # the protocol's signature
        allowance = self._allowance
        buffer = self._edge.spare.buffer
        return buffer if allowance < 0 else buffer[:allowance]

    def buffer_updated(self, nbytes: int) -> None:
        edge = self._edge
        edge.tally.bytes_in += nbytes
        now = self._heard = edge.clock.monotonic()
        data = bytes(edge.spare.buffer[:nbytes])
        if self._allowance >= 0:
            self._allowance -= nbytes
        if self.state is OPEN:
            self._read(data, now)
        elif self.state is State.handshake:
            self._shake_hands(data, now)
        elif self._inlet is not None and self._inlet.read_last(data, now):
            self._half_close()

    def eof_received(self) -> bool | None:
        self._begin_closing()
        return None  # the transport closes; the deadline aborts it if what it holds is not taken

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # the signature
        clean = self._inlet is not None and self._inlet.end()
        receiver, self._receiver = self._receiver, None
        if self._protocol is not None:
            discard(self._protocol)
        self.state = State.gone
        self._edge.wheel.forget(self)
        self._door.handshake.gate.left(self.visitor.peer if self.visitor else None)
        self._door.gone(self)
        self._protocol = self._inlet = self._transport = self._held = None
        if receiver is not None:
            receiver.lost(clean)

    def pause_writing(self) -> None:
        if self._receiver is not None:
            self._receiver.blocked(self.unsent)

    def resume_writing(self) -> None:
        if self._receiver is not None:
            self._receiver.unblocked()

    # The connection calls

    @property
    def unsent(self) -> int:
        """Bytes handed to the transport that the kernel has not taken."""
        return self._transport.get_write_buffer_size() if self._transport is not None else 0

    def write(self, data: bytes) -> None:
        """Send whole WebSocket frames; dropped once the connection is closing."""
        if self.state is OPEN and self._transport is not None:
            tally = self._edge.tally
            tally.writes += 1
            tally.bytes_out += len(data)
            self._transport.write(data)

    def authenticated(self) -> None:
        """From now on a person answers for this socket: it may send at length."""
        self._allowance = -1
        self.look_at(self._heard + self._edge.terms.heartbeat_s)
        if self.visitor is not None:
            self.visitor.named()
            self.visitor = None

    def hold(self) -> None:
        """Read and hand over nothing until `release`."""
        self._pause(_HELD)

    def release(self) -> None:
        """Go on after `hold`: first with what was read already."""
        self._resume(_HELD)

    def look_at(self, at: float) -> None:
        """Call `due` by then."""
        self._edge.wheel.schedule(self, at)

    def close(self, code: int, reason: str) -> None:
        """Send a WebSocket close; the peer has `close_within_s` to answer."""
        if self.state is OPEN and self._inlet is not None:
            self._edge.tally.closed[str(int(code))] += 1
            self._slow = code == Close.slow
            self._write_last(self._inlet.close(code, reason))

    def abort(self) -> None:
        """End it now, whatever is unsent."""
        if self._transport is not None:
            self._edge.tally.aborted += 1
            self._transport.abort()

    def due(self, now: float) -> float:
        """The wheel's visit."""
        if self.state is State.gone:
            return inf
        if self.state is not OPEN or self._receiver is None:
            if now < self._close_at:
                return self._close_at
            self._edge.tally.steps["abort"] += self._slow
            self.abort()
            return inf
        if self._throttled_until <= now:
            self._throttled_until = inf
            self._resume(_THROTTLED)
        again = min(self._receiver.due(now), self._keep_alive(now), self._throttled_until)
        return min(again, self._close_at)

    # Reading

    def _shake_hands(self, data: bytes, now: float) -> None:
        visitor = self.visitor
        assert visitor is not None, "nobody authenticates before the upgrade"
        if self._protocol is None:
            if (shut := visitor.shut(data, now)) is not None:
                self._edge.tally.closed[f"http_{shut[9:12].decode()}"] += 1
                self._write_last([shut, SEND_EOF])
                return
            self._protocol = self._door.handshake.protocol(self._edge.terms.frame_bytes)
        protocol = self._protocol
        protocol.receive_data(data)
        events = protocol.events_received()
        if protocol.eof_sent or len(events) > 1 or (events and protocol.reader.buffer):
            # The library's own refusal, if it has one.
            self._write_last(protocol.data_to_send() if not events else [TOO_EARLY])
        elif events:
            request = cast(Request, events[0])
            response = visitor.answer(protocol, request, now)
            protocol.send_response(response)
            if response.status_code == 101:
                self._open(protocol)
            else:
                self._edge.tally.closed[f"http_{response.status_code}"] += 1
                self._write_last(protocol.data_to_send())
        elif self._allowance <= 0:
            self._write_last([HEADERS_TOO_LARGE])

    def _open(self, protocol: ServerProtocol) -> None:
        edge = self._edge
        edge.tally.opened += 1
        if self._transport is not None:
            self._transport.write(b"".join(protocol.data_to_send()))
        discard(protocol)
        self._protocol = None
        self._allowance = edge.terms.before_auth_bytes
        self._inlet = Inlet(edge.spare, edge.terms, protocol.subprotocol == SUBPROTOCOL_JSON)
        self._close_at = inf
        self.state = OPEN
        self._receiver = self._door.opened(self, self._inlet.text)

    def _read(self, data: bytes, now: float) -> None:
        inlet, receiver = self._inlet, self._receiver
        if inlet is None or receiver is None:
            return
        taken = inlet.read(data, now)
        for message in taken.messages:
            self._hand_over(receiver, message, now)
        if taken.fault is not None:
            receiver.close(*taken.fault)
        elif taken.ended:
            self._edge.tally.closed["by_client"] += 1
            receiver.flush()
            self._write_last(inlet.close(1000, ""))
        elif taken.pongs and not self.unsent:
            self.write(taken.pongs)  # none for a peer who does not read
        if self.state is not OPEN:
            return
        if self._allowance == 0:
            receiver.close(Close.too_large, "too much was sent before authentication")
        elif taken.wait_s:
            self._pause(_THROTTLED)
            self._throttled_until = now + taken.wait_s
            self.look_at(self._throttled_until)
            receiver.throttled(taken.wait_s)

    def _hand_over(self, receiver: Receiver, message: bytes, now: float) -> None:
        if self.state is not OPEN:
            return
        if self._paused & _HELD:
            if self._held is None:
                self._held = deque()
            self._held.append(message)  # bounded: while held nothing is read, and a slice is small
        else:
            self._edge.tally.frames_in += 1
            receiver.message(message, now)

    def _pause(self, why: int) -> None:
        if not self._paused and self._transport is not None:
            self._transport.pause_reading()
        self._paused |= why

    def _resume(self, why: int) -> None:
        if not self._paused & why:
            return
        self._paused &= ~why
        now = self._edge.clock.monotonic()
        while self._held and not self._paused & _HELD and self._receiver is not None:
            self._hand_over(self._receiver, self._held.popleft(), now)
        if not self._paused and self.state is OPEN and self._transport is not None:
            self._transport.resume_reading()

    # Ending

    def _write_last(self, written: list[bytes]) -> None:
        """Write a refusal or a close. An empty item, or none, means that nothing follows."""
        transport = self._transport
        if transport is None or self.state is State.closing:
            return
        for data in written:
            if data != SEND_EOF:
                transport.write(data)
        self._begin_closing()
        if self._inlet is None or SEND_EOF in written:
            self._half_close()

    def _half_close(self) -> None:
        """Say that nothing follows and wait for the peer's FIN: closing at once could lose our last words."""
        if self._transport is not None:
            if self._transport.can_write_eof():
                self._transport.write_eof()
            else:
                self._transport.close()

    def _begin_closing(self) -> None:
        if self.state is State.closing or self.state is State.gone:
            return
        edge = self._edge
        self.state = State.closing
        self._close_at = edge.clock.monotonic() + edge.terms.close_within_s
        edge.wheel.schedule(self, self._close_at)
        self._held = None
        self._paused = 0
        self._allowance = -1
        if self._transport is not None:
            self._transport.resume_reading()

    def _keep_alive(self, now: float) -> float:
        """Ping after silence; close when that is not answered either. When to look again."""
        terms = self._edge.terms
        if self._paused:
            self._heard = now  # we are the ones who do not listen
        if self._pinged_at == inf or self._heard >= self._pinged_at:
            self._pinged_at = inf
            if now < self._heard + terms.heartbeat_s:
                return self._heard + terms.heartbeat_s
            self._pinged_at = now
            self._edge.tally.pings += 1
            if not self.unsent:
                self.write(PING)
        elif now >= self._pinged_at + terms.pong_within_s and self._receiver is not None:
            self._receiver.close(Close.no_pong, "nothing was heard for the heartbeat time")
        return self._pinged_at + terms.pong_within_s
