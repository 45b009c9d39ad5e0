"""One reader of lanes: follow, look, doubt, come back.

Owns the cursors. In turn it reads what comes after them and, about every second and before reading
on after any break, looks at the lanes to see whether something may have been missed
(muster/doubt.py). Must never tell of a doubt before the new cursor is in place, and must never give
up: whatever Redis does, it tries again.
"""

from __future__ import annotations

import asyncio
import random
import struct
from typing import Final, NamedTuple, NoReturn

from redis.exceptions import ResponseError

from muster.backoff import pause_s
from muster.bus import Listener
from muster.clock import Clock
from muster.doubt import Cause, Observed, Reading, cause_of_doubt
from muster.lane import LaneEntry, unpack
from muster.lanes import LaneTable
from muster.stores.redis import commands
from muster.stores.redis.meters import TailMeters
from muster.stores.redis.nodes import Nodes
from muster.stores.redis.wire import BROKEN, Reply, Wire
from muster.telemetry import get_logger

BLOCK_MS: Final = 500
SILENT_AFTER_S: Final = 0.5
"""Beyond BLOCK_MS: together the second in which a Redis that stopped is noticed."""

LOOK_EVERY_S: Final = 1.0
"""A lane that keeps less than this brings (MUSTER_LANE_MAX_LEN) is doubted at every look."""
ENTRIES_PER_READ: Final = 256
"""Of one lane: a read after a pause may bring so many from each, and holds the loop meanwhile."""

TOGETHER_PACE_S: Final = 0.002
ALONE_PACE_S: Final = 0.005
"""Under load a read waits so long after the one before: fewer, larger reads. A reader of one lane
waits longer, for it has fifteen siblings in the same loop."""

PACE_PER_ENTRY_S: Final = 0.000_1
PACE_MOST_S: Final = 0.008
"""It waits longer the more it brought: at 500 entries/s 2 ms, at 5,000 four, from 8,000 on eight."""

_FIRST_PAUSE_S: Final = 0.02
_MOST_PAUSE_S: Final = 1.0


def after_s(pace_s: float, entries: int) -> float:
    """How long after a read that brought so many entries began the next one may."""
    return min(PACE_MOST_S, pace_s + entries * PACE_PER_ENTRY_S)


class LaneGroup(NamedTuple):
    """The lanes that one command reads, and their keys in the same order."""

    lanes: tuple[int, ...]
    streams: tuple[bytes, ...]
    epochs: tuple[bytes, ...]

    @classmethod
    def of(cls, table: LaneTable, lanes: tuple[int, ...]) -> LaneGroup:
        """These lanes of a table."""
        streams = tuple(table.streams[lane] for lane in lanes)
        return cls(lanes, streams, tuple(table.epochs[lane] for lane in lanes))


class Reader:
    """Follows a group of lanes over one connection."""

    def __init__(
        self,
        group: LaneGroup,
        nodes: Nodes,
        listener: Listener,
        meters: TailMeters,
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self._group = group
        self._nodes = nodes
        self._listener = listener
        self._meters = meters
        self._clock = clock
        self._rng = rng
        self._lanes = frozenset(group.lanes)
        self._index = {stream: i for i, stream in enumerate(group.streams)}
        self._cursors = [b""] * len(group.lanes)
        self._looked = [b""] * len(group.lanes)
        self._sound: list[Observed | None] = [None] * len(group.lanes)
        self._pace_s = TOGETHER_PACE_S if len(nodes.groups) == 1 else ALONE_PACE_S
        self._look_at = self._read_at = float("-inf")
        self._failures = 0
        self._readable = True
        self.ready = asyncio.Event()

    async def run(self) -> NoReturn:
        """Follow until cancelled."""
        while True:
            try:
                await self._nodes.settle()
                wire = self._nodes.wire(self._nodes.node_of(self._group.lanes[0]))
                try:
                    await self._follow(wire)
                finally:
                    await wire.close()
            except BROKEN as error:
                self._broke(error)
            await asyncio.sleep(
                pause_s(self._failures, self._rng, first_s=_FIRST_PAUSE_S, most_s=_MOST_PAUSE_S)
            )

    async def _follow(self, wire: Wire) -> NoReturn:
        await self._look(wire)
        self._came_back()
        while True:
            wait_s = self._read_at - self._clock.monotonic()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            if self._clock.monotonic() >= self._look_at:
                await self._look(wire)
            await self._read(wire)

    async def _look(self, wire: Wire) -> None:
        """Compare the lanes with what they were; where there is doubt, start over at their end."""
        doubted = []
        for i, now in enumerate(await self._observe(wire)):
            before = self._sound[i]
            self._sound[i] = now
            if before is not None:
                read = Reading(
                    commands.entry_id(self._looked[i]), commands.entry_id(self._cursors[i])
                )
                cause = cause_of_doubt(read, before, now)
                if cause is None:
                    self._looked[i] = self._cursors[i]
                    continue
                doubted.append(self._doubted(i, cause))
            self._cursors[i] = self._looked[i] = commands.written(now.last)
        self._look_at = self._clock.monotonic() + LOOK_EVERY_S
        if doubted:
            self._listener.doubt(frozenset(doubted))

    async def _observe(self, wire: Wire) -> list[Observed]:
        asked = commands.look(self._group.streams, self._group.epochs)
        seen = commands.seen(await wire.ask(asked, SILENT_AFTER_S))
        if None in seen:
            await self._create(wire, [i for i, lane in enumerate(seen) if lane is None])
            seen = commands.seen(await wire.ask(asked, SILENT_AFTER_S))
        found = [lane for lane in seen if lane is not None]
        if len(found) < len(seen):
            raise ResponseError("a lane vanished as soon as it was made")
        return found

    async def _create(self, wire: Wire, missing: list[int]) -> None:
        epoch = b"%016x" % self._rng.getrandbits(64)
        streams, epochs = self._group.streams, self._group.epochs
        asked = [commands.create(streams[i], epochs[i], epoch) for i in missing]
        for reply in await wire.ask(asked, SILENT_AFTER_S):
            if isinstance(reply, ResponseError):
                raise reply

    async def _read(self, wire: Wire) -> None:
        started = self._clock.monotonic()
        asked = commands.read(self._group.streams, self._cursors, ENTRIES_PER_READ, BLOCK_MS)
        [reply] = await wire.ask([asked], BLOCK_MS / 1000 + SILENT_AFTER_S)
        if isinstance(reply, ResponseError):
            raise reply
        if reply is None:
            return
        batch, doubted, full = self._taken(reply)
        if full:  # behind: read on at once, but not past a trimming unseen
            self._look_at = started
        else:
            self._read_at = started + after_s(self._pace_s, len(batch))
        if batch:
            self._listener.entries(batch)
        if doubted:
            self._listener.doubt(frozenset(doubted))

    def _taken(self, reply: Reply) -> tuple[list[LaneEntry], list[int], bool]:
        """A read's entries, the lanes that announce a new epoch, and whether there is more."""
        batch: list[LaneEntry] = []
        doubted = []
        full = False
        oldest_ms = self._clock.now_ms()
        for stream, entries in reply:
            i = self._index[stream]
            self._cursors[i] = entries[-1][0]
            full = full or len(entries) >= ENTRIES_PER_READ
            oldest_ms = min(oldest_ms, commands.entry_id(entries[0][0]).ms)
            for _, fields in entries:
                if fields[0] == commands.ENTRY_FIELD:
                    try:
                        batch.append(unpack(fields[1]))
                    except (struct.error, IndexError):
                        self._malformed(i)
                elif fields[0] == commands.EPOCH_FIELD:
                    sound = self._sound[i]
                    if sound is not None and sound.epoch != fields[1]:
                        self._sound[i] = sound._replace(epoch=fields[1])
                        doubted.append(self._doubted(i, Cause.recreated))
                else:
                    self._malformed(i)
        self._meters.read.inc(len(batch))
        self._meters.lag.observe((self._clock.now_ms() - oldest_ms) / 1000)
        return batch, doubted, full

    def _doubted(self, i: int, cause: Cause) -> int:
        lane = self._group.lanes[i]
        self._meters.doubts[cause].inc()
        get_logger().warning("lane_doubted", lane=lane, reason=cause.value)
        return lane

    def _malformed(self, i: int) -> None:
        self._meters.malformed.inc()
        get_logger().error("stream_entry_malformed", lane=self._group.lanes[i])

    def _broke(self, error: Exception) -> None:
        self._failures += 1
        if self._readable:
            self._readable = False
            self._meters.unreadable.inc(len(self._lanes))
            get_logger().warning(
                "lanes_unreadable", lanes=self._group.lanes, error=type(error).__name__
            )
            self._listener.readable(self._lanes, False)

    def _came_back(self) -> None:
        self._failures = 0
        self.ready.set()
        if not self._readable:
            self._readable = True
            self._meters.unreadable.dec(len(self._lanes))
            get_logger().warning("lanes_readable_again", lanes=self._group.lanes)
            self._listener.readable(self._lanes, True)
