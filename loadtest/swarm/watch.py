"""Whether everybody got everything: once, in order, and within the time that is promised.

Owns the judgement, for the sockets of one process. A log is dense, so whoever misses something notices at the next
entry; and what one of them knows to be committed (by an ack, or because it came) all others in that room must have 5 s
later, or it is lost. Pure: the clock is passed in. Must never be told a delivery that did not happen.
"""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple
from uuid import UUID

DELIVERED_WITHIN_S: Final = 5.0
"""The protocol's promise, whatever process dies."""


class Followed:
    """What one socket after another of one person holds. `live_at` is None while there is none."""

    __slots__ = ("_blamed", "at", "live_at")

    def __init__(self) -> None:
        self.at: dict[UUID, int] = {}
        self.live_at: float | None = None
        self._blamed: dict[UUID, int] = {}

    def take(self, room: UUID, from_seq: int, to_seq: int) -> str | None:
        """These seqs came; what is wrong with that, if anything. A room that is not followed is passed over."""
        at = self.at.get(room)
        if at is None:
            return None
        if from_seq <= at:
            return "came twice"
        self.at[room] = to_seq
        missed_to = from_seq - 1
        if missed_to > max(at, self._blamed.get(room, 0)):
            return "one or more before it are lost"
        return None

    def blame(self, room: UUID, seq: int) -> bool:
        """Whether `seq` is missing and nobody was told yet."""
        if seq <= max(self.at[room], self._blamed.get(room, 0)):
            return False
        self._blamed[room] = seq
        return True


class _Promise(NamedTuple):
    by: float
    room: UUID
    seq: int


class Watch:
    """All sockets of one process."""

    def __init__(self) -> None:
        self._followers: dict[UUID, set[Followed]] = {}
        self._top: dict[UUID, int] = {}
        self._promises: deque[_Promise] = deque()

    def follow(self, room: UUID, follower: Followed) -> None:
        """From now on `follower` is to get what is said there."""
        self._followers.setdefault(room, set()).add(follower)

    def leave(self, follower: Followed) -> None:
        """No longer, anywhere."""
        for room in follower.at:
            self._followers.get(room, set()).discard(follower)

    def known(self, room: UUID, seq: int, now: float) -> None:
        """`seq` is committed: somebody was told so."""
        if seq > self._top.get(room, 0):
            self._top[room] = seq
            self._promises.append(_Promise(now + DELIVERED_WITHIN_S, room, seq))

    def expects(self, follower: Followed) -> bool:
        """Whether something is committed that `follower` has not got yet."""
        return any(self._top.get(room, 0) > at for room, at in follower.at.items())

    def overdue(self, now: float) -> list[Followed]:
        """Who has not got what was promised by now, once for each entry. Who is away, or just back, has time."""
        late: list[Followed] = []
        while self._promises and self._promises[0].by <= now:
            promise = self._promises.popleft()
            waits = False
            for follower in self._followers.get(promise.room, ()):
                if follower.live_at is None or follower.at[promise.room] >= promise.seq:
                    continue
                if follower.live_at + DELIVERED_WITHIN_S > now:
                    waits = True
                elif follower.blame(promise.room, promise.seq):
                    late.append(follower)
            if waits:
                self._promises.append(promise._replace(by=now + DELIVERED_WITHIN_S))
        return late
