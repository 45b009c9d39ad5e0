"""Spots: circles on the ground, looked through from the nearest outwards.

One product of a matrix with a vector measures all of them at once: 10,000 in some 50 us. Owns the arithmetic and the
order. Must never know what lies there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from muster.ids import RoomId
from muster.plane import unit
from muster.point import EARTH_M, Point

_FEW: Final = 64
"""Looked at first; then four times as many, and so on."""


class Spots:
    """One circle per room."""

    def __init__(self) -> None:
        self._rooms: list[RoomId] = []
        self._row_of: dict[RoomId, int] = {}
        self._middles = np.zeros((_FEW, 3))
        self._reaches = np.zeros(_FEW)

    def put(self, room: RoomId, middle: Point, reach_m: float) -> None:
        """Add a circle, or put it in the place of the room's."""
        row = self._row_of.get(room)
        if row is None:
            row = len(self._rooms)
            self._rooms.append(room)
            self._row_of[room] = row
            if row == len(self._reaches):
                self._middles = np.concatenate([self._middles, np.zeros_like(self._middles)])
                self._reaches = np.concatenate([self._reaches, np.zeros_like(self._reaches)])
        self._middles[row] = unit(middle.lat, middle.lon)
        self._reaches[row] = reach_m

    def remove(self, room: RoomId) -> None:
        """The last row takes its place."""
        row = self._row_of.pop(room, None)
        if row is None:
            return
        last = self._rooms.pop()
        if last != room:
            self._rooms[row] = last
            self._row_of[last] = row
            self._middles[row] = self._middles[len(self._rooms)]
            self._reaches[row] = self._reaches[len(self._rooms)]

    def outwards(self, point: Point) -> Iterator[tuple[float, RoomId]]:
        """Every room with metres to its circle, 0 or less inside, nearest first. Nothing may change meanwhile."""
        count = len(self._rooms)
        # Half a chord is well behaved at small distances, where a cosine is not.
        apart = self._middles[:count] - np.array(unit(point.lat, point.lon))
        half = np.sqrt(np.einsum("ij,ij->i", apart, apart)) / 2
        away = 2 * EARTH_M * np.arcsin(np.minimum(half, 1.0)) - self._reaches[:count]
        few, left = _FEW, np.arange(count)
        while few < len(left):
            halves = np.argpartition(away[left], few - 1)
            for row in _in_order(left[halves[:few]], away):
                yield float(away[row]), self._rooms[row]
            left, few = left[halves[few:]], few * 4
        for row in _in_order(left, away):
            yield float(away[row]), self._rooms[row]


def _in_order(rows: NDArray[np.intp], away: NDArray[np.float64]) -> NDArray[np.intp]:
    return rows[np.argsort(away[rows])]
