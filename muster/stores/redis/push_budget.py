"""Allowances of devices in Redis (muster/push_budget.py): one key per device and allowance, gone when it is full again.

Owns their keys and the command (muster/stores/lua/push_draw.lua). Must never decide what to do with a push that has to
wait.
"""

from __future__ import annotations

import random
from binascii import crc32
from collections.abc import Sequence
from hashlib import sha1
from importlib.resources import files
from typing import Final

from hiredis import pack_command

from muster.lanes import LaneTable
from muster.push_budget import Draw
from muster.stores.redis.asking import Asking
from muster.stores.redis.nodes import Nodes, nodes_at

BUCKETS: Final = 16
PER_CALL: Final = 100


class RedisPushBudget:
    """See `muster.push_budget.PushBudget`."""

    def __init__(self, nodes: Nodes, table: LaneTable) -> None:
        """`nodes` are of `table`, whose lanes are the buckets."""
        script = files("muster.stores").joinpath("lua/push_draw.lua").read_bytes()
        self._asks = Asking(nodes, [script])
        self._sha = sha1(script, usedforsecurity=False).hexdigest().encode()
        self._heads = [tag + b":spent:" for tag in table.tags]

    async def draw(self, draws: Sequence[Draw]) -> list[int]:
        places: dict[int, list[int]] = {}
        for i, draw in enumerate(draws):
            places.setdefault(crc32(draw.device.bytes) % BUCKETS, []).append(i)
        asked = {
            bucket: [
                self._command(bucket, [draws[i] for i in share[at : at + PER_CALL]])
                for at in range(0, len(share), PER_CALL)
            ]
            for bucket, share in places.items()
        }
        answered = await self._asks.ask(asked) if asked else {}
        waits: dict[int, int] = {}
        for bucket, replies in answered.items():
            told = [wait for reply in replies for wait in reply]
            waits.update(zip(places[bucket], told, strict=True))
        return [waits[i] for i in range(len(draws))]

    async def close(self) -> None:
        """Let go of every connection."""
        await self._asks.close()

    def _command(self, bucket: int, draws: Sequence[Draw]) -> bytes:
        head = self._heads[bucket]
        keys = [head + draw.allowance.name.encode() + b":" + draw.device.bytes for draw in draws]
        sizes = [size for draw in draws for size in (draw.allowance.burst, draw.allowance.every_ms)]
        packed: bytes = pack_command((b"EVALSHA", self._sha, len(keys), *keys, *sizes))  # type: ignore[arg-type]  # hiredis' stub knows one part
        return packed


def push_budget_at(
    url: str, cluster: bool, rng: random.Random, namespace: str = "muster"
) -> RedisPushBudget:
    """The allowances on the Redis that MUSTER_REDIS_URL and MUSTER_REDIS_CLUSTER name."""
    table = LaneTable(BUCKETS, namespace)
    return RedisPushBudget(nodes_at(url, cluster, table, rng), table)
