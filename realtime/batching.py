"""Rooms that deliver often: what comes to one of them within a few milliseconds leaves together.

    quiet   every entry is delivered as it comes
    busy    above a rate an entry waits for the end of the window; what has come by then is delivered as one push

The window is one for all busy rooms of the hub, opened by the first entry that has to wait: so a socket in several of
them is written to once. Writing to a large room takes as long as a window, and what comes meanwhile waits as well: so
its window is shorter by that, down to a half. Owns which room is busy and when the window ends. Entries that wait have
not been taken in: to the rest of the hub they come from the lanes so much later. Must never delay a room below the
rate, nor any entry for longer than the window.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from muster.clock import Clock
from muster.lane import LaneEntry
from realtime.room import LocalRoom

BURST: Final = 10
"""So many entries at once make no busy room: people laugh in chorus."""

WRITE_S: Final = 9e-6
"""What one write costs a hub, most of it the kernel's."""

Arrive = Callable[[LocalRoom, list[LaneEntry]], None]
Later = Callable[[float, Callable[[], None]], object]


class Pace(NamedTuple):
    """From which rate of entries per second a room is busy, and how long a window is; 0: there is none.

    `run_bytes`: about as much is joined to one push. A small part of a socket's bound: between two pushes it is seen
    whether the socket takes more, and one that is well must not go over its bound by a single one.
    """

    from_per_s: float = 30.0
    window_s: float = 0.010
    run_bytes: int = 16_384


DEFAULT_PACE: Final = Pace()
"""What MUSTER_BATCH_FROM_PER_S and MUSTER_BATCH_WINDOW_MS are by themselves."""


class Batching:
    """The rooms of a hub with entries that wait."""

    def __init__(self, pace: Pace, clock: Clock, later: Later, arrive: Arrive) -> None:
        """`later` is the loop's call_later; `arrive` takes what waited, in the order it came."""
        self._pace = pace
        self._clock = clock
        self._later = later
        self._arrive = arrive
        self._open: list[LocalRoom] = []

    @property
    def run_bytes(self) -> int:
        """See `Pace`."""
        return self._pace.run_bytes

    def now(self) -> float:
        """The time that `waits` is to be told."""
        return self._clock.monotonic()

    def waits(self, room: LocalRoom, entry: LaneEntry, now: float) -> bool:
        """Whether this entry waits, and comes back by `arrive` with all others of its room that do."""
        per_s, window_s, _ = self._pace
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
        self._open.append(room)
        if len(self._open) == 1:
            self._later(max(window_s / 2, window_s - WRITE_S * len(room.live)), self._end)
        return True

    def _end(self) -> None:
        """Deliver what waited."""
        ended, self._open = self._open, []
        waited = [room.waiting or [] for room in ended]
        for room in ended:  # before anything can go wrong with one of them
            room.waiting = None
        for room, entries in zip(ended, waited, strict=True):
            self._arrive(room, entries)
