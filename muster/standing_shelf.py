"""Standings as this process last saw them, so that most fixes cost one call to Redis and not two.

Owns how many are held and for how long. Whatever is judged from here is compared before it is moved: what is held may
be old, and is then found out. Must never be asked where an edge follows from it, or that nothing is judged.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from muster.ids import PersonId, RoomId
from muster.standing import Kept

PEOPLE_MOST: Final = 20_000
KEEP_S: Final = 120.0
"""A standing that another process began is learned of after so long at the latest."""


class StandingShelf:
    """By person."""

    def __init__(self) -> None:
        self._held: OrderedDict[PersonId, tuple[dict[RoomId, Kept], float]] = OrderedDict()

    def of(self, person: PersonId, now: float) -> dict[RoomId, Kept] | None:
        """All that was kept of them; None: nothing is known. Nothing kept is nothing known."""
        held = self._held.get(person)
        if held is None or not held[0] or now - held[1] > KEEP_S:
            return None
        return held[0]

    def put(self, person: PersonId, kept: dict[RoomId, Kept], read_at: float) -> None:
        """As Redis had it then; what was moved since by this process is in it."""
        self._held.pop(person, None)
        self._held[person] = (kept, read_at)
        if len(self._held) > PEOPLE_MOST:
            self._held.popitem(last=False)

    def drop(self, person: PersonId) -> float | None:
        """It is not so any more; when it was read."""
        held = self._held.pop(person, None)
        return None if held is None else held[1]
