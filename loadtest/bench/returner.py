"""One person of the load whose socket may end: pauses, goes to another hub, resumes, says again what has no answer.

Owns what outlives a socket: positions, backoff, posts without an ack. Pauses as docs/protocol.md asks of clients. Must
never fetch anything by REST: what a socket does not bring counts as lost.
"""

from __future__ import annotations

import asyncio
from random import Random
from time import monotonic
from typing import Final, cast
from uuid import UUID

from loadtest.bench import wire
from loadtest.bench.diary import Diary
from loadtest.bench.orders import Seat
from loadtest.client.backoff import Backoff
from proto.codec import MSGPACK
from proto.codes import may_reconnect
from proto.frames import (
    Ack,
    Auth,
    Client,
    Entry,
    Error,
    Gap,
    Goaway,
    Post,
    Ready,
    Resume,
    RoomStates,
    Skip,
)

LIVE_WITHIN_S: Final = 15.0
_HELLO: Final = 1
_WHICH_ROOMS: Final = 2
_RESUME: Final = 3
FIRST_POST: Final = 4
"""Request ids below are of the way in."""


class Returner:
    """Somebody in a seat. `stay` holds a socket open for as long as it runs."""

    def __init__(self, seat: Seat, hubs: list[tuple[str, int]], random: Random) -> None:
        self.diary = Diary()
        self.rooms: list[UUID] = []
        self.heads: dict[UUID, int] = {}
        """The highest seq acked or heard, by room."""
        self.own: dict[str, set[int]] = {}
        """Under which seqs each thing said came back."""
        self.waiting: dict[int, Post] = {}
        """Posts without an answer, by request id, in the order they were written."""
        self.absences: list[tuple[float, float]] = []
        """When a socket ended (or was told to go), and when the next one had caught up."""
        self.refusals = 0
        self.live = asyncio.Event()
        self.fault: str | None = None
        self._seat = seat
        self._hubs = hubs
        self._hub = seat.hub
        self._backoff = Backoff(random)
        self._generation: UUID | None = None
        self._requests = FIRST_POST
        self._gone_at: float | None = None
        self._spread_ms = 0
        self._line: _Line | None = None

    async def stay(self) -> None:
        """One socket after another, until cancelled or told to stop."""
        loop = asyncio.get_running_loop()
        while self.fault is None:
            began = monotonic()
            retry_after_ms: int | None = None
            host, port = self._hubs[self._hub]
            try:
                _, line = await loop.create_connection(lambda: _Line(self, host, port), host, port)  # noqa: B023  # called before the next round
            except OSError:
                pass
            else:
                self._line = line
                try:
                    retry_after_ms = await line.ended
                finally:
                    self._line = None
                    line.abort()
            self.went()
            self._hub = (self._hub + 1) % len(self._hubs)
            pause_s = self._backoff.pause_s(monotonic() - began, retry_after_ms, self._spread_ms)
            await asyncio.sleep(pause_s)

    def post(self, room: UUID, client_id: str, text: str) -> None:
        """Say something, now or when there is a socket again."""
        request = self._requests
        self._requests += 1
        post = self.waiting[request] = Post(request, room, client_id, text)
        if self._line is not None and self.live.is_set():
            self._line.send(post)

    # The line calls

    def auth(self) -> Auth:
        """The first frame."""
        return Auth(_HELLO, self._seat.token, app="muster-bench", version="1.0.0")

    def went(self) -> None:
        """The socket has ended, or was told to go."""
        if self.live.is_set():
            self.live.clear()
            self._gone_at = monotonic()

    def take(self, message: bytes, line: _Line) -> None:
        """A message of the server's."""
        match frame := MSGPACK.decode_server(message):
            case Entry():
                self._entry(frame)
            case Skip(room=room, from_seq=from_seq, to_seq=to_seq):
                self.diary.took(room, from_seq, to_seq)
            case Gap(room=room, to_seq=to_seq):
                self.diary.gap(room, to_seq)
            case Ack(id=request, room=room, seq=seq):
                self.waiting.pop(request, None)
                self._saw(room, seq)
            case Ready(generation=generation, spread_ms=spread_ms):
                self._spread_ms = spread_ms
                self._resume(line, generation)
            case RoomStates(id=request):
                self._placed(line, request, frame)
            case Error():
                self._refused(line, frame)
            case Goaway(code=code, reason=reason, retry_after_ms=retry_after_ms):
                if not may_reconnect(code):
                    self.fault = f"told to stop: {reason}"
                line.retry_after_ms = retry_after_ms
                line.follows = False
                self.went()
            case _:
                pass
        if not self.live.is_set() and line.follows and self.diary.complete:
            self._arrived(line)

    def _entry(self, entry: Entry) -> None:
        if self.diary.took(entry.room, entry.seq, entry.seq):
            self._saw(entry.room, entry.seq)
            if (seqs := self.own.get(entry.client_id)) is not None:
                seqs.add(entry.seq)

    def _saw(self, room: UUID, seq: int) -> None:
        if seq > self.heads.get(room, 0):
            self.heads[room] = seq

    def _resume(self, line: _Line, generation: UUID) -> None:
        if self._generation is None:
            self._generation = generation
            line.send(Resume(_WHICH_ROOMS, None, []))
        elif generation != self._generation:
            self.fault = "the log's generation changed"
        else:
            line.send(Resume(_RESUME, generation, list(self.diary.positions.items())))

    def _placed(self, line: _Line, request: int, states: RoomStates) -> None:
        if request == _WHICH_ROOMS:
            self.diary.begin(states.rooms)
            self.rooms = [state.room for state in states.rooms if state.status == "joined"]
            line.send(Resume(_RESUME, self._generation, list(self.diary.positions.items())))
        elif request == _RESUME:
            self.diary.resumed(states.rooms)
            line.follows = True

    def _arrived(self, line: _Line) -> None:
        line.in_time()
        self.live.set()
        if self._gone_at is not None:
            self.absences.append((self._gone_at, monotonic()))
            self._gone_at = None
        for post in self.waiting.values():
            line.send(post)

    def _refused(self, line: _Line, error: Error) -> None:
        if error.id < FIRST_POST:
            self.refusals += 1  # a goaway follows, or nothing does and the deadline ends it
        elif error.temporary:
            pause_s = (error.retry_after_ms or 100) / 1_000
            asyncio.get_running_loop().call_later(pause_s, self._say_again, line, error.id)
        else:
            self.fault = f"a post was refused: {error.message}"

    def _say_again(self, line: _Line, request: int) -> None:
        post = self.waiting.get(request)
        if post is not None and self._line is line and self.live.is_set():
            line.send(post)


class _Line(asyncio.Protocol):
    """One socket. `ended` is done with what the server said of when to come back."""

    def __init__(self, owner: Returner, host: str, port: int) -> None:
        loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[int | None] = loop.create_future()
        self.retry_after_ms: int | None = None
        self.follows = False
        self._owner = owner
        self._request = wire.upgrade(host, port)
        self._head: bytes | None = b""
        self._deframer = wire.Deframer()
        self._transport: asyncio.Transport | None = None
        self._deadline = loop.call_later(LIVE_WITHIN_S, self.abort)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if self._head is not None:
            data = self._shake_hands(self._head + data)
        taken = self._deframer.take(data)
        for message in taken.messages:
            self._owner.take(message, self)
        for first, payload in taken.controls:
            self._answer(first, payload)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # the protocol's signature
        self._transport = None
        self.in_time()
        if not self.ended.done():
            self.ended.set_result(self.retry_after_ms)

    def in_time(self) -> None:
        """It need not be live any sooner."""
        self._deadline.cancel()

    def send(self, frame: Client) -> None:
        """A frame, if there is still somebody to read it."""
        if self._transport is not None:
            self._transport.write(wire.masked(MSGPACK.encode(frame)))

    def abort(self) -> None:
        """Leave without a word."""
        if self._transport is not None:
            self._transport.abort()

    def _shake_hands(self, data: bytes) -> bytes:
        head, end, rest = data.partition(b"\r\n\r\n")
        if not end:
            self._head = data
            return b""
        self._head = None
        if b" 101 " in head.partition(b"\r\n")[0]:
            self.send(self._owner.auth())
            return rest
        self._owner.refusals += 1
        self.retry_after_ms = wire.retry_after_ms(head)
        self.abort()
        return b""

    def _answer(self, first: int, payload: bytes) -> None:
        if self._transport is None:
            return
        if first == wire.PING:
            self._transport.write(wire.masked(payload, wire.PONG))
        elif first == wire.CLOSE:
            self._transport.write(wire.masked(payload, wire.CLOSE))
            self._transport.close()
