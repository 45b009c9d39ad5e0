"""The bus: how an entry that is committed reaches every hub, soon but without any promise.

    Publisher   writer, re-publisher, hub (ephemera)  ->  lanes
    Tail        lanes  ->  Listener (hub, push worker)

What may go wrong, and who makes up for it:

- An entry may arrive twice (an answer was lost and the publisher tried again; a lease was taken
  over from a writer that had published after all). Listeners drop a seq they have.
- Entries of one room may arrive out of order (two publishers). Listeners hold a hole for a short
  time, then fill it from Postgres.
- An entry may never arrive: Redis lost it, or trimmed it before a slow reader came by. The tail
  says so by `doubt` within a second or two whenever it could have happened, also when no later
  entry of that room ever comes; it may say so when nothing was lost. Listeners compare heads.
- An entry whose `publish` raised may arrive or not. Its lease stays, and the entry is published
  again (muster/republish.py).
- Ephemera (seq 0) are never made up for.

Owns these contracts alone. It never knows what carries the bus: stores/redis does, and
tests/fakes/bus.py, and both pass tests/contracts/test_bus.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from muster.lane import LaneEntry


class Unpublished(Exception):
    """Not every entry is surely on its lane; some may be. Nothing that was committed is lost."""


class Publisher(Protocol):
    """Puts entries on the lanes of their rooms."""

    async def publish(self, entries: Sequence[LaneEntry]) -> None:
        """Return when all are on their lanes, those of one room in the order given.

        Raises `Unpublished` after a second at the latest. Calls may overlap; for the order of a
        room the caller waits for one call before the next. A cancelled call leaves the outcome
        of its own entries unknown and touches nobody else's.
        """
        ...


class Listener(Protocol):
    """What a tail tells. Called in the loop; must not block."""

    def entries(self, batch: list[LaneEntry]) -> None:
        """What one read brought: per lane in the lane's order."""
        ...

    def doubt(self, lanes: frozenset[int]) -> None:
        """Entries of these lanes may have been missed.

        The new cursor is in place, so what is published from now on arrives: compare the heads
        of the rooms on these lanes, fill what is missing, drop what comes twice.
        """
        ...

    def readable(self, lanes: frozenset[int], yes: bool) -> None:
        """These lanes cannot be read just now: poll heads until they can again.

        Nothing is said of lanes that were readable from the start. When they come back, a
        `doubt` precedes this if anything may have been missed meanwhile.
        """
        ...


class Tail(Protocol):
    """Follows all lanes from the moment it is started; what was published before is not told."""

    async def run(self) -> None:
        """Follow until cancelled."""
        ...

    async def ready(self) -> None:
        """Return when everything published from now on will be told: all cursors are in place."""
        ...
