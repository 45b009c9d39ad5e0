"""The terrain: metres around a centre, and where they lie on the Earth.

Owns the projection, good to a few thousandths within ten kilometres, and fences as they lie on it. Fences are measured
here without the product's own geometry, which is what is tested. Pure. Must never know who is judged.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import cos, degrees, hypot, inf, pi, radians, sin, sqrt, tau
from typing import Final, NamedTuple

EARTH_M: Final = 6_371_008.8
EXIT_LEAST_M: Final = 20.0
EXIT_SHARE: Final = 0.10


class Terrain(NamedTuple):
    """A map around a centre, degrees."""

    lat: float
    lon: float

    def degrees(self, x: float, y: float) -> tuple[float, float]:
        """Latitude and longitude of metres to the east and to the north."""
        across = EARTH_M * cos(radians(self.lat))
        return self.lat + degrees(y / EARTH_M), self.lon + degrees(x / across)

    def metres(self, lat: float, lon: float) -> tuple[float, float]:
        """The way back."""
        across = EARTH_M * cos(radians(self.lat))
        return radians(lon - self.lon) * across, radians(lat - self.lat) * EARTH_M


class Round(NamedTuple):
    """A circle."""

    x: float
    y: float
    radius_m: float

    @property
    def middle(self) -> tuple[float, float]:
        """The centre."""
        return self.x, self.y

    def beyond_m(self, x: float, y: float) -> float:
        """How far outside of the border; below 0 inside."""
        return hypot(x - self.x, y - self.y) - self.radius_m


class Outline(NamedTuple):
    """A polygon without holes; the last corner joins the first. It may be hollow (concave)."""

    corners: tuple[tuple[float, float], ...]

    @property
    def middle(self) -> tuple[float, float]:
        """Of its corners."""
        count = len(self.corners)
        return sum(x for x, _ in self.corners) / count, sum(y for _, y in self.corners) / count

    @property
    def radius_m(self) -> float:
        """Of the circle of the same area."""
        twice = sum(a * d - b * c for (a, b), (c, d) in pairwise(self._closed()))
        return sqrt(abs(twice) / 2 / pi)

    def beyond_m(self, x: float, y: float) -> float:
        """How far outside of the border; below 0 inside."""
        nearest, is_inside = inf, False
        for (ax, ay), (bx, by) in pairwise(self._closed()):
            nearest = min(nearest, _to_side(x - ax, y - ay, bx - ax, by - ay))
            if (ay > y) != (by > y) and x < ax + (y - ay) / (by - ay) * (bx - ax):
                is_inside = not is_inside
        return -nearest if is_inside else nearest

    def _closed(self) -> Sequence[tuple[float, float]]:
        return (*self.corners, self.corners[0])


Fence = Round | Outline


def exit_margin_m(fence: Fence) -> float:
    """How far beyond the border somebody is still held to be inside: part of what is promised."""
    return max(EXIT_LEAST_M, EXIT_SHARE * fence.radius_m)


def outline(x: float, y: float, reaches_m: Sequence[float], turned: float = 0.0) -> Outline:
    """Corners at equal angles around a centre, so far from it."""
    step = tau / len(reaches_m)
    return Outline(
        tuple(
            (x + reach * cos(turned + n * step), y + reach * sin(turned + n * step))
            for n, reach in enumerate(reaches_m)
        )
    )


def _to_side(x: float, y: float, along: float, up: float) -> float:
    """From a point to a side that begins at 0, 0."""
    long = along * along + up * up
    share = min(1.0, max(0.0, (x * along + y * up) / long)) if long else 0.0
    return hypot(x - share * along, y - share * up)
