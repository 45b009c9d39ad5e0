"""The queue of pushes in Redis (muster/push_queue.py): one call per bucket, all of one node in one pipeline.

Owns which bucket is asked what, and how a batch is shared among buckets. Every change of a job is one Lua call
(muster/stores/lua/push_job.lua). Must never decide what is sent or when: pushers does.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from muster.push_device import Provider
from muster.push_queue import Claim, Dead, Depth, Job, Sending, Wish
from muster.stores.redis.asking import Asking
from muster.stores.redis.nodes import Nodes, nodes_at
from muster.stores.redis.push_bell import Bell
from muster.stores.redis.push_commands import (
    BUCKETS,
    NOW,
    PushCommands,
    PushKeys,
    Waiting,
    bucket_of,
    claims_of,
    read_claims,
    read_dead,
    read_jobs,
    read_waiting,
    scripts,
)
from muster.stores.redis.push_share import shares

PER_CALL: Final = 100
"""Jobs in one call of a script: Redis does nothing else meanwhile, about half a millisecond."""

TAKE_OVER_S: Final = 1.0
"""So often it is looked for jobs whose worker died."""

OUTRUN_S: Final = 0.005
"""Who found that others took what there was looks again after so long."""

_ALL: Final = range(BUCKETS)
_T = TypeVar("_T")


class RedisPushQueue:
    """See `muster.push_queue.PushQueue`."""

    def __init__(self, nodes: Nodes, keys: PushKeys, rng: random.Random) -> None:
        """`nodes` are of `keys.table`."""
        self._commands = PushCommands(keys)
        self._asks = Asking(nodes, [script.body for script in scripts()])
        self._bell = Bell(nodes, self._commands)
        self._rng = rng
        self._holder = b"%08x" % rng.getrandbits(32)
        self._epochs: dict[int, tuple[bytes, bytes]] = {}
        self._looked_at = float("-inf")

    # Jobs

    async def put(self, wishes: Sequence[Wish]) -> None:
        put = self._commands.put
        await self._shared(wishes, lambda wish: bucket_of(wish.key), put)

    async def take(self, most: int, wait_s: float) -> list[Job]:
        loop = asyncio.get_running_loop()
        until = loop.time() + wait_s
        while True:
            waiting = await self._moved(loop.time())
            jobs = await self._read(waiting, most)
            left_s = until - loop.time()
            if jobs or left_s <= 0 or most <= 0:
                return jobs
            if any(any(look.counts) for look in waiting):  # others were quicker
                await asyncio.sleep(min(OUTRUN_S, left_s))
            else:
                await self._bell.wait(waiting, left_s)

    async def done(self, jobs: Sequence[Job]) -> None:
        await self._ended([(job, None) for job in jobs])

    async def again(self, jobs: Sequence[tuple[Job, int]]) -> None:
        await self._ended(jobs)

    async def _moved(self, now: float) -> list[Waiting]:
        take_over = now >= self._looked_at + TAKE_OVER_S
        if take_over:
            self._looked_at = now
        move = self._commands.move
        answered = await self._asks.ask({b: [move(b, take_over=take_over)] for b in _ALL})
        return [read_waiting(answered[bucket][0]) for bucket in _ALL]

    async def _read(self, waiting: Sequence[Waiting], most: int) -> list[Job]:
        counts = [look.counts for look in waiting]
        reads = shares(counts, most, self._rng.randrange(BUCKETS))
        asked: dict[int, list[bytes]] = {}
        lanes: dict[int, list[int]] = {}
        for bucket, lane, count in reads:
            asked.setdefault(bucket, []).append(self._commands.read(bucket, lane, count))
            lanes.setdefault(bucket, []).append(lane)
        answered = await self._asks.ask(asked) if asked else {}
        jobs = []
        for bucket, replies in answered.items():
            for lane, reply in zip(lanes[bucket], replies, strict=True):
                jobs += read_jobs(lane, reply)
        return sorted(jobs, key=lambda job: job.priority)

    async def _ended(self, jobs: Sequence[tuple[Job, int | None]]) -> None:
        done = self._commands.done
        await self._shared(jobs, lambda ended: bucket_of(ended[0].key), done)

    # What could not be done

    async def bury(self, job: Job, reason: str, notified: int) -> None:
        bucket = bucket_of(job.key)
        await self._asks.ask({bucket: [self._commands.bury(bucket, job, reason, notified)]})

    async def dead(self, most: int) -> list[Dead]:
        asked = {b: [NOW, self._commands.dead(b, most)] for b in _ALL}
        answered = await self._asks.ask(asked)
        letters: list[Dead] = []
        for bucket, (time, reply) in answered.items():
            letters += read_dead(bucket, reply, _ms(time))
        return sorted(letters, key=lambda letter: -letter.at_ms)[:most]

    async def replay(self, ids: Sequence[bytes]) -> int:
        named = []
        for name in ids:
            bucket, _, written = name.partition(b"-")
            if bucket.isdigit() and int(bucket) < BUCKETS and written.replace(b"-", b"").isdigit():
                named.append((int(bucket), written))
        answered = await self._shared(
            named,
            lambda one: one[0],
            lambda bucket, part: self._commands.replay(bucket, [written for _, written in part]),
        )
        return sum(reply for replies in answered.values() for reply in replies)

    # Claims

    async def claim(self, sendings: Sequence[Sending]) -> list[Claim]:
        places: dict[int, list[int]] = {}
        for i, sending in enumerate(sendings):
            places.setdefault(claims_of(sending), []).append(i)
        answered = await self._shared(
            sendings, claims_of, lambda _, part: self._commands.claim(part, self._holder)
        )
        told: dict[int, Claim] = {}
        for bucket, replies in answered.items():
            claims = [claim for reply in replies for claim in read_claims(reply)]
            told.update(zip(places[bucket], claims, strict=True))
        return [told[i] for i in range(len(sendings))]

    async def release(self, ended: Sequence[tuple[Sending, bool]]) -> None:
        release = self._commands.release
        await self._shared(
            ended, lambda one: claims_of(one[0]), lambda _, part: release(part, self._holder)
        )

    # The queue itself

    async def now_ms(self) -> int:
        return _ms((await self._asks.ask({0: [NOW]}))[0][0])

    async def is_lost(self) -> bool:
        new = b"%016x" % self._rng.getrandbits(64)
        answered = await self._asks.ask({b: self._commands.epoch(b, new) for b in _ALL})
        # Another process that answers may have lost the newest, and gone on from there.
        found = {b: (answered[b][1] or b"", self._asks.who(b)) for b in _ALL}
        lost = found != self._epochs
        self._epochs = found
        return lost

    async def depth(self) -> Depth:
        depths = self._commands.depths
        answered = await self._asks.ask({b: [depths[b]] for b in _ALL})
        told = [answered[bucket][0] for bucket in _ALL]
        due, urgent, ordinary, silent, taken = (sum(one[i] for one in told) for i in range(5))
        oldest_s = max(int(one[5]) for one in told) / 1000
        return Depth(due, (urgent, ordinary, silent), taken, oldest_s, sum(one[6] for one in told))

    async def close(self) -> None:
        """Let go of every connection."""
        await self._bell.close()
        await self._asks.close()

    async def _shared(
        self,
        items: Sequence[_T],
        bucket_of_one: Callable[[_T], int],
        command: Callable[[int, Sequence[_T]], bytes],
    ) -> dict[int, list[int]]:
        """Each bucket's share of the items in calls of some; what they answered."""
        share: dict[int, list[_T]] = {}
        for item in items:
            share.setdefault(bucket_of_one(item), []).append(item)
        asked = {
            bucket: [
                command(bucket, part[at : at + PER_CALL]) for at in range(0, len(part), PER_CALL)
            ]
            for bucket, part in share.items()
        }
        return await self._asks.ask(asked) if asked else {}


def push_queue_at(
    url: str, cluster: bool, provider: Provider, rng: random.Random, namespace: str = "muster"
) -> RedisPushQueue:
    """A provider's queue on the Redis that MUSTER_REDIS_URL and MUSTER_REDIS_CLUSTER name."""
    keys = PushKeys(provider, namespace)
    return RedisPushQueue(nodes_at(url, cluster, keys.table, rng), keys, rng)


def _ms(time: Sequence[bytes]) -> int:
    return int(time[0]) * 1000 + int(time[1]) // 1000
