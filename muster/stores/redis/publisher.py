"""The publisher over Redis: XADDs of one call in one pipeline per node, in order.

Owns the connections it publishes on, one per node, each used by one call at a time. A stream that
is gone is made anew under a new epoch. Must never keep entries after a call has ended: what was
not published stays in its lease.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Final, NamedTuple

from redis.exceptions import RedisError, ResponseError

from muster.backoff import pause_s
from muster.bus import Unpublished
from muster.deadline import Deadline
from muster.lane import LaneEntry, pack
from muster.lanes import LaneTable
from muster.stores.redis import commands
from muster.stores.redis.meters import PublisherMeters
from muster.stores.redis.nodes import Nodes
from muster.stores.redis.wire import BROKEN, Address, Wire
from muster.telemetry import get_logger

PUBLISH_WITHIN_S: Final = 1.0
"""Well under a lease's 2 s: who gives up does so before somebody else takes over."""

_FIRST_PAUSE_S: Final = 0.01
_MOST_PAUSE_S: Final = 0.2


class _Add(NamedTuple):
    lane: int
    command: bytes


class _Link:
    """A wire to a node, and whose turn it is on it."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.turn = asyncio.Lock()


class RedisPublisher:
    """muster.bus.Publisher; calls of one process queue up per node, first come first served."""

    def __init__(
        self,
        nodes: Nodes,
        table: LaneTable,
        meters: PublisherMeters,
        max_len: int,
        rng: random.Random,
    ) -> None:
        self._nodes = nodes
        self._table = table
        self._meters = meters
        self._max_len = max_len
        self._rng = rng
        self._links: dict[Address, _Link] = {}
        self._taking = True

    async def publish(self, entries: Sequence[LaneEntry]) -> None:
        """Put all on their lanes, or raise `Unpublished` after a second."""
        adds = [self._add(entry) for entry in entries]
        try:
            async with Deadline(PUBLISH_WITHIN_S):
                await self._until_all_in(adds)
        except TimeoutError:
            self._meters.unpublished.inc(len(adds))
            self._say(taking=False)
            raise Unpublished("the bus did not take every entry in time") from None
        self._meters.published.inc(len(adds))
        self._say(taking=True)

    async def close(self) -> None:
        """Let go of every connection."""
        for link in self._links.values():
            await link.wire.close()
        self._links.clear()

    def _add(self, entry: LaneEntry) -> _Add:
        lane = self._table.lane_of(entry.room)
        return _Add(lane, commands.add(self._table.streams[lane], self._max_len, pack(entry)))

    async def _until_all_in(self, adds: list[_Add]) -> None:
        failures = 0
        while adds:
            if failures:
                await asyncio.sleep(
                    pause_s(failures, self._rng, first_s=_FIRST_PAUSE_S, most_s=_MOST_PAUSE_S)
                )
            failures += 1
            try:
                shares = self._shares(adds)
            except RedisError:  # the map of the cluster is not known yet
                await self._settle()
                continue
            if len(shares) == 1:
                [(address, share)] = shares.items()
                adds = await self._send(address, share)
            else:
                async with asyncio.TaskGroup() as group:
                    sends = [group.create_task(self._send(*each)) for each in shares.items()]
                adds = [add for send in sends for add in send.result()]
            if adds:
                await self._settle()

    def _shares(self, adds: list[_Add]) -> dict[Address, list[_Add]]:
        shares: dict[Address, list[_Add]] = {}
        for add in adds:
            shares.setdefault(self._nodes.node_of(add.lane), []).append(add)
        return shares

    async def _settle(self) -> None:
        try:
            await self._nodes.settle()
        except BROKEN:
            return  # the next try finds out
        for address in self._links.keys() - set(map(self._nodes.node_of, range(self._table.lanes))):
            if not self._links[address].turn.locked():
                await self._links.pop(address).wire.close()

    async def _send(self, address: Address, adds: list[_Add]) -> list[_Add]:
        """Add to one node; what is not surely in comes back, to be added again."""
        link = self._links.get(address)
        if link is None:
            link = self._links[address] = _Link(self._nodes.wire(address))
        async with link.turn:
            try:
                refused, homeless = await self._pipeline(link.wire, adds)
                if homeless:
                    await self._create(link.wire, {add.lane for add in homeless})
                    # Still our turn: nobody's later entries get in before these.
                    again, homeless = await self._pipeline(link.wire, homeless)
                    refused += again
            except BROKEN:
                return adds
            if refused:  # MOVED, READONLY ...: perhaps this is no longer the node it was
                await link.wire.close()
            return refused + homeless

    async def _pipeline(self, wire: Wire, adds: list[_Add]) -> tuple[list[_Add], list[_Add]]:
        """The adds that were refused, and those whose stream is gone."""
        replies = await wire.ask([add.command for add in adds], PUBLISH_WITHIN_S)
        refused: list[_Add] = []
        homeless: list[_Add] = []
        for add, reply in zip(adds, replies, strict=True):
            if reply is None:
                homeless.append(add)
            elif isinstance(reply, ResponseError):
                refused.append(add)
        return refused, homeless

    async def _create(self, wire: Wire, lanes: set[int]) -> None:
        epoch = b"%016x" % self._rng.getrandbits(64)
        streams, epochs = self._table.streams, self._table.epochs
        asked = [commands.create(streams[lane], epochs[lane], epoch) for lane in sorted(lanes)]
        for reply in await wire.ask(asked, PUBLISH_WITHIN_S):
            if isinstance(reply, ResponseError):
                raise reply
        self._meters.created.inc(len(lanes))
        get_logger().warning("lanes_created", lanes=sorted(lanes))

    def _say(self, *, taking: bool) -> None:
        if taking != self._taking:
            self._taking = taking
            get_logger().warning("bus_takes_entries_again" if taking else "bus_takes_no_entries")
