"""A grid over the Earth, to which the positions of people are snapped before anything is computed from them.

    position --snapped--> middle of its cell, some 500 m wide

Whatever an answer is made of, it tells the cell and no more: the same question from two places of one cell is one
question. Rows run along the parallels; each has as many cells as make them square. Owns the arithmetic. Must never
keep a position.
"""

from __future__ import annotations

from math import cos, pi, radians
from typing import Final

from muster.point import EARTH_M, Point

CELL_M: Final = 500.0
_ROWS: Final = round(pi * EARTH_M / CELL_M)


def snapped(point: Point) -> Point:
    """The middle of the cell that holds a point: at most 360 m from it."""
    row = min(int((point.lat + 90) / 180 * _ROWS), _ROWS - 1)
    middle = (row + 0.5) * 180 / _ROWS - 90
    cells = max(1, round(2 * _ROWS * cos(radians(middle))))
    # The date line is the edge of a cell: 180 degrees are -180.
    cell = int((point.lon + 180) / 360 * cells) % cells
    return Point(middle, (cell + 0.5) * 360 / cells - 180)
