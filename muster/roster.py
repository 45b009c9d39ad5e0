"""The roster of an event: who is asked, who comes, who waits.

Owns the list as hosts and as others see it. Hosts see everybody; others see who is going or may, as far as these let
them (the circle `events`), never across a block; and the hosts. Must never change it (muster/hosting.py).
"""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

from msgspec import Struct

from muster import cursor
from muster.errors import not_found
from muster.events import Answer
from muster.ids import PersonId, RoomId


class Guest(Struct, frozen=True, gc=False):
    """Somebody on a roster. `since_us`: since when they answer so, in microseconds. `invited_by` only hosts see."""

    id: PersonId
    handle: str
    name: str
    picture: UUID | None
    answer: Answer
    is_host: bool
    since_us: int
    invited_by: PersonId | None


class RosterPage(Struct, frozen=True, gc=False):
    """A page of a roster, the longest first: so a waitlist stands in the order in which it moves up."""

    guests: list[Guest]
    cursor: str | None


class RosterStore(Protocol):
    """Where rosters are read."""

    async def roster(
        self,
        room: RoomId,
        reader: PersonId,
        answer: Answer | None,
        after: tuple[int, UUID] | None,
        limit: int,
    ) -> list[Guest] | None:
        """Guests after this (since_us, id), as `reader` may see them; None where they may not know of the event."""
        ...


class Roster:
    """Reads rosters for somebody."""

    def __init__(self, store: RosterStore) -> None:
        self._store = store

    async def page(
        self, room: RoomId, reader: PersonId, answer: Answer | None, at: str | None, limit: int
    ) -> RosterPage:
        """A page of it. Raises `Refused`: `not_found`."""
        after = cursor.read(at) if at else None
        guests = await self._store.roster(room, reader, answer, after, limit)
        if guests is None:
            raise not_found()
        last = guests[-1] if len(guests) == limit else None
        return RosterPage(guests, cursor.write(last.since_us, last.id) if last else None)
