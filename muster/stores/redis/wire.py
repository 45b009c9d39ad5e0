"""One connection to one Redis, used by one task at a time.

Owns that replies belong to the commands they answer: a connection on which anything was cut short
(cancelled, timed out, broken) is closed, never used again. Must never retry or choose a node.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from redis.asyncio.connection import AbstractConnection, Connection, parse_url
from redis.exceptions import ConnectionError as ConnectionBroken
from redis.exceptions import RedisError, ResponseError

from muster.deadline import Deadline

CONNECT_WITHIN_S = 1.0

Reply = Any
"""What RESP2 carries: bytes, int, None, a list of these, or a ResponseError in its place."""

BROKEN = (RedisError, OSError, TimeoutError)
"""What talking to a Redis raises when it does not answer as it should; never our own bugs."""


class Address(NamedTuple):
    """Where a Redis listens."""

    host: str
    port: int


class Wire:
    """Commands out, replies in. Opens itself when it has to; `close` may be followed by more."""

    def __init__(self, connection: AbstractConnection) -> None:
        self._connection = connection

    async def open(self) -> None:
        """Connect and authenticate, unless that is done."""
        if self._connection.is_connected:
            return
        opened = False
        try:
            async with Deadline(CONNECT_WITHIN_S):
                await self._connection.connect()  # type: ignore[no-untyped-call]  # redis-py
            opened = True
        finally:
            if not opened:  # perhaps connected, but not yet let in
                await self.close()

    async def ask(self, commands: Sequence[bytes], within_s: float) -> list[Reply]:
        """Send packed commands together; the replies in their order, refusals among them as values.

        Raises one of `BROKEN` when they do not all arrive in time: the outcome is then unknown.
        """
        await self.open()
        replies: list[Reply] = []
        read = self._connection.read_response
        finished = False
        try:
            async with Deadline(within_s):
                await self._send(commands)
                for _ in commands:
                    try:
                        replies.append(await read())
                    except ResponseError as refusal:
                        replies.append(refusal)
            finished = True
        finally:
            if not finished:  # replies may still be under way: nobody else may find them
                await self.close()
        return replies

    async def _send(self, commands: Sequence[bytes]) -> None:
        try:
            await self._connection.send_packed_command(commands, check_health=False)
        except RuntimeError as closed:
            # So uvloop says that a transport was closed since: by a reset, of which no reader was there to learn.
            raise ConnectionBroken(str(closed)) from closed

    async def close(self) -> None:
        """Let go at once, without a word."""
        await self._connection.disconnect(nowait=True)


class Dial:
    """Makes wires by a Redis URL: redis://, rediss:// or unix://, with every option of redis-py."""

    def __init__(self, url: str) -> None:
        options: dict[str, Any] = dict(parse_url(url))
        self._kind: type[AbstractConnection] = options.pop("connection_class", Connection)
        # RESP2, no CLIENT SETINFO: what Redis 6.2 and every managed one understands.
        self._options = {
            **options,
            "protocol": 2,
            "driver_info": None,
            "decode_responses": False,
            "socket_timeout": None,  # `ask` has the deadline
            "socket_connect_timeout": None,  # and `open`
            "retry": None,
        }
        self.address = Address(options.get("host", "localhost"), options.get("port", 6379))

    def wire(self, address: Address | None = None) -> Wire:
        """A wire, not yet open, to the URL's Redis or to another of the same cluster."""
        elsewhere = {} if address is None else address._asdict()
        return Wire(self._kind(**{**self._options, **elsewhere}))
