"""Venues: all that fixes are judged against, found by where somebody is.

    point --H3 cell, one look-up per size of fence--> grounds listed there --box, time, leave--> candidates

A fence is listed in every cell that it, with its margin, may reach into; small fences in small cells, large ones in
large cells. Owns the index, in memory; who feeds it is another's. Must never do I/O, and no look-up may become long
because many venues lie in one place.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import h3.api.basic_int as h3

from muster.attendance import Sharing
from muster.fence import WATCHED_LEAST_M
from muster.ground import Ground, ground_of
from muster.ids import RoomId
from muster.plane import Box
from muster.point import Point, distance_m
from muster.terms import Terms
from muster.venue import Leave, Venue, Visibility

CANDIDATES_MOST: Final = 16
"""Venues that one fix is judged against."""

CROWD_MOST: Final = 128
"""Venues of one cell that are looked at for somebody who is on the roster of none of them."""

_CELLS: Final = ((9, 600.0), (7, 4_500.0), (5, 30_000.0), (3, 250_000.0))
"""Resolution, and up to what radius fences are listed in it."""


class _Listed(NamedTuple):
    """A ground in a cell, with what rules it out quickest."""

    from_ms: int
    until_ms: int
    boxes: list[Box]
    is_public: bool
    ground: Ground


class Nearby(NamedTuple):
    """A ground, and how far its border is: negative inside."""

    ground: Ground
    away_m: float


class Venues:
    """One process's venues."""

    def __init__(self, terms: Terms | None = None) -> None:
        self._terms = terms or Terms()
        self._by_room: dict[RoomId, _Listed] = {}
        self._spots: dict[RoomId, list[int]] = {}
        self._cells: dict[int, list[_Listed]] = {}
        self._used: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._by_room)

    def put(self, venue: Venue) -> Ground:
        """Add it, or put it in the place of what is known of this room. Raises `Refused` for what is no fence."""
        ground = ground_of(venue)
        self.remove(venue.room)
        fence = ground.fence
        margin_m = self.margin_m(ground)
        listed = _Listed(
            ground.from_ms,
            ground.until_ms,
            fence.boxes(margin_m),
            venue.visibility is Visibility.public,
            ground,
        )
        resolution, cells = _cover(fence.centre, fence.reach_m + margin_m)
        for cell in cells:
            self._cells.setdefault(cell, []).append(listed)
        self._by_room[venue.room] = listed
        self._spots[venue.room] = cells
        self._used[resolution] = self._used.get(resolution, 0) + 1
        return ground

    def remove(self, room: RoomId) -> bool:
        """Whether it was there."""
        listed = self._by_room.pop(room, None)
        if listed is None:
            return False
        cells = self._spots.pop(room)
        for cell in cells:
            there = self._cells[cell]
            there.remove(listed)
            if not there:
                del self._cells[cell]
        resolution = h3.get_resolution(cells[0])
        self._used[resolution] -= 1
        if not self._used[resolution]:
            del self._used[resolution]
        return True

    def get(self, room: RoomId) -> Ground | None:
        """One."""
        listed = self._by_room.get(room)
        return None if listed is None else listed.ground

    def grounds(self) -> list[Ground]:
        """All."""
        return [listed.ground for listed in self._by_room.values()]

    def margin_m(self, ground: Ground) -> float:
        """How far outside its fence somebody still concerns it."""
        return 100.0 + max(self._terms.exit_share * ground.fence.size_m, self._terms.exit_least_m)

    def candidates(
        self, lat: float, lon: float, now_ms: int, leave: Leave | None = None
    ) -> list[Ground]:
        """Grounds judged now that a valid point may concern; `leave`: what this person lets be judged; None: all."""
        found: list[Ground] = []
        for resolution in self._used:
            for listed in self._cells.get(h3.latlng_to_cell(lat, lon, resolution), ()):
                if not listed.from_ms <= now_ms < listed.until_ms:
                    continue
                for west, south, east, north in listed.boxes:
                    if south <= lat <= north and west <= lon <= east:
                        if leave is None or _lets(leave, listed):
                            found.append(listed.ground)
                        break
        return found

    def nearest(
        self, point: Point, most: int, now_ms: int, leave: Leave | None = None
    ) -> list[Nearby]:
        """Grounds not yet over, nearest border first."""
        near = [
            Nearby(listed.ground, listed.ground.fence.distance_m(point.lat, point.lon))
            for listed in self._by_room.values()
            if now_ms < listed.until_ms and (leave is None or _lets(leave, listed))
        ]
        near.sort(key=lambda one: one.away_m)
        return near[:most]


def watched_m(ground: Ground) -> float:
    """The radius around the fence's centre that a phone is told to watch."""
    return max(ground.fence.reach_m, WATCHED_LEAST_M)


def _lets(leave: Leave, listed: _Listed) -> bool:
    sharing = leave.by_event.get(listed.ground.room)
    if sharing is None:
        return listed.is_public and leave.otherwise is not Sharing.off
    return sharing is not Sharing.off


def _cover(centre: Point, radius_m: float) -> tuple[int, list[int]]:
    """Cells of one resolution that together hold everything within the radius, and hardly more."""
    resolution = next(size for size, most_m in _CELLS if radius_m <= most_m)
    edge_m = h3.average_hexagon_edge_length(resolution, unit="m")
    rings = int(radius_m / edge_m) + 1
    middle = h3.latlng_to_cell(centre.lat, centre.lon, resolution)
    cells = h3.grid_disk(middle, rings)
    reach_m = radius_m + 1.5 * edge_m
    return resolution, [
        cell for cell in cells if distance_m(centre, Point(*h3.cell_to_latlng(cell))) <= reach_m
    ]
