"""A plot of bars, lying: the same figures of several things, one below the other.

Owns where everything stands. Must never draw what there is no figure of: it says why there is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from loadtest.chart.paper import MARGIN, WIDTH, Paper
from loadtest.chart.scale import Linear, written

LEFT: Final = 196
TOP: Final = 74
TOP_ALONE: Final = 50
"""Bars of one kind need no legend."""

THICK: Final = 15
BETWEEN: Final = 14
ROOM_FOR_FIGURES: Final = 56


class Row(NamedTuple):
    """One thing and its figures, in the order of the legend; what is None was not measured, `why` not."""

    name: str
    figures: Sequence[float | None]
    why: str = ""


def bars(title: str, legend: Sequence[str], rows: Sequence[Row]) -> str:
    """The picture."""
    tall = len(legend) * THICK + BETWEEN
    first = TOP if len(legend) > 1 else TOP_ALONE
    paper = Paper(title, first + tall * len(rows) + MARGIN - BETWEEN)
    known = [figure for row in rows for figure in row.figures if figure is not None]
    along, width = Linear(known), WIDTH - LEFT - MARGIN - ROOM_FOR_FIGURES
    if len(legend) > 1:
        paper.legend(legend)
    for number, row in enumerate(rows):
        top = first + number * tall
        paper.words(LEFT - 10, top + (tall - BETWEEN) / 2 + 4, row.name, "ink", "end")
        if row.why:
            paper.words(LEFT + 4, top + (tall - BETWEEN) / 2 + 4, row.why)
            continue
        for colour, figure in enumerate(row.figures):
            y = top + colour * THICK
            if figure is None:
                paper.words(LEFT + 4, y + THICK - 4, "not measured")
                continue
            long = along.share(figure) * width
            paper.bar((LEFT, y), (long, THICK - 2), colour)
            paper.words(LEFT + long + 6, y + THICK - 4, written(figure), "ink")
    return paper.svg()
