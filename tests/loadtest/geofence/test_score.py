"""Edges told are held against the true ones; what is wrong is counted by its own name."""

import pytest

from loadtest.geofence.score import match, total
from loadtest.geofence.truth import Told, Truth
from tests.loadtest.geofence.test_truth import DWELL_S, VISIT

TRUTH = Truth(VISIT, DWELL_S)
IN, OUT = Told(True, 112, 78), Told(False, 372, 336)


@pytest.mark.parametrize(
    ("told", "matched", "missed", "false", "excused"),
    [
        pytest.param([IN, OUT], 2, 0, 0, 0, id="right"),
        pytest.param([], 0, 2, 0, 0, id="nothing"),
        pytest.param([IN], 1, 1, 0, 0, id="never left"),
        pytest.param([Told(True, 200, 80), OUT], 1, 1, 0, 1, id="too late"),
        pytest.param([Told(True, 50, 20), OUT], 1, 1, 1, 0, id="too early"),
        pytest.param(
            [IN, Told(False, 200, 170), Told(True, 240, 210), OUT], 2, 0, 2, 0, id="away and back"
        ),
        pytest.param([IN, OUT, Told(True, 500, 470), Told(False, 550, 520)], 2, 0, 2, 0, id="again"),
        pytest.param([Told(True, 90, 77), Told(False, 100, 95), IN, OUT], 2, 0, 1, 1, id="flaps"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_found(
    told: list[Told], matched: int, missed: int, false: int, excused: int
) -> None:
    """Each by its own name."""
    found = match(TRUTH, told)
    assert (len(found.matched), len(found.missed)) == (matched, missed)
    assert (len(found.false), found.excused) == (false, excused)


def test_an_end_by_silence_is_neither_right_nor_wrong() -> None:
    """It is counted."""
    found = match(TRUTH, [IN, Told(False, 250, 200, is_silence=True)])
    assert (found.silent, found.false, len(found.missed)) == (1, (), 1)


def test_sums() -> None:
    """Latency counts from the crossing."""
    score = total([match(TRUTH, [IN, OUT]), match(TRUTH, [IN, Told(False, 200, 170)])], hours=0.5)
    assert (score.true, score.matched, score.false) == (4, 3, 1)
    assert score.precision == pytest.approx(0.75)
    assert score.recall == pytest.approx(0.75)
    assert score.false_per_hour == pytest.approx(2)
    assert score.latencies_s == pytest.approx((37, 38, 38), abs=0.5)
    assert total([], 0).figures()["precision"] == 1
