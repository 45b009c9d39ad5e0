"""A bus in memory that can lose, repeat and shuffle on purpose, by a seed.

Passes tests/contracts/test_bus.py, as the ones over Redis do. With faults on, it stays within what
muster/bus.py allows: a lost entry is followed by a doubt about its lane.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass

from muster.bus import Listener, Unpublished
from muster.lane import LaneEntry
from muster.lanes import LaneTable


@dataclass(frozen=True, slots=True)
class Faults:
    """Chances, each per entry and tail."""

    lose: float = 0.0
    repeat: float = 0.0
    shuffle: float = 0.0


class FakeBus:
    """muster.bus.Publisher, and the maker of tails."""

    def __init__(self, lanes: int = 16, seed: int = 0, faults: Faults | None = None) -> None:
        self.table = LaneTable(lanes)
        self._rng = random.Random(seed)
        self._faults = faults or Faults()
        self._tails: list[FakeTail] = []
        self._away: set[int] = set()
        self.published: list[LaneEntry] = []

    def tail(self, listener: Listener) -> FakeTail:
        """A tail; it follows from when it first runs."""
        return FakeTail(self, listener)

    async def publish(self, entries: Sequence[LaneEntry]) -> None:
        await asyncio.sleep(0)
        for entry in entries:
            lane = self.table.lane_of(entry.room)
            if lane in self._away:
                raise Unpublished("this lane takes nothing")
            self.published.append(entry)
            for tail in self._tails:
                self._carry(tail, lane, entry)

    def lose(self, lanes: frozenset[int] | None = None) -> None:
        """What these lanes hold and nobody has read is gone."""
        gone = frozenset(range(self.table.lanes)) if lanes is None else lanes
        for tail in self._tails:
            tail.forget(gone)

    def go_away(self, lanes: frozenset[int]) -> None:
        """These lanes can be neither read nor written."""
        self._away |= lanes
        for tail in self._tails:
            tail.unreadable(lanes)

    def come_back(self, lanes: frozenset[int]) -> None:
        """They can be again, and have lost everything."""
        self._away -= lanes
        for tail in self._tails:
            tail.forget(lanes)
            tail.readable(lanes)

    def attach(self, tail: FakeTail) -> None:
        """The tail runs."""
        self._tails.append(tail)

    def detach(self, tail: FakeTail) -> None:
        """The tail has ended."""
        self._tails.remove(tail)

    def _carry(self, tail: FakeTail, lane: int, entry: LaneEntry) -> None:
        if self._rng.random() < self._faults.lose:
            tail.forget(frozenset({lane}), keep=True)
            return
        tail.add(entry, early=self._rng.random() < self._faults.shuffle)
        if self._rng.random() < self._faults.repeat:
            tail.add(entry, early=False)


class FakeTail:
    """muster.bus.Tail over a FakeBus."""

    def __init__(self, bus: FakeBus, listener: Listener) -> None:
        self._bus = bus
        self._listener = listener
        self._waiting: list[LaneEntry] = []
        self._doubted: frozenset[int] = frozenset()
        self._changes: list[tuple[frozenset[int], bool]] = []
        self._woken = asyncio.Event()
        self._ready = asyncio.Event()

    async def run(self) -> None:
        self._bus.attach(self)
        self._ready.set()
        try:
            while True:
                await self._woken.wait()
                self._woken.clear()
                self._tell()
        finally:
            self._bus.detach(self)

    async def ready(self) -> None:
        await self._ready.wait()

    def add(self, entry: LaneEntry, *, early: bool) -> None:
        """One entry arrives, or overtakes the one before."""
        self._waiting.insert(len(self._waiting) - (1 if early and self._waiting else 0), entry)
        self._woken.set()

    def forget(self, lanes: frozenset[int], *, keep: bool = False) -> None:
        """Something of these lanes is lost: what waits, or (keep) something else."""
        if not keep:
            lane_of = self._bus.table.lane_of
            self._waiting = [e for e in self._waiting if lane_of(e.room) not in lanes]
        self._doubted |= lanes
        self._woken.set()

    def unreadable(self, lanes: frozenset[int]) -> None:
        """Nothing comes from these lanes for a while."""
        self._changes.append((lanes, False))
        self._woken.set()

    def readable(self, lanes: frozenset[int]) -> None:
        """It does again."""
        self._changes.append((lanes, True))
        self._woken.set()

    def _tell(self) -> None:
        batch, self._waiting = self._waiting, []
        doubted, self._doubted = self._doubted, frozenset()
        changes, self._changes = self._changes, []
        if batch:
            self._listener.entries(batch)
        if doubted:
            self._listener.doubt(doubted)
        for lanes, yes in changes:
            self._listener.readable(lanes, yes)
