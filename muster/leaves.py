"""People's leave, remembered for a while: what each lets be judged (muster/venue.py).

Owns how long it is believed: until somebody says that it has changed, or KEEP_S. Must never answer from a reading that
began before such word came.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Final

from muster.attendance import Sharing
from muster.clock import Clock
from muster.ids import PersonId
from muster.venue import Leave, Venue, VenueStore, Visibility

KEEP_S: Final = 30.0
PEOPLE_MOST: Final = 50_000
READ_MOST: Final = 500
"""People in one reading; whoever asks while one is under way shares the next."""


def lets(leave: Leave, venue: Venue) -> bool:
    """Whether somebody's place may be judged for this event."""
    sharing = leave.by_event.get(venue.room)
    if sharing is None:
        return venue.visibility is Visibility.public and leave.otherwise is not Sharing.off
    return sharing is not Sharing.off


class Leaves:
    """One process's knowledge."""

    def __init__(self, store: VenueStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._known: OrderedDict[PersonId, tuple[Leave, float]] = OrderedDict()
        self._asked: dict[PersonId, None] = {}
        self._changed: set[PersonId] = set()
        self._turn = asyncio.Lock()

    async def of(self, person: PersonId) -> Leave:
        """What they let be judged. Raises `Refused`: `unavailable`."""
        while (known := self._fresh(person)) is None:
            self._asked[person] = None
            await self._read(person)
        return known

    def _fresh(self, person: PersonId) -> Leave | None:
        known = self._known.get(person)
        is_old = known is None or self._clock.monotonic() - known[1] > KEEP_S
        return None if known is None or is_old else known[0]

    def drop(self, person: PersonId) -> None:
        """It may have changed."""
        self._known.pop(person, None)
        self._changed.add(person)

    async def _read(self, person: PersonId) -> None:
        async with self._turn:
            if self._fresh(person) is not None:  # whoever had the turn read it along
                return
            people = list(self._asked)[:READ_MOST]
            if person not in people:
                people = [*people[: READ_MOST - 1], person]
            for one in people:
                self._asked.pop(one, None)
            self._changed.clear()
            now = self._clock.monotonic()
            found = await self._store.leave(people)
            for one, leave in found.items():
                if one not in self._changed:
                    self._known.pop(one, None)
                    self._known[one] = (leave, now)
            while len(self._known) > PEOPLE_MOST:
                self._known.popitem(last=False)
