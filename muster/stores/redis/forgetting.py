"""Forgetting somebody in Redis: who they are on the roll, and where they stand with regard to events.

Owns which keys go; they are those that a rule calls `delete` (muster/holdings.py). What is left of them is ids, in what
runs out by itself. Must never judge whether somebody is to be forgotten.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from hiredis import pack_command

from muster.errors import unavailable
from muster.ids import PersonId
from muster.lanes import LaneTable
from muster.roll import Unreachable
from muster.roll import bucket_of as roll_bucket
from muster.stores.redis.asking import Asking
from muster.stores.redis.nodes import nodes_at
from muster.stores.redis.roll_commands import RollKeys
from muster.stores.redis.standing_commands import StandingKeys
from muster.stores.redis.standing_commands import bucket_of as standing_bucket
from muster.stores.redis.wire import Reply

_PER_LOOK: Final = 500


def _pack(*parts: bytes) -> bytes:
    packed: bytes = pack_command(parts)  # type: ignore[arg-type]  # hiredis' stub knows one part
    return packed


class RedisForgetting:
    """See `muster.erasing.Elsewhere`. Connects for each: people are forgotten seldom."""

    def __init__(self, url: str, cluster: bool, rng: random.Random, name: str = "muster") -> None:
        """The Redis that MUSTER_REDIS_URL and MUSTER_REDIS_CLUSTER name; `name`: of the keys' installation."""
        self._url = url
        self._cluster = cluster
        self._rng = rng
        self._roll = RollKeys(name)
        self._standings = StandingKeys(name)

    async def forget(self, person: PersonId) -> None:
        try:
            async with self._asking(self._roll.table) as asks:
                bucket, who = roll_bucket(person.bytes), person.bytes
                rolled = (self._roll.person(bucket, who), self._roll.goodbyes(bucket, who))
                await asks.ask({bucket: [_pack(b"DEL", *rolled)]})
            async with self._asking(self._standings.table) as asks:
                await self._forget_standings(asks, person)
        except Unreachable:
            raise unavailable("Redis") from None

    async def _forget_standings(self, asks: Asking, person: PersonId) -> None:
        bucket = standing_bucket(person)
        due = self._standings.due[bucket]
        cursor = b"0"
        while True:
            [looked] = (await asks.ask({bucket: [_scan(due, cursor)]}))[bucket]
            cursor, members = _of(looked)
            theirs = [member for member in members if member[:16] == person.bytes]
            if theirs:
                await asks.ask({bucket: [_pack(b"ZREM", due, *theirs)]})
            if cursor == b"0":
                break
        await asks.ask({bucket: [_pack(b"DEL", self._standings.person(bucket, person))]})

    @asynccontextmanager
    async def _asking(self, table: LaneTable) -> AsyncIterator[Asking]:
        asks = Asking(nodes_at(self._url, self._cluster, table, self._rng), [])
        try:
            yield asks
        finally:
            await asks.close()


def _scan(key: bytes, cursor: bytes) -> bytes:
    return _pack(b"ZSCAN", key, cursor, b"COUNT", b"%d" % _PER_LOOK)


def _of(reply: Reply) -> tuple[bytes, list[bytes]]:
    cursor, pairs = reply
    return cursor, pairs[::2]
