"""Lanes cut by age: what is older than ten minutes is of no use to any reader.

Owns when lanes are cut by age; by length every XADD cuts them. Any number of processes may do it.
The newest entry stays, whatever its age: of a lane cut to nothing a reader could not say that it
had read all. Must never be needed for correctness: a reader that comes too late sees that it does
(doubt.py).
"""

from __future__ import annotations

import asyncio
import random
from typing import Final, NoReturn

from redis.exceptions import ResponseError

from muster.doubt import EntryId
from muster.lanes import LaneTable
from muster.stores.redis import commands
from muster.stores.redis.nodes import Nodes
from muster.stores.redis.wire import BROKEN, Address
from muster.telemetry import get_logger

EVERY_S: Final = 30.0
_WITHIN_S: Final = 2.0


class LaneTrimmer:
    """Cuts all lanes every half minute or so."""

    def __init__(self, nodes: Nodes, table: LaneTable, max_age_s: int, rng: random.Random) -> None:
        self._nodes = nodes
        self._table = table
        self._max_age_ms = max_age_s * 1000
        self._rng = rng

    async def run(self) -> NoReturn:
        """Cut until cancelled; a Redis that is away is asked again next time."""
        while True:
            await asyncio.sleep(EVERY_S * (0.5 + self._rng.random()))
            try:
                await self.trim()
            except BROKEN as error:
                get_logger().warning("lanes_not_trimmed", error=type(error).__name__)

    async def trim(self) -> None:
        """Cut every lane once. Raises one of wire.BROKEN."""
        await self._nodes.settle()
        shares: dict[Address, list[bytes]] = {}
        for lane, stream in enumerate(self._table.streams):
            shares.setdefault(self._nodes.node_of(lane), []).append(stream)
        for address, streams in shares.items():
            await self._trim(address, streams)

    async def _trim(self, address: Address, streams: list[bytes]) -> None:
        wire = self._nodes.wire(address)
        try:
            # By the clock that made the ids.
            [time] = await wire.ask([commands.TIME], _WITHIN_S)
            if isinstance(time, ResponseError):
                raise time
            oldest = EntryId(int(time[0]) * 1000 - self._max_age_ms, 0)
            asked = []
            newest = await wire.ask([commands.newest(stream) for stream in streams], _WITHIN_S)
            for stream, reply in zip(streams, newest, strict=True):
                if isinstance(reply, ResponseError):
                    raise reply
                if reply:
                    asked.append(commands.trim(stream, min(oldest, commands.entry_id(reply[0][0]))))
            for reply in await wire.ask(asked, _WITHIN_S):
                if isinstance(reply, ResponseError):
                    raise reply
        finally:
            await wire.close()
