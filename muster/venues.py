"""Venues: all that fixes are judged against, found by where somebody is.

    point --H3 cell, one look-up per size of fence--> what is listed there --time, box, leave--> candidates

A fence is listed in every cell that it, with its margin, may reach into: small fences in small cells, large ones in
large cells. Owns the index, in memory; who feeds it is another's. Must never do I/O, and no look-up may become long
because many venues lie in one place.
"""

from __future__ import annotations

from math import cos, degrees, inf, radians
from typing import Final, NamedTuple

import h3.api.basic_int as h3
from msgspec import Struct

from muster.attendance import Sharing
from muster.fence import WATCHED_LEAST_M
from muster.ground import Ground, ground_of
from muster.ids import RoomId
from muster.point import EARTH_M, Point, distance_m
from muster.spots import Spots
from muster.terms import Terms
from muster.venue import Leave, Venue, Visibility

CANDIDATES_MOST: Final = 16
"""Venues that one fix is judged against: those on the roster of which somebody is come first."""

CROWD_MOST: Final = 256
"""Venues of one cell that are looked at; beyond, those that somebody is on the roster of are looked up by name."""

_MARGIN_M: Final = 25.0
"""So far outside what would end a visit fixes still concern a fence: somebody is seen before they come in."""

_SIZES: Final = ((9, 600.0), (7, 4_500.0), (5, 30_000.0), (3, 250_000.0))
"""Resolution, and up to what radius fences are listed in it: some ten cells each, at most."""


_OFF: Final = Sharing.off
"""An enum takes its time to find its members, and this one is asked for once a candidate."""


class _Listed(Struct, frozen=True):
    """A ground, when it is judged, and the circle that holds it with its margin.

    The circle is in degrees: `narrowing` is a degree of longitude in those of latitude, `square` its radius squared.
    """

    from_ms: int
    until_ms: int
    lat: float
    lon: float
    narrowing: float
    square: float
    is_public: bool
    ground: Ground


_Entry = tuple[float, float, float, float, _Listed]
"""What stands in a cell: south, north, west, east, which rule out most, and the rest."""


class Nearby(NamedTuple):
    """A ground, and how far its border is: negative inside."""

    ground: Ground
    away_m: float


class Venues:
    """One process's venues."""

    def __init__(self, terms: Terms | None = None) -> None:
        self._terms = terms or Terms()
        self._by_room: dict[RoomId, list[_Entry]] = {}
        self._cells_of: dict[RoomId, tuple[int, list[int]]] = {}
        self._cells: dict[int, list[_Entry]] = {}
        self._in_use: dict[int, int] = {}
        self._spots = Spots()

    def __len__(self) -> int:
        return len(self._by_room)

    def put(self, venue: Venue) -> Ground:
        """Add it, or put it in the place of what is known of its room. Raises `Refused`: `bad_request`, no fence."""
        ground = ground_of(venue)
        self.remove(venue.room)
        fence = ground.fence
        reach_m = fence.reach_m + self.margin_m(ground)
        listed = _listed(ground, reach_m)
        entries: list[_Entry] = [
            (south, north, west, east, listed)
            for west, south, east, north in fence.boxes(reach_m - fence.reach_m)
        ]
        resolution, cells = _cover(fence.centre, reach_m)
        for cell in cells:
            self._cells.setdefault(cell, []).extend(entries)
        self._by_room[venue.room] = entries
        self._cells_of[venue.room] = resolution, cells
        self._in_use[resolution] = self._in_use.get(resolution, 0) + 1
        self._spots.put(venue.room, fence.centre, fence.reach_m)
        return ground

    def remove(self, room: RoomId) -> bool:
        """Whether it was there."""
        if room not in self._by_room:
            return False
        ((*_, listed), *_) = self._by_room.pop(room)
        resolution, cells = self._cells_of.pop(room)
        for cell in cells:
            left = [entry for entry in self._cells[cell] if entry[-1] is not listed]
            if left:
                self._cells[cell] = left
            else:
                del self._cells[cell]
        self._in_use[resolution] -= 1
        if not self._in_use[resolution]:
            del self._in_use[resolution]
        self._spots.remove(room)
        return True

    def get(self, room: RoomId) -> Ground | None:
        """One."""
        entries = self._by_room.get(room)
        return entries[0][-1].ground if entries else None

    def grounds(self) -> list[Ground]:
        """All."""
        return [entries[0][-1].ground for entries in self._by_room.values()]

    def margin_m(self, ground: Ground) -> float:
        """How far outside its fence somebody still concerns it."""
        terms = self._terms
        return _MARGIN_M + max(terms.exit_share * ground.fence.size_m, terms.exit_least_m)

    def candidates(
        self, lat: float, lon: float, now_ms: int, leave: Leave | None = None
    ) -> list[Ground]:
        """Grounds judged now that a valid point may concern; `leave`: what this person lets be judged, None: all.

        Whoever is inside somewhere is judged against that as well, wherever they are now: the caller knows where.
        """
        found: list[Ground] = []
        for resolution in self._in_use:
            there = self._cells.get(h3.latlng_to_cell(lat, lon, resolution))
            if there is None:
                continue
            if len(there) > CROWD_MOST:
                there = self._in_crowd(there, leave)
            for south, north, west, east, listed in there:
                if (
                    south <= lat <= north
                    and west <= lon <= east
                    and listed.from_ms <= now_ms < listed.until_ms
                    and (lat - listed.lat) ** 2 + ((lon - listed.lon) * listed.narrowing) ** 2
                    <= listed.square
                    and (leave is None or _lets(leave, listed))
                ):
                    found.append(listed.ground)
        return found if len(found) <= CANDIDATES_MOST else _first(found, lat, lon, leave)

    def nearest(
        self, point: Point, most: int, now_ms: int, leave: Leave | None = None
    ) -> list[Nearby]:
        """Grounds not yet over, nearest border first."""
        near: list[Nearby] = []
        for least_m, room in self._spots.outwards(point):
            if len(near) >= most and least_m > near[most - 1].away_m:
                break
            listed = self._by_room[room][0][-1]
            if now_ms < listed.until_ms and (leave is None or _lets(leave, listed)):
                away_m = listed.ground.fence.distance_m(point.lat, point.lon)
                near.append(Nearby(listed.ground, away_m))
                near.sort(key=lambda one: one.away_m)
                del near[most:]
        return near

    def _in_crowd(self, there: list[_Entry], leave: Leave | None) -> list[_Entry]:
        """Of too many, some, and all that this person is on the roster of."""
        some = there[:CROWD_MOST]
        if leave is None:
            return some
        seen = {entry[-1].ground.room for entry in some}
        named = (self._by_room.get(RoomId(room), ()) for room in leave.by_event if room not in seen)
        return some + [entry for entries in named for entry in entries]


def watched_m(ground: Ground) -> float:
    """The radius around the fence's centre that a phone is told to watch."""
    return max(ground.fence.reach_m, WATCHED_LEAST_M)


def _lets(leave: Leave, listed: _Listed) -> bool:
    named = leave.by_event
    sharing = named.get(listed.ground.room) if named else None
    if sharing is None:
        return listed.is_public and leave.otherwise is not _OFF
    return sharing is not _OFF


def _first(found: list[Ground], lat: float, lon: float, leave: Leave | None) -> list[Ground]:
    """Those of the roster, then the nearest by the middle of the fence."""
    point = Point(lat, lon)
    named = leave.by_event if leave else {}
    found.sort(key=lambda one: (one.room not in named, distance_m(point, one.fence.centre)))
    return found[:CANDIDATES_MOST]


def _listed(ground: Ground, reach_m: float) -> _Listed:
    """The circle is endless where a degree is not the same all over it."""
    centre = ground.fence.centre
    is_plain = reach_m < 3_000.0 and abs(centre.lat) < 70.0 and abs(centre.lon) < 179.0
    radius = degrees(reach_m / EARTH_M) * 1.01
    return _Listed(
        from_ms=ground.from_ms,
        until_ms=ground.until_ms,
        lat=centre.lat,
        lon=centre.lon,
        narrowing=cos(radians(centre.lat)),
        square=radius * radius if is_plain else inf,
        is_public=ground.venue.visibility is Visibility.public,
        ground=ground,
    )


def _cover(centre: Point, radius_m: float) -> tuple[int, list[int]]:
    """Cells of one resolution that together hold everything within the radius, and hardly more."""
    resolution = next(size for size, most_m in _SIZES if radius_m <= most_m)
    edge_m = h3.average_hexagon_edge_length(resolution, unit="m")
    middle = h3.latlng_to_cell(centre.lat, centre.lon, resolution)
    rings = int(radius_m / edge_m) + 1
    reach_m = radius_m + 1.5 * edge_m  # a cell's corners are no further from its middle, anywhere
    cells = [
        cell
        for cell in h3.grid_disk(middle, rings)
        if distance_m(centre, Point(*h3.cell_to_latlng(cell))) <= reach_m
    ]
    return resolution, cells
