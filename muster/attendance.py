"""Attendance: that somebody was at an event, as it is kept.

    edge (somebody came, or went) --record--> visit: entered, left, by what evidence

A visit is a row of Postgres, and the only thing that outlives the evening. There is at most one open visit of a person
to an event; saying twice that they came, or that they went, changes nothing and says so.

Owns the words for evidence and the shapes of edges and visits, and the contract of keeping them. Must never judge
where somebody is (muster/place.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

from muster.ids import PersonId, RoomId


class Source(StrEnum):
    """What speaks for an edge. silence, closing, moved: the service itself ended the visit."""

    gps = "gps"
    region = "region"
    hand = "hand"
    qr = "qr"
    host = "host"
    silence = "silence"
    closing = "closing"
    moved = "moved"


class Confidence(StrEnum):
    """How far it is to be believed."""

    low = "low"
    medium = "medium"
    high = "high"


class Sharing(StrEnum):
    """What somebody lets their place be used for, per event.

    off: their fixes are not judged for it, and only what they or a host do by hand is kept. ghost: judged; they and the
    host's totals know, and nobody sees a name. on: as far as their setting `events` lets others see it.
    """

    off = "off"
    ghost = "ghost"
    on = "on"


class Edge(NamedTuple):
    """Somebody came (`is_enter`), or went. `at_ms`: when, by the evidence; not when it was judged."""

    room: RoomId
    person: PersonId
    is_enter: bool
    at_ms: int
    source: Source
    confidence: Confidence


class Visit(NamedTuple):
    """`left_ms`: None while it lasts. `number` counts the visits of this person to this event, from 1."""

    room: RoomId
    person: PersonId
    number: int
    entered_ms: int
    left_ms: int | None
    source: Source
    confidence: Confidence
    left_source: Source | None


class Recorded(NamedTuple):
    """What became of one edge. `is_fresh`: it changed something; else it stood so already, or was not to be.

    `is_open`: a visit lasts now. `joins`: the event wants who enters to be put into its room, and they are not in it.
    """

    edge: Edge
    is_fresh: bool
    is_open: bool
    joins: bool


class Marker(Protocol):
    """Who is told that somebody checked in or out, so that their place is taken to be there, or not, from then on."""

    async def marked(
        self, room: RoomId, person: PersonId, is_inside: bool, source: Source, at_ms: int
    ) -> None:
        """They did, and it stands in Postgres. May be told twice. Raises `Refused`: `unavailable`."""
        ...


class VisitStore(Protocol):
    """Where visits are kept. Everything raises `Refused`: `unavailable`, the outcome unknown; say it again."""

    async def record(self, edges: Sequence[Edge]) -> list[Recorded]:
        """Write these edges in order, each by one conditional statement; an event that is over takes no entry."""
        ...

    async def last(self, room: RoomId, person: PersonId) -> Visit | None:
        """Somebody's latest visit to an event."""
        ...

    async def open_visits(self, after: tuple[RoomId, PersonId] | None, limit: int) -> list[Visit]:
        """Visits that last, in order of room and person, after this pair: to begin anew when Redis has lost all."""
        ...

    async def close_all(self, room: RoomId, at_ms: int, source: Source) -> int:
        """End every open visit of an event at once, a bounded number per statement; how many there were."""
        ...
