"""Tolls and attempts in Redis (muster/tolls.py, muster/attempts.py): a node's calls in one pipeline, each of one slot.

Owns the keys and what replies mean. In a key stands a digest, no address and no handle; each goes by itself when its
bucket is full, or its failures are forgotten. Must never decide what to do when Redis is away: `Unreachable`, soon.
"""

from __future__ import annotations

import random
from binascii import crc32
from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha1
from importlib.resources import files
from typing import Final, NamedTuple

from hiredis import pack_command

from muster.attempts import Ask, Count, Verdict
from muster.deadline import Deadline
from muster.lanes import LaneTable
from muster.roll import Unreachable as NodeUnreachable
from muster.stores.redis.asking import Asking
from muster.stores.redis.commands import TIME
from muster.stores.redis.nodes import Nodes, nodes_at
from muster.stores.redis.wire import Reply
from muster.tolls import Grant, Unreachable, Want

BUCKETS: Final = 64
WITHIN_S: Final = 0.3
"""A request waits for this: then it is decided without."""

PER_CALL: Final = 200
"""Keys of one call: Redis does nothing else meanwhile."""

_US: Final = 1_000_000


class Script(NamedTuple):
    """A Lua script and the name Redis has for it."""

    body: bytes
    sha: bytes


@cache
def scripts() -> tuple[Script, Script]:
    """Of taking and of attempts; read once."""
    bodies = [
        files("muster.stores").joinpath(f"lua/{name}.lua").read_bytes()
        for name in ("toll_take", "attempt")
    ]
    names = (
        sha1(body, usedforsecurity=False).hexdigest().encode() for body in bodies
    )  # Redis' own
    take, attempt = (Script(*each) for each in zip(bodies, names, strict=True))
    return take, attempt


def _pack(*parts: bytes | int) -> bytes:
    packed: bytes = pack_command(parts)  # type: ignore[arg-type]  # hiredis' stub knows one part
    return packed


class RedisTolls:
    """See `muster.tolls.SharedTolls` and `muster.attempts.SharedAttempts`."""

    def __init__(self, nodes: Nodes, table: LaneTable, within_s: float) -> None:
        """`nodes` are of `table`."""
        self._within_s = within_s
        self._tags = table.tags
        self._asking = Asking(nodes, [script.body for script in scripts()])

    async def take(self, wants: Sequence[Want]) -> list[Grant]:
        shares: dict[int, list[int]] = {}
        keys = []
        for i, want in enumerate(wants):
            digest = want.charge.digest
            slot = crc32(digest) % BUCKETS
            shares.setdefault(slot, []).append(i)
            keys.append(self._tags[slot] + b":toll:" + digest)
        asked = {
            slot: [
                _take([keys[i] for i in part], [wants[i] for i in part]) for part in _parts(share)
            ]
            for slot, share in shares.items()
        }
        answered = await self._ask(asked)
        grants: dict[int, Grant] = {}
        for slot, replies in answered.items():
            for part, reply in zip(_parts(shares[slot]), replies, strict=True):
                for i, said in zip(part, reply, strict=True):
                    tokens, left, wait_us = map(float, said.split())
                    grants[i] = Grant(tokens, left, wait_us / _US)
        return [grants[i] for i in range(len(wants))]

    async def attempt(self, asks: Sequence[Ask]) -> list[Verdict]:
        return [_verdict(reply) for reply in await self._attempts(asks, b"begin")]

    async def settle(self, asks: Sequence[Ask], count: Count) -> None:
        await self._attempts(asks, count.value.encode())

    async def know(self, digest: bytes, life_s: float) -> None:
        life_ms = round(life_s * 1_000)
        await self._of_known(digest, (b"SET", b"", b"PX", b"%d" % life_ms))

    async def knows(self, digest: bytes) -> bool:
        found: int = await self._of_known(digest, (b"EXISTS",))
        return found == 1

    async def ping(self) -> None:
        await self._ask({slot: [TIME] for slot in range(BUCKETS)})

    async def close(self) -> None:
        """Let go of every wire."""
        await self._asking.close()

    async def _of_known(self, digest: bytes, command: tuple[bytes, ...]) -> Reply:
        slot = crc32(digest) % BUCKETS
        key = self._tags[slot] + b":known:" + digest
        answered = await self._ask({slot: [_pack(command[0], key, *command[1:])]})
        return answered[slot][0]

    async def _attempts(self, asks: Sequence[Ask], word: bytes) -> list[Reply]:
        slots = [crc32(ask.digest) % BUCKETS for ask in asks]
        asked: dict[int, list[bytes]] = {}
        for slot, ask in zip(slots, asks, strict=True):
            key, bound = self._tags[slot] + b":attempts:" + ask.digest, ask.bound
            times = [round(s * 1000) for s in (bound.first_s, bound.most_s, bound.forget_s)]
            script = scripts()[1].sha
            asked.setdefault(slot, []).append(
                _pack(b"EVALSHA", script, 1, key, word, bound.free, *times)
            )
        answered = await self._ask(asked)
        waiting = {slot: iter(replies) for slot, replies in answered.items()}
        return [next(waiting[slot]) for slot in slots]

    async def _ask(self, asked: Mapping[int, Sequence[bytes]]) -> dict[int, list[Reply]]:
        try:
            async with Deadline(self._within_s):
                return await self._asking.ask(asked)
        except (NodeUnreachable, TimeoutError) as broken:
            raise Unreachable from broken


def tolls_at(
    url: str,
    cluster: bool,
    rng: random.Random,
    namespace: str = "muster",
    within_s: float = WITHIN_S,
) -> RedisTolls:
    """Tolls on the Redis that MUSTER_REDIS_URL and MUSTER_REDIS_CLUSTER name."""
    table = LaneTable(BUCKETS, namespace)
    return RedisTolls(nodes_at(url, cluster, table, rng), table, within_s)


def _take(keys: Sequence[bytes], wants: Sequence[Want]) -> bytes:
    args: list[bytes] = []
    for want in wants:
        per_s, burst = want.charge.quota.rate
        args += [b"%f" % (_US / per_s), b"%f" % burst, b"%f" % want.least, b"%f" % want.wanted]
    return _pack(b"EVALSHA", scripts()[0].sha, len(keys), *keys, *args)


def _verdict(reply: Reply) -> Verdict:
    failures, wait_ms = map(int, reply.split())
    return Verdict(failures, wait_ms / 1000)


def _parts(items: Sequence[int]) -> list[Sequence[int]]:
    return [items[at : at + PER_CALL] for at in range(0, len(items), PER_CALL)]
