"""One device of somebody: a socket that authenticates, says goodbye or just breaks, and may watch others.

Owns what it was told of others, folded as docs/protocol.md says. Must never come back by itself.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Final, cast
from urllib.parse import urlsplit
from uuid import UUID

from loadtest.bench import wire
from loadtest.bench.sockets import Refused
from proto.codec import MSGPACK
from proto.frames import Auth, Client, Error, Goaway, Presences, Ready, Watch

GOODBYE: Final = b"\x03\xe8"
"""1000: I mean to be offline."""

_PRESENCES: Final = Presences.__struct_config__.tag


class Visitor(asyncio.Protocol):
    """A device's socket. `ready` is done once it is let in."""

    def __init__(self, token: str, host: str, port: int) -> None:
        self._token = token
        self._head: bytes | None = wire.upgrade(host, port)
        self._deframer = wire.Deframer()
        self._transport: asyncio.Transport | None = None
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.present: set[UUID] = set()
        self.turns: Counter[UUID] = Counter()
        """How often somebody went, or came, as far as this socket was told."""
        self.known = False

    @classmethod
    async def enter(cls, token: str, url: str) -> Visitor:
        """Connect and be let in. Raises OSError or `Refused`."""
        at = urlsplit(url)
        host, port = str(at.hostname), int(at.port or 0)
        _, visitor = await asyncio.get_running_loop().create_connection(
            lambda: cls(token, host, port), host, port
        )
        try:
            await visitor.ready
        except BaseException:
            visitor.drop()
            raise
        return visitor

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        assert self._head is not None
        self._transport.write(self._head)
        self._head = b""

    def data_received(self, data: bytes) -> None:
        if self._head is not None:
            head, end, data = (self._head + data).partition(b"\r\n\r\n")
            if not end:
                self._head = head
                return
            self._head = None
            if b" 101 " not in head.partition(b"\r\n")[0]:
                self._refuse(head.partition(b"\r\n")[0].decode())
                self.drop()
                return
            self._send(Auth(1, self._token, app="muster-bench", version="1.0.0"))
        taken = self._deframer.take(data)
        for first, payload in taken.controls:
            if first == wire.PING and self._transport is not None:
                self._transport.write(wire.masked(payload, wire.PONG))
            elif first == wire.CLOSE:
                self.drop()
        for message in taken.messages:
            self._heard(message)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._refuse(f"the socket ended: {exc}")

    @property
    def open(self) -> bool:
        """Whether it is connected still."""
        return self._transport is not None

    def watch(self, people: Sequence[UUID]) -> None:
        """Hear of these people."""
        self._send(Watch(2, False, list(people)))

    def goodbye(self) -> None:
        """Go, and mean it."""
        if self._transport is not None:
            self._transport.write(wire.masked(GOODBYE, wire.CLOSE))
            self._transport.close()
            self._transport = None

    def drop(self) -> None:
        """Break off without a word."""
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    def _heard(self, message: bytes) -> None:
        kind = message[2] if message[1] in (0xCC, 0xD0) else message[1]
        if self.ready.done() and kind != _PRESENCES:
            return
        match MSGPACK.decode_server(message):
            case Ready() if not self.ready.done():
                self.ready.set_result(None)
            case Presences(people=people, whole=whole, known=known):
                self.known = known
                if known:
                    there = {one.person for one in people if one.state != "offline"}
                    named = {one.person for one in people}
                    now = there if whole else (self.present - named) | there
                    self.turns.update(now ^ self.present)
                    self.present = now
            case Error(message=said) | Goaway(reason=said):
                self._refuse(said)
            case _:
                pass

    def _send(self, frame: Client) -> None:
        if self._transport is not None:
            self._transport.write(wire.masked(MSGPACK.encode(frame)))

    def _refuse(self, reason: str) -> None:
        if not self.ready.done():
            self.ready.set_exception(Refused(reason, again=True))
            self.ready.exception()
