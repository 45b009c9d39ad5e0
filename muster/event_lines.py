"""An event as a line of a list: what was found, and what is mine.

Owns the shape of a line, which lists of mine there are, and their pages. Must never hold a fence: a page of them would
be a megabyte (muster/events.py has the whole event).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol
from uuid import UUID

from msgspec import Struct

from muster import cursor
from muster.events import Answer, EventState
from muster.ids import PersonId, RoomId
from muster.permission import Relation
from muster.point import Point
from muster.venue import Visibility

LINES_MOST = 100


class EventLine(Struct, frozen=True, gc=False, kw_only=True):
    """One event in a list. Fields as of `Event`; `is_host`, `answer` and `role` are the reader's."""

    id: RoomId
    state: EventState
    version: int
    title: str
    cover: UUID | None
    doors_at_ms: int
    starts_at_ms: int
    ends_at_ms: int
    zone: str
    place_name: str
    address: str
    point: Point | None
    visibility: Visibility
    capacity: int | None
    going: int
    role: Relation
    is_host: bool
    answer: Answer | None


class MyList(StrEnum):
    """Which of my events. `upcoming`: hosting, going, maybe, waitlist and invited together. All but `past` hold what is
    not over, the first to start first, with what was called off until its time is over. `past`: what I hosted, said
    that I might come to, or was at; the last first.
    """

    upcoming = "upcoming"
    hosting = "hosting"
    going = "going"
    maybe = "maybe"
    waitlist = "waitlist"
    invited = "invited"
    past = "past"


class EventPage(Struct, frozen=True, gc=False):
    """A page of events."""

    events: list[EventLine]
    cursor: str | None


class EventLineStore(Protocol):
    """Where lines are read. Everything raises `Refused`: `unavailable`."""

    async def mine(
        self, me: PersonId, which: MyList, after: tuple[int, UUID] | None, limit: int
    ) -> list[EventLine]:
        """Of this list, after (starts_at_ms, id) in its order."""
        ...

    async def lines(self, reader: PersonId, rooms: list[RoomId]) -> dict[RoomId, EventLine]:
        """Of these events, which `reader` is known to be allowed to see."""
        ...


async def mine(
    store: EventLineStore, me: PersonId, which: MyList, at: str | None, limit: int
) -> EventPage:
    """A page of my events."""
    after = cursor.read(at) if at else None
    found = await store.mine(me, which, after, limit)
    last = found[-1] if len(found) == limit else None
    return EventPage(found, cursor.write(last.starts_at_ms, last.id) if last else None)
