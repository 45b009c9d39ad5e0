"""Nonces of signed requests in Redis (muster/nonces.py): one key each, which Redis forgets in time.

Owns their keys. Must never wait longer than WITHIN_S: a request waits meanwhile.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import Final
from uuid import UUID

from hiredis import pack_command
from redis.exceptions import MovedError, ResponseError

from muster.nonces import Unreachable
from muster.stores.redis.wire import BROKEN, Address, Dial, Reply

WITHIN_S: Final = 0.5


class RedisNonces:
    """See `muster.nonces.SharedStore`. On a cluster each nonce goes where a node sends it."""

    def __init__(self, dial: Dial, namespace: str = "muster") -> None:
        self._dial = dial
        self._wire = dial.wire()
        self._namespace = namespace.encode()
        self._turn = asyncio.Lock()

    async def take(self, key: UUID, nonce: str, kept_s: float) -> bool:
        # Hashed: keys of Redis are no place for what clients write.
        name = hashlib.sha256(key.bytes + nonce.encode()).digest()
        life_ms = b"%d" % int(kept_s * 1_000)
        laid = (b"SET", self._namespace + b":nonce:" + name, b"", b"NX", b"PX", life_ms)
        return await self._ask(laid) is not None

    async def close(self) -> None:
        """Let go of the wire."""
        await self._wire.close()

    async def _ask(self, command: tuple[bytes, ...]) -> Reply:
        packed = pack_command(command)  # type: ignore[arg-type]  # hiredis' stub knows one part
        try:
            async with asyncio.timeout(WITHIN_S), self._turn:
                return await self._answered(packed)
        except BROKEN as broken:
            raise Unreachable from broken

    async def _answered(self, packed: bytes) -> Reply:
        """In our turn: nobody else uses the wire."""
        understood = False
        try:
            [reply] = await self._wire.ask([packed], WITHIN_S)
            if isinstance(reply, MovedError):
                await self._move(Address(reply.host, reply.port))
                [reply] = await self._wire.ask([packed], WITHIN_S)
            if isinstance(reply, ResponseError):
                raise reply
            understood = True
            return reply
        finally:
            if not understood:
                await self._move(None)

    async def _move(self, to: Address | None) -> None:
        await self._wire.close()
        self._wire = self._dial.wire(to)
