"""A listener that keeps all it is told, and lets a test wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from muster.bus import Listener, Tail
from muster.lane import LaneEntry

WITHIN_S = 15.0


class Recorder:
    """muster.bus.Listener."""

    def __init__(self) -> None:
        self.told: list[LaneEntry] = []
        self.doubted: list[frozenset[int]] = []
        self.changes: list[tuple[frozenset[int], bool]] = []
        self.unreadable: set[int] = set()
        self._changed = asyncio.Event()

    def entries(self, batch: list[LaneEntry]) -> None:
        assert batch, "a read that brought nothing is not told"
        self.told += batch
        self._changed.set()

    def doubt(self, lanes: frozenset[int]) -> None:
        assert lanes, "a doubt is about some lanes"
        self.doubted.append(lanes)
        self._changed.set()

    def readable(self, lanes: frozenset[int], yes: bool) -> None:
        self.changes.append((lanes, yes))
        self.unreadable = self.unreadable - lanes if yes else self.unreadable | lanes
        self._changed.set()

    def seqs(self, room: bytes) -> list[int]:
        """The seqs told of a room, in order."""
        return [entry.seq for entry in self.told if entry.room == room]

    @property
    def doubts(self) -> frozenset[int]:
        """Every lane that was ever doubted."""
        return frozenset().union(*self.doubted)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return when something told has made `condition` true."""
        async with asyncio.timeout(WITHIN_S):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def until_at(self, room: bytes, seq: int) -> None:
        """Return when the newest entry told of a room is `seq`."""
        await self.until(lambda: self.seqs(room)[-1:] == [seq])


@asynccontextmanager
async def following(
    make: Callable[[Listener], Tail], recorder: Recorder | None = None
) -> AsyncIterator[Recorder]:
    """A recorder, one's own or a new one, told by a tail that is ready."""
    recorder = recorder or Recorder()
    tail = make(recorder)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(tail.run())
        async with asyncio.timeout(WITHIN_S):
            await tail.ready()
        yield recorder
        running.cancel()
