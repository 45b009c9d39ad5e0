"""A flat map around one point: metres east and north, by the azimuthal equidistant projection.

Owns the arithmetic between degrees and metres. Directions are unit vectors in space, so that the date line and the
poles are places like any other. Must never know what is drawn on it.
"""

from __future__ import annotations

from math import asin, atan2, cos, degrees, hypot, pi, radians, sin, sqrt
from typing import Final

from muster.point import EARTH_M, Point

_RADIANS: Final = pi / 180

_CLOSE: Final = 0.05
"""So many degrees around the centre two terms of the series are the projection, to a millimetre or few."""

_STRAIGHT_BELOW: Final = 80.0
"""Further up meridians bend too much for that."""

Vector = tuple[float, float, float]


def unit(lat: float, lon: float) -> Vector:
    """The direction of a point, seen from the middle of the Earth."""
    up, round_ = radians(lat), radians(lon)
    return cos(up) * cos(round_), cos(up) * sin(round_), sin(up)


def point_of(vector: Vector) -> Point:
    """Where that direction comes out of the ground."""
    x, y, z = vector
    return Point(degrees(atan2(z, hypot(x, y))), degrees(atan2(y, x)))


class Plane:
    """The map around `centre`. True to distance from the centre; elsewhere within 1e-5 on a map of 100 km."""

    __slots__ = (
        "_bend",
        "_close",
        "_east_x",
        "_east_y",
        "_lat",
        "_lon",
        "_north_x",
        "_north_y",
        "_north_z",
        "_x",
        "_y",
        "_z",
        "centre",
    )

    def __init__(self, centre: Point) -> None:
        self.centre = centre
        self._lat, self._lon = centre.lat, centre.lon
        self._x, self._y, self._z = unit(centre.lat, centre.lon)
        up, round_ = radians(centre.lat), radians(centre.lon)
        self._east_x, self._east_y = -sin(round_), cos(round_)
        self._north_x, self._north_y = -sin(up) * cos(round_), -sin(up) * sin(round_)
        self._north_z = cos(up)
        self._close = _CLOSE if abs(centre.lat) < _STRAIGHT_BELOW else 0.0
        self._bend = self._z * self._north_z / 2

    def xy(self, lat: float, lon: float) -> tuple[float, float]:
        """Metres east and north of the centre."""
        upward, along = lat - self._lat, lon - self._lon
        if -_CLOSE < upward < _CLOSE and -self._close < along < self._close:
            upward, along = upward * _RADIANS, along * _RADIANS
            return (
                EARTH_M * along * (self._north_z - self._z * upward),
                EARTH_M * (upward + self._bend * along * along),
            )
        up, round_ = lat * _RADIANS, lon * _RADIANS
        flat, z = cos(up), sin(up)
        x, y = flat * cos(round_), flat * sin(round_)
        east = x * self._east_x + y * self._east_y
        north = x * self._north_x + y * self._north_y + z * self._north_z
        ahead = x * self._x + y * self._y + z * self._z
        off = sqrt(east * east + north * north)
        if off < 1e-12:  # here, or on the other side of the Earth
            return (0.0, 0.0) if ahead > 0 else (pi * EARTH_M, 0.0)
        scale = EARTH_M * atan2(off, ahead) / off
        return east * scale, north * scale

    def point(self, x: float, y: float) -> Point:
        """The point so many metres east and north."""
        off = hypot(x, y)
        if off == 0.0:
            return self.centre
        angle = off / EARTH_M
        east, north, ahead = sin(angle) * x / off, sin(angle) * y / off, cos(angle)
        return point_of(
            (
                ahead * self._x + east * self._east_x + north * self._north_x,
                ahead * self._y + east * self._east_y + north * self._north_y,
                ahead * self._z + north * self._north_z,
            )
        )


Box = tuple[float, float, float, float]
"""West, south, east, north, in degrees; west <= east."""


def boxes(centre: Point, radius_m: float) -> list[Box]:
    """What holds everything within `radius_m`: one box, or two where it lies across the date line."""
    angle = radius_m / EARTH_M
    south, north = centre.lat - degrees(angle), centre.lat + degrees(angle)
    if south <= -90.0 or north >= 90.0:  # a pole: every longitude
        return [(-180.0, max(-90.0, south), 180.0, min(90.0, north))]
    wide = degrees(asin(min(1.0, sin(angle) / cos(radians(centre.lat)))))
    west, east = centre.lon - wide, centre.lon + wide
    if west < -180.0:
        return [(west + 360.0, south, 180.0, north), (-180.0, south, east, north)]
    if east > 180.0:
        return [(west, south, 180.0, north), (-180.0, south, east - 360.0, north)]
    return [(west, south, east, north)]
