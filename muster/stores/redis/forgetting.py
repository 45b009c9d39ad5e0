"""Forgetting somebody in Redis: who they are on the roll, and where they stand with regard to events.

Owns which keys go; they are those that a rule calls `delete` (muster/holdings.py). What is left of them is ids, in what
runs out by itself. Must never judge whether somebody is to be forgotten.
"""

from __future__ import annotations

import random
from typing import Final

from hiredis import pack_command

from muster.errors import unavailable
from muster.ids import PersonId
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
    """See `muster.erasing.Elsewhere`."""

    def __init__(
        self, roll: Asking, roll_keys: RollKeys, standings: Asking, keys: StandingKeys
    ) -> None:
        self._roll = roll
        self.roll_keys = roll_keys
        self._standings = standings
        self.keys = keys

    async def forget(self, person: PersonId) -> None:
        try:
            await self._forget(person)
        except Unreachable:
            raise unavailable("Redis") from None

    async def _forget(self, person: PersonId) -> None:
        bucket, who = roll_bucket(person.bytes), person.bytes
        rolled = (self.roll_keys.person(bucket, who), self.roll_keys.goodbyes(bucket, who))
        await self._roll.ask({bucket: [_pack(b"DEL", *rolled)]})
        bucket = standing_bucket(person)
        due = self.keys.due[bucket]
        cursor = b"0"
        while True:
            [looked] = (await self._standings.ask({bucket: [_scan(due, cursor)]}))[bucket]
            cursor, members = _of(looked)
            theirs = [member for member in members if member[:16] == person.bytes]
            if theirs:
                await self._standings.ask({bucket: [_pack(b"ZREM", due, *theirs)]})
            if cursor == b"0":
                break
        await self._standings.ask({bucket: [_pack(b"DEL", self.keys.person(bucket, person))]})

    async def close(self) -> None:
        """Let go of every connection."""
        await self._roll.close()
        await self._standings.close()


def forgetting_at(
    url: str,
    cluster: bool,
    rng: random.Random,
    roll: str = "muster",
    standings: str = "muster",
) -> RedisForgetting:
    """On the Redis that MUSTER_REDIS_URL and MUSTER_REDIS_CLUSTER name; the others are namespaces."""
    roll_keys, keys = RollKeys(roll), StandingKeys(standings)
    return RedisForgetting(
        Asking(nodes_at(url, cluster, roll_keys.table, rng), []),
        roll_keys,
        Asking(nodes_at(url, cluster, keys.table, rng), []),
        keys,
    )


def _scan(key: bytes, cursor: bytes) -> bytes:
    return _pack(b"ZSCAN", key, cursor, b"COUNT", b"%d" % _PER_LOOK)


def _of(reply: Reply) -> tuple[bytes, list[bytes]]:
    cursor, pairs = reply
    return cursor, pairs[::2]
