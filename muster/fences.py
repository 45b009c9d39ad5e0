"""Fences that a phone may watch by itself: those nearest to about where it is.

Owns what is told of them and to whom: of events that may judge their place, and never more than a phone can watch. Must
never depend on where exactly somebody asks from: their point is moved to the middle of its cell first.
"""

from __future__ import annotations

from math import isfinite
from typing import Final

import h3.api.basic_int as h3
from msgspec import Struct

from muster.clock import Clock
from muster.errors import Refused
from muster.ids import PersonId, RoomId
from muster.leaves import Leaves
from muster.point import Point
from muster.survey import Survey
from muster.venues import Nearby, watched_m
from proto.codes import Code

FENCES_MOST: Final = 20
"""What iOS lets one app watch."""

CELL: Final = 7
"""Resolution of H3: cells of about 2.4 km."""


class WatchedFence(Struct, frozen=True):
    """A circle around an event's place, of at least 100 m: phones do not notice smaller ones. Judged from doors to end.

    `version` changes with the fence.
    """

    room: RoomId
    lat: float
    lon: float
    radius_m: float
    from_ms: int
    until_ms: int
    version: int


class WatchedFences(Struct, frozen=True):
    """The nearest first. Ask again when you have left `around_m` around where you asked, and when an event changes."""

    fences: list[WatchedFence]
    around_m: float


AROUND_M: Final = 2_000.0


class Fences:
    """One process's answers."""

    def __init__(self, survey: Survey, leaves: Leaves, clock: Clock) -> None:
        self._survey = survey
        self._leaves = leaves
        self._clock = clock

    async def near(self, person: PersonId, lat: float, lon: float) -> WatchedFences:
        """Raises `Refused`: `bad_request`, `unavailable`."""
        if not (isfinite(lat) and isfinite(lon)):
            raise Refused(Code.bad_request, "lat and lon are numbers of degrees")
        leave = await self._leaves.of(person)
        about = Point(*h3.cell_to_latlng(h3.latlng_to_cell(lat, lon, CELL)))
        near = self._survey.venues.nearest(about, FENCES_MOST, self._clock.now_ms(), leave)
        return WatchedFences([_watched(one) for one in near], AROUND_M)


def _watched(one: Nearby) -> WatchedFence:
    ground = one.ground
    centre = ground.fence.centre
    return WatchedFence(
        ground.room,
        centre.lat,
        centre.lon,
        watched_m(ground),
        ground.from_ms,
        ground.until_ms,
        ground.fence_version,
    )
