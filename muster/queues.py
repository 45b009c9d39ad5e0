"""Ops waiting to be committed: one queue per room, first in first out.

Owns the rules of who goes next: a room has at most one batch in flight; in one batch a room has either messages
or changes, never both (commit_batch_v4 commits messages as a set); a sender's ops keep their order; no room
waits for another's length. Pure: no clock, no tasks.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Generic, Protocol, TypeVar

from muster.ids import RoomId
from muster.op import Op


class Waiting(Protocol):
    """Something that carries an op; the writer's own bookkeeping hangs on it."""

    @property
    def op(self) -> Op: ...


W = TypeVar("W", bound=Waiting)


class RoomQueues(Generic[W]):
    """The ops of many rooms, taken in batches."""

    def __init__(self, per_room: int) -> None:
        """`per_room`: how many ops of one room fit into one batch."""
        self._per_room = per_room
        self._queues: dict[RoomId, deque[W]] = {}
        self._ready: OrderedDict[RoomId, None] = OrderedDict()
        self._in_flight: set[RoomId] = set()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def ready(self) -> bool:
        """Whether `take` would return anything."""
        return bool(self._ready)

    def waiting(self, room: RoomId) -> int:
        """How many ops of this room are waiting (in flight not counted)."""
        queue = self._queues.get(room)
        return len(queue) if queue else 0

    def add(self, waiting: W) -> None:
        """Put an op at the end of its room's queue."""
        room = waiting.op.room
        self._queues.setdefault(room, deque()).append(waiting)
        self._count += 1
        if room not in self._in_flight:
            self._ready[room] = None

    def take(self, limit: int) -> list[W]:
        """Up to `limit` ops of rooms with nothing in flight; their rooms are in flight until `done`."""
        batch: list[W] = []
        while self._ready and len(batch) < limit:
            room, _ = self._ready.popitem(last=False)
            self._in_flight.add(room)
            queue = self._queues[room]
            messages = queue[0].op.kind == "post"
            room_limit = min(self._per_room, limit - len(batch))
            taken = 0
            while queue and taken < room_limit and (queue[0].op.kind == "post") == messages:
                batch.append(queue.popleft())
                taken += 1
            self._count -= taken
            if not queue:
                del self._queues[room]
        return batch

    def done(self, room: RoomId) -> None:
        """The room's batch has ended, one way or another."""
        self._in_flight.discard(room)
        if room in self._queues:
            self._ready[room] = None

    def evict(self, room: RoomId) -> list[W]:
        """Take out everything of a room with nothing in flight, to be added elsewhere."""
        queue = self._queues.pop(room, None)
        self._ready.pop(room, None)
        if not queue:
            return []
        self._count -= len(queue)
        return list(queue)
