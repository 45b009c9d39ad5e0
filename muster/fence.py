"""A fence: the border of an event's place, made ready to be asked how far somebody is from it.

    Shape (as written by a host) --fence_of--> Fence: signed distance, centre, boxes

Distances are metres on a flat map around the fence's own centre; a polygon's sides run straight over the ground. Owns
what a shape must be like, and the geometry. Must never know of people, events or time.
"""

from __future__ import annotations

from itertools import pairwise
from math import isfinite, pi, sqrt
from typing import Final, Protocol

import shapely
from shapely.geometry import Polygon as Drawn

from muster.errors import Refused
from muster.plane import Box, Plane, boxes, point_of, unit
from muster.point import Point, distance_m
from muster.venue import Circle, Polygon, Shape
from proto.codes import Code

RADIUS_LEAST_M: Final = 20.0
"""Below the noise of phones nothing can be judged. A polygon is measured as the circle of its area."""

RADIUS_MOST_M: Final = 50_000.0
"""A city and its surroundings; a polygon lies in such a circle."""

POINTS_MOST: Final = 1_000
RINGS_MOST: Final = 20
WATCHED_LEAST_M: Final = 100.0
"""Phones do not notice smaller regions reliably."""

_SIDES_WALKED: Final = 32
"""Up to so many sides plain arithmetic is quicker than asking GEOS."""

Side = tuple[float, float, float, float, float, float, float]


class Fence(Protocol):
    """`reach_m`: radius of the circle around `centre` that holds it. `size_m`: radius of a circle as large as it."""

    centre: Point
    reach_m: float
    size_m: float

    def distance_m(self, lat: float, lon: float) -> float:
        """Metres to the border; negative inside. The point is a valid one."""
        ...

    def boxes(self, margin_m: float) -> list[Box]:
        """What holds the fence and `margin_m` around it, and little more."""
        ...


class Round:
    """A circle."""

    __slots__ = ("_plane", "centre", "reach_m", "size_m")

    def __init__(self, circle: Circle) -> None:
        self.centre = circle.centre
        self.reach_m = self.size_m = circle.radius_m
        self._plane = Plane(circle.centre)

    def distance_m(self, lat: float, lon: float) -> float:
        """See `Fence`."""
        x, y = self._plane.xy(lat, lon)
        return sqrt(x * x + y * y) - self.reach_m

    def boxes(self, margin_m: float) -> list[Box]:
        """See `Fence`."""
        return boxes(self.centre, self.reach_m + margin_m)


class Walled:
    """A polygon, its holes outside."""

    __slots__ = ("_area", "_border", "_plane", "_sides", "centre", "reach_m", "size_m")

    def __init__(self, plane: Plane, area: Drawn) -> None:
        self._plane = plane
        self.centre = plane.centre
        self._area = area
        self._border = area.boundary
        corners = area.exterior.coords
        self.reach_m = max(sqrt(x * x + y * y) for x, y in corners)
        self.size_m = sqrt(area.area / pi)
        shapely.prepare(self._area)
        shapely.prepare(self._border)
        rings = [area.exterior, *area.interiors]
        sides = [_side(*one, *two) for ring in rings for one, two in _pairs(ring.coords)]
        self._sides = sides if len(sides) <= _SIDES_WALKED else []

    def distance_m(self, lat: float, lon: float) -> float:
        """See `Fence`."""
        x, y = self._plane.xy(lat, lon)
        if self._sides:
            return _walked(self._sides, x, y)
        at = shapely.Point(x, y)
        away: float = self._border.distance(at)
        return -away if self._area.contains(at) else away

    def boxes(self, margin_m: float) -> list[Box]:
        """See `Fence`."""
        return boxes(self.centre, self.reach_m + margin_m)


def fence_of(shape: Shape) -> Round | Walled:
    """The fence that a shape describes. Raises `Refused`: `bad_request`, with what is wrong with it."""
    if isinstance(shape, Circle):
        _check_point(shape.centre.lon, shape.centre.lat)
        if not isfinite(shape.radius_m):
            raise _bad("a fence's radius is a number of metres")
        _check_size(shape.radius_m, shape.radius_m)
        return Round(shape)
    _check_rings(shape)
    plane, area = _drawn(shape)
    if not area.is_valid:
        raise _bad("a fence's border does not cross or touch itself, and its holes lie inside")
    walled = Walled(plane, area)
    _check_size(walled.size_m, walled.reach_m)
    return walled


def _check_point(lon: float, lat: float) -> None:
    if not (isfinite(lon) and isfinite(lat)):
        raise _bad("a fence's points are numbers")
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise _bad("a fence's points are longitude -180 to 180, then latitude -90 to 90")


def _check_rings(shape: Polygon) -> None:
    if not 1 <= len(shape.rings) <= RINGS_MOST:
        raise _bad(f"a polygon has 1 to {RINGS_MOST} rings: the first its border, the others holes")
    if sum(map(len, shape.rings)) > POINTS_MOST:
        raise _bad(f"a polygon has at most {POINTS_MOST} points")
    for ring in shape.rings:
        for lon, lat in ring:
            _check_point(lon, lat)
        if len(ring) < 4:
            raise _bad("a ring has at least 4 points, the last being the first again")
        if ring[0] != ring[-1]:
            raise _bad("a ring is closed: its last point is its first again")


def _drawn(shape: Polygon) -> tuple[Plane, Drawn]:
    """The polygon on a map around the middle of the least circle that holds it."""
    lon, lat = shape.rings[0][0]
    first = Point(lat, lon)
    for ring in shape.rings:
        for lon, lat in ring:
            if distance_m(first, Point(lat, lon)) > 2 * RADIUS_MOST_M:
                raise _too_large()
    vectors = [unit(lat, lon) for lon, lat in shape.rings[0]]
    x, y, z = (sum(parts) for parts in zip(*vectors, strict=True))
    rough = Plane(point_of((x, y, z)))
    circle = shapely.minimum_bounding_circle(_on(rough, shape)).centroid
    plane = rough if circle.is_empty else Plane(rough.point(circle.x, circle.y))
    return plane, _on(plane, shape)


def _on(plane: Plane, shape: Polygon) -> Drawn:
    border, *holes = [[plane.xy(lat, lon) for lon, lat in ring] for ring in shape.rings]
    return Drawn(border, holes)


def _check_size(size_m: float, reach_m: float) -> None:
    if size_m < RADIUS_LEAST_M:
        raise _bad(f"a fence is at least as large as a circle of radius {RADIUS_LEAST_M:.0f} m")
    if reach_m > RADIUS_MOST_M:
        raise _too_large()


def _too_large() -> Refused:
    return _bad(f"a fence lies within a circle of radius {RADIUS_MOST_M / 1000:.0f} km")


def _bad(message: str) -> Refused:
    return Refused(Code.bad_request, message)


def _pairs(
    ring: shapely.coords.CoordinateSequence,
) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    points = [(point[0], point[1]) for point in ring]
    return list(pairwise(points))


def _side(x1: float, y1: float, x2: float, y2: float) -> Side:
    """Start, the other end's y, direction, length, and how far x goes for each y."""
    along_x, along_y = x2 - x1, y2 - y1
    length = sqrt(along_x * along_x + along_y * along_y)
    slope = along_x / along_y if along_y else 0.0
    if not length:
        return x1, y1, y2, 0.0, 0.0, 0.0, 0.0
    return x1, y1, y2, along_x / length, along_y / length, length, slope


def _walked(sides: list[Side], x: float, y: float) -> float:
    """Distance to the nearest side; negative if a ray to the east meets an odd number of sides."""
    nearest = 1e30
    inside = False
    for x1, y1, y2, way_x, way_y, length, slope in sides:
        off_x, off_y = x - x1, y - y1
        square = off_x * off_x + off_y * off_y
        along = off_x * way_x + off_y * way_y
        if along > 0.0:
            square -= along * along
            if along > length:
                square += (along - length) ** 2
        if square < nearest:
            nearest = square
        # Ends are compared as they are: two sides that meet must agree on which side of the ray their corner lies.
        if (y < y1) is not (y < y2) and off_x < off_y * slope:
            inside = not inside
    away = sqrt(nearest) if nearest > 0.0 else 0.0
    return -away if inside else away
