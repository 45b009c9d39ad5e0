"""One socket of the load: opens, authenticates, resumes, and then only posts and listens.

Owns the way in. Must never come back by itself: a socket that ends is counted, for it should not have.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Final, cast
from uuid import UUID

from loadtest.bench import wire
from loadtest.bench.orders import Seat
from proto.codec import MSGPACK
from proto.frames import Auth, Client, Error, Goaway, Post, Ready, Resume, RoomStates

STALLED_BYTES: Final = 4_096
"""The receive buffer of a socket that will stop reading: else the kernel takes megabytes for it."""

_RESUME_EMPTY: Final = 2
_RESUME: Final = 3


class Refused(Exception):
    """The server did not let this socket in; `again` if it may be tried again."""

    def __init__(self, reason: str, *, again: bool) -> None:
        super().__init__(reason)
        self.again = again


async def connected(host: str, port: int, receive_bytes: int = 0) -> socket.socket:
    """A TCP connection; 0: with a receive buffer as the kernel likes. Raises `OSError`."""
    raw = socket.socket()
    try:
        raw.setblocking(False)
        if receive_bytes:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        await asyncio.get_running_loop().sock_connect(raw, (host, port))
    except BaseException:
        raw.close()
        raise
    return raw


class BenchSocket(asyncio.Protocol):
    """A socket in its seat. `live` is done once it follows all rooms; `rooms` are those it is in.

    `timed`: whether what it hears is measured, not only counted.
    """

    __slots__ = (
        "_deframer",
        "_generation",
        "_head",
        "_heard",
        "_transport",
        "live",
        "rooms",
        "seat",
        "timed",
    )

    def __init__(
        self, seat: Seat, heard: Callable[[BenchSocket, list[bytes]], None], host: str, port: int
    ) -> None:
        """`heard` is called with what arrives in one read, once the socket is live."""
        self.seat = seat
        self.rooms: list[UUID] = []
        self.timed = False
        self.live: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._heard = heard
        self._head: bytes | None = wire.upgrade(host, port)
        self._deframer = wire.Deframer()
        self._generation: UUID | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        assert self._head is not None
        self._transport.write(self._head)
        self._head = b""

    def data_received(self, data: bytes) -> None:
        if self._head is not None:
            data = self._shake_hands(self._head + data)
        taken = self._deframer.take(data)
        if taken.controls:
            self._answer(taken.controls)
        if self.live.done():
            self._heard(self, taken.messages)
            return
        for message in taken.messages:
            self._enter(message)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._refuse(f"the socket ended: {exc}", again=True)

    @property
    def open(self) -> bool:
        """Whether it can still post."""
        return self._transport is not None

    def post(self, request: int, room: UUID, client_id: str, text: str) -> None:
        """Say something; the answer carries `request`."""
        self._send(Post(request, room, client_id, text))

    def stall(self) -> None:
        """Read nothing any more."""
        if self._transport is not None:
            self._transport.pause_reading()

    def abort(self) -> None:
        """Leave without a word."""
        if self._transport is not None:
            self._transport.abort()

    def _send(self, frame: Client) -> None:
        if self._transport is not None:
            self._transport.write(wire.masked(MSGPACK.encode(frame)))

    def _shake_hands(self, data: bytes) -> bytes:
        """What follows the answer to our request, once that is whole."""
        head, end, rest = data.partition(b"\r\n\r\n")
        if not end:
            self._head = data
            return b""
        self._head = None
        if b" 101 " not in head.partition(b"\r\n")[0]:
            self._refuse(head.partition(b"\r\n")[0].decode(), again=b" 503 " in head)
            self.abort()
            return b""
        self._send(Auth(1, self.seat.token, app="muster-bench", version="1.0.0"))
        return rest

    def _enter(self, message: bytes) -> None:
        """Ready, then which rooms are mine, then live in all of them, from now on."""
        match MSGPACK.decode_server(message):
            case Ready(generation=generation):
                self._generation = generation
                self._send(Resume(_RESUME_EMPTY, None, []))
            case RoomStates(id=request, rooms=states) if request == _RESUME_EMPTY:
                mine = [state for state in states if state.status == "joined"]
                self.rooms = [state.room for state in mine]
                positions = [(state.room, state.head) for state in mine]
                self._send(Resume(_RESUME, self._generation, positions))
            case RoomStates(id=request) if request == _RESUME and not self.live.done():
                self.live.set_result(None)
            case Error(message=said, temporary=temporary):
                self._refuse(said, again=temporary)
            case Goaway(reason=said, retry_after_ms=retry_after_ms):
                self._refuse(said, again=retry_after_ms is not None)
            case _:
                pass  # an entry that comes before the answer it follows is counted by nobody

    def _refuse(self, reason: str, *, again: bool) -> None:
        if not self.live.done():
            self.live.set_exception(Refused(reason, again=again))
            self.live.exception()  # whoever waits sees it

    def _answer(self, controls: list[tuple[int, bytes]]) -> None:
        for first, payload in controls:
            if first == wire.PING and self._transport is not None:
                self._transport.write(wire.masked(payload, wire.PONG))
            elif first == wire.CLOSE and self._transport is not None:
                self._transport.write(wire.masked(payload, wire.CLOSE))
                self._transport.close()
