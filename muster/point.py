"""A point on the Earth.

Owns its shape and the distance between two. Must never know what is there.
"""

from __future__ import annotations

from math import asin, cos, radians, sin, sqrt
from typing import Annotated, Final

from msgspec import Meta, Struct

EARTH_M: Final = 6_371_008.8
"""The Earth's mean radius (IUGG)."""

Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]


class Point(Struct, frozen=True, gc=False):
    """Degrees, WGS 84."""

    lat: Latitude
    lon: Longitude


def distance_m(one: Point, other: Point) -> float:
    """Along the great circle, on a sphere: within half a percent of the ellipsoid."""
    low, high = radians(one.lat), radians(other.lat)
    up = sin((high - low) / 2)
    across = sin(radians(other.lon - one.lon) / 2)
    return 2 * EARTH_M * asin(min(1.0, sqrt(up * up + cos(low) * cos(high) * across * across)))
