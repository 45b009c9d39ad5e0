"""Plots are well-formed, hold every figure, and are the same bytes for the same figures."""

from __future__ import annotations

from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.chart.bars import Row, bars
from loadtest.chart.lines import Line, Plot, lines
from loadtest.chart.scale import MOST_TICKS, Linear, Log, written

_SVG = "{http://www.w3.org/2000/svg}"
_figures = st.lists(st.floats(1e-3, 1e7), min_size=1, max_size=12)


@given(_figures)
def test_every_figure_lies_on_its_axis(figures: list[float]) -> None:
    """Linear from 0, logarithmic from the first tick; order is kept."""
    for scale in (Linear(figures), Log(figures)):
        shares = [scale.share(figure) for figure in sorted(figures)]
        assert all(-1e-6 <= share <= 1 + 1e-6 for share in shares)
        assert shares == sorted(shares)
        assert all(low < high for low, high in pairwise(scale.ticks))
        assert len(scale.ticks) >= 2


@given(_figures)
def test_a_linear_axis_has_few_ticks(figures: list[float]) -> None:
    """They are to be read."""
    assert len(Linear(figures).ticks) <= MOST_TICKS


def test_decades_have_ticks_between_only_where_there_is_room() -> None:
    """1, 2, 5 within a decade or two; powers of ten beyond."""
    assert Log([3, 18]).ticks == [2, 5, 10, 20]
    assert Log([10, 10_000]).ticks == [10, 100, 1_000, 10_000]


@pytest.mark.parametrize(
    ("figure", "shown"), [(0.123456, "0.123"), (9.44, "9.44"), (51.62, "51.6"), (1234.5, "1,234")]
)
def test_figures_are_written_with_three_digits(figure: float, shown: str) -> None:
    """What is beyond them is noise."""
    assert written(figure) == shown


def _parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314  # it is our own


def _words(svg: str) -> list[str]:
    return ["".join(text.itertext()) for text in _parsed(svg).iter(f"{_SVG}text")]


def test_a_plot_of_lines_says_what_it_shows() -> None:
    """Title, axes, legend and every figure; a dot for each, inside of the picture."""
    drawn = [Line("ours <1>", [(10, 30.4), (100, 25.9)]), Line("floor", [(10, 7), (100, 5.75)])]
    svg = lines(Plot("cost & members", "members", "us"), drawn)
    words = _words(svg)
    for said in ("cost & members", "members", "us", "ours <1>", "floor", "30.4", "25.9", "5.75"):
        assert said in words
    dots = list(_parsed(svg).iter(f"{_SVG}circle"))
    assert len(dots) == 4
    for dot in dots:
        assert 0 < float(dot.attrib["cx"]) < 720
        assert 0 < float(dot.attrib["cy"]) < 380
    assert svg == lines(Plot("cost & members", "members", "us"), drawn)


def test_figures_that_would_lie_upon_each_other_are_written_once() -> None:
    """Two lines through one point."""
    svg = lines(Plot("t", "x", "y"), [Line(name, [(1, 5.55), (10, 7)]) for name in "abc"])
    assert _words(svg).count("5.55") == 2  # above and below


def test_bars_are_as_long_as_their_figures_and_absence_is_said() -> None:
    """A thing without a figure has words in its place."""
    svg = bars(
        "us", ["20/s", "200/s"], [Row("ours", [4, 2]), Row("nchan", [], "absent: no"), Row("c", [1, None])]
    )  # fmt: skip
    long = [
        float(bar.attrib["width"])
        for bar in _parsed(svg).iter(f"{_SVG}rect")
        if "bar" in bar.attrib["class"] and bar.attrib["height"] == "13.0"
    ]
    assert long == [pytest.approx(2 * long[1], abs=0.1), long[1], pytest.approx(long[1] / 2, abs=0.1)]  # fmt: skip
    assert {"absent: no", "not measured", "20/s", "200/s"} <= set(_words(svg))


def test_plots_are_readable_by_night() -> None:
    """Their own paper, dark where the reader's is."""
    svg = bars("us", ["us"], [Row("ours", [4])])
    assert "prefers-color-scheme:dark" in svg
    assert 'class="paper"' in svg
