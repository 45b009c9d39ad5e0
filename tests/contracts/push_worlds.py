"""The queues of pushes under test: the fake, one Redis, a Redis Cluster.

Owns how time passes for each. Redis' clock cannot be moved, so everything it holds is made older instead.
"""

from __future__ import annotations

import random
from typing import Final, Protocol
from uuid import uuid4

from hiredis import pack_command

from muster.push_device import Provider
from muster.push_queue import PushQueue
from muster.stores.redis.asking import Asking
from muster.stores.redis.nodes import nodes_at
from muster.stores.redis.push_commands import BUCKETS, PushKeys
from muster.stores.redis.push_queue import RedisPushQueue
from muster.stores.redis.wire import Reply
from tests.fakes.push_queue import FakePushQueue, Pushes

_AGE: Final = b"""
local ms = tonumber(ARGV[1])
local function earlier(at) return string.format('%.0f', tonumber(at) - ms) end
local jobs = redis.call('HGETALL', KEYS[1])
for i = 1, #jobs, 2 do
    local where, at = string.match(jobs[i + 1], '^(.*|)(%d+)$')
    if at then redis.call('HSET', KEYS[1], jobs[i], where .. earlier(at)) end
end
for p = 0, 2 do
    local due = redis.call('ZRANGE', KEYS[2 + p], 0, -1, 'WITHSCORES')
    for i = 1, #due, 2 do redis.call('ZADD', KEYS[2 + p], earlier(due[i + 1]), due[i]) end
    local lane = KEYS[5 + p]
    local hands = redis.pcall('XPENDING', lane, 'pushers', '-', '+', 10000) -- an error: nobody has read it yet
    for _, hand in ipairs(hands.err and {} or hands) do
        redis.call('XCLAIM', lane, 'pushers', hand[2], 0, hand[1], 'IDLE', hand[3] + ms, 'JUSTID')
    end
end
for _, key in ipairs(redis.call('KEYS', ARGV[2])) do
    local left, claim = redis.call('PTTL', key) - ms, redis.call('GET', key)
    if left <= 0 then
        redis.call('DEL', key)
    elseif claim == 's' then
        redis.call('SET', key, claim, 'PX', left)
    else
        redis.call('SET', key, string.sub(claim, 1, 9) .. earlier(string.sub(claim, 10)), 'PX', left)
    end
end
"""
_LOSE: Final = (
    b"for _, key in ipairs(redis.call('KEYS', ARGV[1])) do redis.call('DEL', key) end return 1"
)


class World(Protocol):
    """One queue under test, and any number of workers on it."""

    def worker(self) -> PushQueue:
        """Another one's own."""
        ...

    async def lose(self) -> None:
        """All it holds is gone."""
        ...

    async def later(self, seconds: float) -> None:
        """Time passes."""
        ...

    async def close(self) -> None: ...


class FakeWorld:
    def __init__(self) -> None:
        self.pushes = Pushes()

    def worker(self) -> FakePushQueue:
        return FakePushQueue(self.pushes)

    async def lose(self) -> None:
        self.pushes.lose()

    async def later(self, seconds: float) -> None:
        self.pushes.now_ms += int(seconds * 1000)

    async def close(self) -> None: ...


class RedisWorld:
    def __init__(self, url: str, *, cluster: bool) -> None:
        self.keys = PushKeys(Provider.apns, f"test-{uuid4().hex}")
        self._rng = random.Random(1)
        self._where = (url, cluster, self.keys.table, self._rng)
        self._asks = Asking(nodes_at(*self._where), [])
        self._workers: list[RedisPushQueue] = []

    def worker(self) -> RedisPushQueue:
        worker = RedisPushQueue(nodes_at(*self._where), self.keys, self._rng)
        self._workers.append(worker)
        return worker

    async def lose(self) -> None:
        await self._on_every_bucket(lambda head, _: (b"EVAL", _LOSE, b"0", head + b"*"))

    async def later(self, seconds: float) -> None:
        ms = b"%d" % (seconds * 1000)
        await self._on_every_bucket(
            lambda head, keys: (b"EVAL", _AGE, b"9", *keys, ms, head + b"claim:*")
        )
        for worker in self._workers:
            worker._looked_at = float("-inf")

    async def ask(self, bucket: int, *words: bytes) -> Reply:
        """One command on one bucket."""
        return (await self._asks.ask({bucket: [pack_command(words)]}))[bucket][0]  # type: ignore[arg-type]  # hiredis' stub knows one part

    async def close(self) -> None:
        await self.lose()
        for worker in self._workers:
            await worker.close()
        await self._asks.close()

    async def _on_every_bucket(self, command: Command) -> None:
        asked = {}
        for bucket in range(BUCKETS):
            keys = self.keys.buckets[bucket]
            words = command(keys[0].removesuffix(b"jobs"), keys)
            asked[bucket] = [pack_command(words)]  # type: ignore[arg-type]  # hiredis' stub knows one part
        await self._asks.ask(asked)


class Command(Protocol):
    def __call__(self, head: bytes, keys: tuple[bytes, ...]) -> tuple[bytes, ...]: ...
