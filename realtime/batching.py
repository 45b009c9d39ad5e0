"""Rooms that deliver often: what comes to one of them within a few milliseconds leaves together.

    quiet   every entry is delivered as it comes
    busy    above a rate the next entry opens a window; what has come when it ends is delivered as one push

Owns which room is busy and when its window ends. Entries that wait have not been taken in: to the rest of the hub they
come from the lanes so much later. Must never delay a room below the rate, nor any entry for longer than the window.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

from muster.clock import Clock
from muster.lane import LaneEntry
from realtime.room import LocalRoom

BURST: Final = 10
"""So many entries at once make no busy room: people laugh in chorus."""

Arrive = Callable[[LocalRoom, list[LaneEntry]], None]
Later = Callable[[float, Callable[[], None]], object]


class Pace(NamedTuple):
    """From which rate of entries per second a room is busy, and how long its windows are; 0: there are none."""

    from_per_s: float = 50.0
    window_s: float = 0.010


DEFAULT_PACE: Final = Pace()
"""What MUSTER_BATCH_FROM_PER_S and MUSTER_BATCH_WINDOW_MS are by themselves."""


class Batching:
    """The open windows of a hub; all are of one length, so they end in the order in which they were opened."""

    def __init__(self, pace: Pace, clock: Clock, later: Later, arrive: Arrive) -> None:
        """`later` is the loop's call_later; `arrive` takes what waited, in the order it came."""
        self._pace = pace
        self._clock = clock
        self._later = later
        self._arrive = arrive
        self._open: deque[tuple[float, LocalRoom]] = deque()
        self.opened = 0

    def now(self) -> float:
        """The time that `waits` is to be told."""
        return self._clock.monotonic()

    def waits(self, room: LocalRoom, entry: LaneEntry, now: float) -> bool:
        """Whether this entry was put into the room's window, and comes back with all others of it."""
        per_s, window_s = self._pace
        if not window_s:
            return False
        # A bucket that never owes more than one entry: a room is quiet again BURST / per_s after it fell silent.
        spent = max(room.spent_until, now) + 1 / per_s
        room.spent_until = min(spent, now + (BURST + 1) / per_s)
        if room.waiting is not None:
            room.waiting.append(entry)
            return True
        if spent - now <= BURST / per_s:
            return False
        room.waiting = [entry]
        self.opened += 1
        self._open.append((now + window_s, room))
        if len(self._open) == 1:
            self._later(window_s, self._end)
        return True

    def _end(self) -> None:
        """Deliver what waited in windows that are over."""
        now = self.now()
        # A timer may come a little early: what is due within a tenth of the window is due.
        while self._open and self._open[0][0] <= now + self._pace.window_s / 10:
            _, room = self._open.popleft()
            waited, room.waiting = room.waiting, None
            if waited:
                self._arrive(room, waited)
        if self._open:
            self._later(max(0.0, self._open[0][0] - now), self._end)
