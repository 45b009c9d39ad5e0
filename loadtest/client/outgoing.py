"""What waits to be committed: per room, in the order it was written.

Owns the retry rules of docs/protocol.md: the same client id until there is an answer that is not
temporary; after a temporary one, later submissions to that room wait until the first is answered.
Must never send or sleep itself.
"""

from __future__ import annotations

from collections import deque
from uuid import UUID

from proto.frames import Submission


class _Pending:
    __slots__ = ("in_flight", "submission", "unsure")

    def __init__(self, submission: Submission) -> None:
        self.submission = submission
        self.in_flight = False
        self.unsure = False


class _Queue:
    def __init__(self) -> None:
        self.pending: deque[_Pending] = deque()
        self.paused = False

    def due(self) -> list[_Pending]:
        if self.paused:
            return []
        first_unsure = next((item for item in self.pending if item.unsure), None)
        candidates = self.pending if first_unsure is None else (first_unsure,)
        return [item for item in candidates if not item.in_flight]

    def find(self, client_id: str) -> _Pending | None:
        return next((item for item in self.pending if item.submission.client_id == client_id), None)


class Outgoing:
    """The submissions of one device that have no final answer yet."""

    def __init__(self) -> None:
        self._rooms: dict[UUID, _Queue] = {}

    def __len__(self) -> int:
        return sum(len(queue.pending) for queue in self._rooms.values())

    def add(self, submission: Submission) -> None:
        """Put one more behind everything that waits for its room."""
        self._rooms.setdefault(submission.room, _Queue()).pending.append(_Pending(submission))

    def due(self) -> list[Submission]:
        """What is to be sent now, in order; it counts as in flight from here on."""
        due = [item for queue in self._rooms.values() for item in queue.due()]
        for item in due:
            item.in_flight = True
        return [item.submission for item in due]

    def settled(self, room: UUID, client_id: str) -> None:
        """It was committed, or refused for good: either way it no longer waits."""
        queue = self._rooms.get(room)
        item = queue and queue.find(client_id)
        if queue and item:
            queue.pending.remove(item)
            if not queue.pending:
                del self._rooms[room]

    def unsure(self, room: UUID, client_id: str) -> None:
        """The answer was temporary: hold the room until `again`, then repeat this one first."""
        queue = self._rooms.get(room)
        item = queue and queue.find(client_id)
        if queue and item:
            item.in_flight = False
            item.unsure = True
            queue.paused = True

    def again(self, room: UUID) -> None:
        """The pause after a temporary answer is over."""
        queue = self._rooms.get(room)
        if queue:
            queue.paused = False

    def disconnected(self) -> None:
        """The socket is gone: everything is sent again, in order, on the next one."""
        for queue in self._rooms.values():
            queue.paused = False
            for item in queue.pending:
                item.in_flight = False
                item.unsure = False
