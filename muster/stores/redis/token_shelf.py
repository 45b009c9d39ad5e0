"""The shelf of provider tokens in Redis (muster/token_shelf.py): one key each, which Redis forgets in time.

Owns its keys. Must never keep a token longer than it was put for.
"""

from __future__ import annotations

import asyncio
from typing import Final

from hiredis import pack_command
from redis.exceptions import MovedError, ResponseError

from muster.stores.redis.wire import BROKEN, Address, Dial, Reply
from muster.token_shelf import Shelved, Unreachable

WITHIN_S: Final = 1.0
# KEYS[1] the token's key; ARGV[1] the token that is to go.
_DROP: Final = (
    b"if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"
)


class RedisShelf:
    """See `muster.token_shelf.TokenShelf`. On a cluster it goes where the first node sends it."""

    def __init__(self, dial: Dial, namespace: str = "muster") -> None:
        self._dial = dial
        self._wire = dial.wire()
        self._namespace = namespace.encode()
        self._turn = asyncio.Lock()

    async def get(self, name: str) -> Shelved | None:
        key = self._key(name)
        return _shelved(*await self._ask((b"GET", key), (b"PTTL", key)))

    async def put(self, name: str, token: str, for_s: float) -> Shelved:
        key, life_ms = self._key(name), b"%d" % max(1, int(for_s * 1000))
        laid = (b"SET", key, token.encode(), b"NX", b"PX", life_ms)
        _, lies, left_ms = await self._ask(laid, (b"GET", key), (b"PTTL", key))
        # Between two of these commands it may run out: then ours is as good as any.
        return _shelved(lies, left_ms) or Shelved(token, for_s)

    async def drop(self, name: str, token: str) -> None:
        await self._ask((b"EVAL", _DROP, b"1", self._key(name), token.encode()))

    async def close(self) -> None:
        """Let go of the wire."""
        await self._wire.close()

    def _key(self, name: str) -> bytes:
        return self._namespace + b":push:token:" + name.encode()

    async def _ask(self, *commands: tuple[bytes, ...]) -> list[Reply]:
        packed = [pack_command(command) for command in commands]  # type: ignore[arg-type]  # hiredis' stub knows one part
        try:
            async with self._turn:
                try:
                    return _good(await self._wire.ask(packed, WITHIN_S))
                except MovedError as moved:
                    await self._move(Address(moved.host, moved.port))
                    return _good(await self._wire.ask(packed, WITHIN_S))
        except BROKEN as broken:
            await self._move(None)
            raise Unreachable from broken

    async def _move(self, to: Address | None) -> None:
        await self._wire.close()
        self._wire = self._dial.wire(to)


def _good(replies: list[Reply]) -> list[Reply]:
    for reply in replies:
        if isinstance(reply, ResponseError):
            raise reply
    return replies


def _shelved(token: Reply, left_ms: Reply) -> Shelved | None:
    return Shelved(token.decode(), left_ms / 1000) if token and left_ms > 0 else None
