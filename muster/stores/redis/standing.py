"""Standings in Redis (muster/standing.py): all calls of one node in one pipeline, each about one bucket.

Owns which bucket is asked what. Must never judge and never decide what is put back: muster/placing.py does, and
muster/restoring.py.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from typing import Final

from muster.ids import PersonId, RoomId
from muster.standing import Due, Health, Kept, Lost, Move, Rebuilding
from muster.stores.redis.asking import Asking
from muster.stores.redis.nodes import Nodes, nodes_at
from muster.stores.redis.standing_commands import (
    BUCKETS,
    TIME,
    StandingCommands,
    StandingKeys,
    bucket_of,
    is_open,
    ms,
    read_due,
    read_kept,
    scripts,
)

PER_CALL: Final = 100
"""Moves in one call of a script: Redis does nothing else meanwhile, about a millisecond."""

_ALL: Final = range(BUCKETS)


class RedisStandings:
    """See `muster.standing.Standings`. Fixes go by one wire per node, sweeps and rebuilding by another."""

    def __init__(self, nodes: Nodes, keys: StandingKeys, rng: random.Random) -> None:
        """`nodes` are of `keys.table`."""
        self._commands = StandingCommands(keys)
        bodies = [script.body for script in scripts()]
        self._asks = Asking(nodes, bodies)
        self._sweeps = Asking(nodes, bodies)
        self._rng = rng
        self._who: list[bytes] | None = None

    async def load(
        self, people: Collection[PersonId], *, closed: bool = False
    ) -> dict[PersonId, dict[RoomId, Kept]]:
        shares: dict[int, list[PersonId]] = {}
        for person in people:
            shares.setdefault(bucket_of(person), []).append(person)
        commands = self._commands
        asked = {
            bucket: [commands.epoch(bucket), TIME, *(commands.load(bucket, one) for one in share)]
            for bucket, share in shares.items()
        }
        answered = await self._by(closed).ask(asked) if asked else {}
        found = {}
        for bucket, (epoch, time, *replies) in answered.items():
            if not closed and not is_open(epoch):
                raise Lost
            for person, reply in zip(shares[bucket], replies, strict=True):
                found[person] = read_kept(reply, ms(time))
        return found

    async def move(self, moves: Sequence[Move], *, closed: bool = False) -> list[int]:
        shares: dict[int, list[int]] = {}
        for i, move in enumerate(moves):
            shares.setdefault(bucket_of(move.key.person), []).append(i)
        asked = {
            bucket: [
                self._commands.move(bucket, [moves[i] for i in part], closed=closed)
                for part in _parts(share)
            ]
            for bucket, share in shares.items()
        }
        answered = await self._by(closed).ask(asked) if asked else {}
        versions: dict[int, int] = {}
        for bucket, replies in answered.items():
            for part, reply in zip(_parts(shares[bucket]), replies, strict=True):
                if reply is None:
                    raise Lost
                versions.update(zip(part, map(int, reply), strict=True))
        return [versions[i] for i in range(len(moves))]

    def _by(self, closed: bool) -> Asking:
        return self._sweeps if closed else self._asks

    # Sweeping

    async def take_due(self, most: int) -> Due:
        asked = {b: [self._commands.take_due(b, most)] for b in _ALL}
        answered = await self._sweeps.ask(asked)
        found = [read_due(answered[bucket][0]) for bucket in _ALL]
        return Due([key for due in found for key in due.keys], max(due.late_ms for due in found))

    # Losing and putting back

    async def look(self) -> Health:
        answered = await self._sweeps.ask({b: [self._commands.epoch(b)] for b in _ALL})
        before, self._who = self._who, [self._sweeps.who(bucket) for bucket in _ALL]
        is_lost = not all(is_open(answered[bucket][0]) for bucket in _ALL)
        # Another process that answers may have lost the newest, and gone on from there.
        return Health(is_lost, before != self._who)

    async def begin(self) -> Rebuilding:
        mark = b"%016x" % self._rng.getrandbits(64)
        answered = await self._sweeps.ask({b: [self._commands.begin(b, mark)] for b in _ALL})
        return {bucket: answered[bucket][0] for bucket in _ALL}

    async def finish(self, rebuilding: Rebuilding) -> None:
        finish = self._commands.finish
        await self._sweeps.ask({b: [finish(b, mark)] for b, mark in rebuilding.items()})

    async def close(self) -> None:
        """Let go of every connection."""
        await self._asks.close()
        await self._sweeps.close()


def standings_at(
    url: str, cluster: bool, rng: random.Random, namespace: str = "muster"
) -> RedisStandings:
    """Standings on the Redis that MUSTER_REDIS_URL and MUSTER_REDIS_CLUSTER name."""
    keys = StandingKeys(namespace)
    return RedisStandings(nodes_at(url, cluster, keys.table, rng), keys, rng)


def _parts(items: Sequence[int]) -> list[Sequence[int]]:
    return [items[at : at + PER_CALL] for at in range(0, len(items), PER_CALL)]
