"""Events: a room with a time, a place and a roster, as one object; its id is the room's.

    scheduled -> doors_open -> live -> ended        by the clock (muster/event_timers.py)
        `-----------`-----------`--> cancelled      by a host

Owns its shape, as hosts write it and as somebody sees it. What it must be like is muster/event_rules.py; who comes,
muster/roster.py. Must never change one: that is an op (muster/hosting.py), judged under the head lock of its room.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, Protocol
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from muster.attendance import Sharing
from muster.errors import not_found
from muster.ids import PersonId, RoomId
from muster.permission import Relation
from muster.plane import Box
from muster.point import Point
from muster.venue import Shape, Visibility


class EventState(StrEnum):
    """Where an event is. The last two are for ever."""

    scheduled = "scheduled"
    doors_open = "doors_open"
    live = "live"
    ended = "ended"
    cancelled = "cancelled"


OVER = frozenset({EventState.ended, EventState.cancelled})


class Answer(StrEnum):
    """What somebody on the roster has said. `invited`: nothing yet. `waitlist`: going, once there is a place."""

    invited = "invited"
    going = "going"
    maybe = "maybe"
    waitlist = "waitlist"
    no = "no"


class JoinsOn(StrEnum):
    """When somebody is put into the room: when they say that they may come, when they enter, or never by itself."""

    answer = "answer"
    entry = "entry"
    never = "never"


class EventChange(Struct, frozen=True, gc=False, kw_only=True):
    """What hosts write of an event; what is UNSET stays. Its fields are those of `Event`, and told as `changed`.

    `boxes`: what holds the fence, with every new one. `soon_ms` before the start guests are reminded; `settle_ms` after
    a change they are told of it.
    """

    title: str | UnsetType = UNSET
    topic: str | UnsetType = UNSET
    about: str | UnsetType = UNSET
    cover: UUID | UnsetType | None = UNSET
    doors_at_ms: int | UnsetType = UNSET
    starts_at_ms: int | UnsetType = UNSET
    ends_at_ms: int | UnsetType = UNSET
    zone: str | UnsetType = UNSET
    place_name: str | UnsetType = UNSET
    address: str | UnsetType = UNSET
    point: Point | UnsetType | None = UNSET
    fence: Shape | UnsetType | None = UNSET
    visibility: Visibility | UnsetType = UNSET
    capacity: int | UnsetType | None = UNSET
    joins_on: JoinsOn | UnsetType = UNSET
    dwell_ms: int | UnsetType | None = UNSET
    boxes: list[Box] | UnsetType = UNSET
    soon_ms: int | UnsetType = UNSET
    settle_ms: int | UnsetType = UNSET


class Attending(Struct, frozen=True, gc=False, omit_defaults=True):
    """What somebody says of themselves: going, maybe or no, and what their place may be used for; absent: it stays."""

    answer: str | None = None
    sharing: str | None = None


class Event(Struct, frozen=True, gc=False, kw_only=True):
    """One event, as somebody who may know of it sees it; `answer`, `sharing` and `role` are theirs.

    Times are Unix milliseconds; `zone` is the IANA zone in which they are shown. `over_at_ms`: when it ended or was
    cancelled. `version` grows with every change. `capacity` null: as many as like. `dwell_ms` null: as the service has
    it. `invited` (asked, and not answered) only hosts see.
    """

    id: RoomId
    state: EventState
    version: int
    title: str
    topic: str
    about: str
    cover: UUID | None
    doors_at_ms: int
    starts_at_ms: int
    ends_at_ms: int
    over_at_ms: int | None
    zone: str
    place_name: str
    address: str
    point: Point | None
    fence: Shape | None
    visibility: Visibility
    capacity: int | None
    joins_on: JoinsOn
    dwell_ms: int | None
    owner: PersonId | None
    going: int
    maybe: int
    waitlist: int
    invited: int | None
    role: Relation
    answer: Answer | None
    sharing: Sharing


class EventHead(NamedTuple):
    """What is told of an event where it is not shown. `state` by the clock, whether or not its timer has fired."""

    title: str
    state: EventState
    starts_at_ms: int


class EventStore(Protocol):
    """Where events are read. Everything raises `Refused`: `unavailable`."""

    async def event(self, room: RoomId, reader: PersonId, *, fresh: bool) -> Event | None:
        """As `reader` sees it; None where they may not know of it. `fresh` asks the primary."""
        ...

    async def head(self, room: RoomId) -> EventHead | None: ...

    async def sharing(self, person: PersonId) -> Sharing:
        """What somebody lets public events judge that they are not on the roster of."""
        ...


class Events:
    """Reads events for somebody."""

    def __init__(self, store: EventStore) -> None:
        self._store = store

    async def event(self, room: RoomId, reader: PersonId, *, fresh: bool = False) -> Event:
        """One event. Raises `Refused`: `not_found`, also for one that its reader may not know of."""
        found = await self._store.event(room, reader, fresh=fresh)
        if found is None:
            raise not_found()
        return found

    async def now(self, room: RoomId, reader: PersonId) -> Event | None:
        """The event as it is on the primary, to judge a change by; None where the op will say why not."""
        return await self._store.event(room, reader, fresh=True)

    async def sharing(self, person: PersonId) -> Sharing:
        """See `EventStore.sharing`."""
        return await self._store.sharing(person)
