"""A venue: what judging fixes knows of an event: its fence, when it is judged, and for whom.

Owns its shape and the contracts of reading venues and people's leave. Must never hold what is only shown (titles,
covers): muster/events.py does.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum
from typing import NamedTuple, Protocol
from uuid import UUID

from msgspec import Struct

from muster.attendance import Sharing
from muster.ids import PersonId, RoomId
from muster.point import Point


class Visibility(StrEnum):
    """Who may know of an event. Each holds those after it: everyone; who has its link; who is on its roster."""

    public = "public"
    link = "link"
    invited = "invited"


class Circle(Struct, frozen=True, gc=False, tag="circle"):
    """A fence all around a point."""

    centre: Point
    radius_m: float


class Polygon(Struct, frozen=True, gc=False, tag="polygon"):
    """A fence of GeoJSON's kind: rings of (longitude, latitude), closed, the first outside, the others holes."""

    rings: list[list[tuple[float, float]]]


Shape = Circle | Polygon


class Venue(Struct, frozen=True, gc=False, kw_only=True):
    """One event, as fixes are judged against it.

    `version` grows with every change of it; `fence_version` is that of the last change of `shape`, and a state made
    under an older one counts for nothing. Judged from `from_ms` (doors open) to `until_ms` (its end, or when it was
    ended or cancelled). `dwell_ms`: how long somebody must be inside; None: as MUSTER_PLACE_DWELL_S says.
    """

    room: RoomId
    version: int
    fence_version: int
    shape: Shape
    visibility: Visibility
    from_ms: int
    until_ms: int
    dwell_ms: int | None = None


class Leave(NamedTuple):
    """What somebody lets be judged: per event they are on the roster of, and by default for public ones."""

    by_event: dict[UUID, Sharing]
    otherwise: Sharing


class VenueStore(Protocol):
    """Where both are read. Everything raises `Refused`: `unavailable`."""

    async def venues(self, from_ms: int, until_ms: int) -> list[Venue]:
        """Venues judged at some time in between."""
        ...

    async def venue(self, room: RoomId) -> Venue | None:
        """One, as it is now on the primary; None: no fence, or nothing to judge any more."""
        ...

    async def leave(self, people: Collection[PersonId]) -> dict[PersonId, Leave]:
        """What each lets be judged."""
        ...
