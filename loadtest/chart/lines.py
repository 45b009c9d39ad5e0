"""A plot of lines over a logarithmic axis: how something grows with something else.

Owns where everything stands. Must never join what was not measured: a line goes through its points, in order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from loadtest.chart.paper import MARGIN, WIDTH, Paper
from loadtest.chart.scale import Linear, Log, written

HEIGHT: Final = 380
LEFT: Final = 76
TOP: Final = 92
BOTTOM: Final = 60
_APART: Final = 13
"""What is closer than this, in pixels, would lie upon each other."""


class Line(NamedTuple):
    """Points in ascending order of x."""

    name: str
    points: Sequence[tuple[float, float]]


class Plot(NamedTuple):
    """What stands around the lines. `x_log`, `y_log`: figures above 0 only; else the axis begins at 0."""

    title: str
    x: str
    y: str
    x_log: bool = True
    y_log: bool = True


def lines(plot: Plot, drawn: Sequence[Line]) -> str:
    """The picture. Every point has its figure above or below it, unless there is no room."""
    paper = Paper(plot.title, HEIGHT)
    points = [point for line in drawn for point in line.points]
    ats = sorted({x for x, _ in points})
    across = (Log if plot.x_log else Linear)(ats)
    up = (Log if plot.y_log else Linear)([y for _, y in points])
    width, height = WIDTH - LEFT - MARGIN - 16, HEIGHT - TOP - BOTTOM

    def place(x: float, y: float) -> tuple[float, float]:
        return LEFT + across.share(x) * width, TOP + (1 - up.share(y)) * height

    for tick in up.ticks:
        _, y = place(ats[0], tick)
        paper.stroke([(LEFT, y), (LEFT + width, y)], "grid")
        paper.words(LEFT - 8, y + 4, written(tick), anchor="end")
    for at in ats:
        x, _ = place(at, up.ticks[0])
        paper.stroke([(x, TOP + height), (x, TOP + height + 5)], "axis")
        paper.words(x, TOP + height + 20, written(at), anchor="middle")
    paper.stroke([(LEFT, TOP + height), (LEFT + width, TOP + height)], "axis")
    paper.words(MARGIN, TOP - 16, plot.y)
    paper.words(LEFT + width / 2, HEIGHT - 16, plot.x, anchor="middle")
    paper.legend([line.name for line in drawn])
    _draw(paper, drawn, [[place(*point) for point in line.points] for line in drawn])
    return paper.svg()


def _draw(
    paper: Paper, drawn: Sequence[Line], places: Sequence[Sequence[tuple[float, float]]]
) -> None:
    taken = [place for each in places for place in each]
    for colour, (line, each) in enumerate(zip(drawn, places, strict=True)):
        paper.stroke(each, f"line c{colour}")
        for (x, y), (_, figure) in zip(each, line.points, strict=True):
            paper.dot(x, y, colour)
            for middle in (y - _APART, y + _APART):
                if all(abs(x - a) > 3 * _APART or abs(middle - b) >= _APART for a, b in taken):
                    paper.words(x, middle + 4, written(figure), "ink", "middle")
                    taken.append((x, middle))
                    break
