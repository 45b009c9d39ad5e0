"""The truth of hand-made walks: one line, a fence of 100 m around 0, 0, a fix every five seconds."""

from math import inf

import pytest

from loadtest.geofence.path import Path
from loadtest.geofence.terrain import Round
from loadtest.geofence.trace import Spot
from loadtest.geofence.truth import GRACE_S, Case, Heard, Told, Truth

DWELL_S = 30.0
FENCE = Round(0, 0, 100)


def _case(*ways: tuple[float, float], every_s: float = 5.0, late_s: float = 0.5) -> Case:
    """Each way: a time, and how far from the middle somebody then is."""
    path = Path([Spot(at_s, far_m, 0.0) for at_s, far_m in ways], known_for_s=inf)
    heard = []
    at_s = path.begins_s
    while at_s <= path.ends_s:
        spot = path.at(at_s)
        assert spot is not None
        heard.append(Heard(at_s, at_s + late_s, spot.x, spot.y, 5.0))
        at_s += every_s
    return Case("made", FENCE, path, tuple(heard))


VISIT = _case((0, 250), (100, 50), (300, 50), (400, 250), (600, 250))


def test_a_visit_is_an_enter_and_an_exit() -> None:
    """Crossed where the border is, and where the exit border is; due two dwells and three fixes later."""
    enter, leave = Truth(VISIT, DWELL_S).edges
    assert enter.is_enter
    assert not leave.is_enter
    assert enter.crossed_s == pytest.approx(75, abs=1)
    assert leave.crossed_s == pytest.approx(335, abs=1)
    assert enter.deadline_s == pytest.approx(90 + 60 + 10 + 0.5 + GRACE_S, abs=1)
    assert leave.since_s == pytest.approx(314, abs=2)


@pytest.mark.parametrize(
    "ways",
    [
        pytest.param(((0, 250), (600, 130)), id="past it"),
        pytest.param(((0, 250), (60, 70), (85, 70), (130, 250), (400, 250)), id="in for 25 s"),
        pytest.param(((0, 250), (60, 90), (500, 90), (560, 250), (700, 250)), id="on the border"),
    ],
)
def test_who_was_not_surely_there_for_the_dwell_made_no_edge(
    ways: tuple[tuple[float, float], ...],
) -> None:
    """Nothing is asked of a judge."""
    assert Truth(_case(*ways), DWELL_S).edges == []


def test_a_step_outside_is_no_exit() -> None:
    """20 s beyond the exit border."""
    ways = ((0, 250), (50, 0), (200, 0), (240, 170), (250, 170), (290, 0), (500, 0))
    assert [edge.is_enter for edge in Truth(_case(*ways), DWELL_S).edges] == [True]


def test_whoever_is_there_from_the_first_fix_has_entered() -> None:
    """Everybody begins absent."""
    truth = Truth(_case((0, 0), (300, 0)), DWELL_S)
    assert [(edge.is_enter, edge.crossed_s) for edge in truth.edges] == [(True, 0.0)]


def test_the_dwell_begins_with_the_first_evidence() -> None:
    """A fix a minute: the third one after a dwell is late, and so is the deadline."""
    (enter,) = Truth(_case((0, 250), (100, 0), (900, 0), every_s=60), DWELL_S).edges
    assert enter.deadline_s == pytest.approx(300 + 0.5 + GRACE_S)


def test_what_nobody_knows_is_not_judged() -> None:
    """A silence in a recording: neither a stay nor against one."""
    spots = [Spot(at, 250.0, 0.0) for at in range(0, 60, 5)]
    spots += [Spot(at, 0.0, 0.0) for at in range(300, 400, 5)]
    heard = tuple(Heard(spot.at_s, spot.at_s, spot.x, spot.y, 5.0) for spot in spots)
    truth = Truth(Case("gap", FENCE, Path(spots), heard), DWELL_S)
    assert [run.first_s for run in truth.inside] == [300]
    assert truth.could_be(Told(True, 200, 180))


@pytest.mark.parametrize(
    ("told", "could"),
    [
        pytest.param(Told(True, 110, 80), True, id="in time"),
        pytest.param(Told(True, 80, 76), True, id="soon after the crossing: noise"),
        pytest.param(Told(True, 60, 30), False, id="from outside"),
        pytest.param(Told(True, 500, 470), False, id="long gone"),
        pytest.param(Told(False, 380, 340), True, id="went"),
        pytest.param(Told(False, 250, 220), False, id="in the middle of it"),
        pytest.param(Told(False, 380, 150), False, id="in time, but said to be long ago"),
    ],
)
def test_what_could_be(told: Told, could: bool) -> None:
    """By the path of a plain visit."""
    assert Truth(VISIT, DWELL_S).could_be(told) is could


def test_near_the_border_both_could_be() -> None:
    """Somebody who stands on it: no edge is asked for, and none is wrong."""
    truth = Truth(_case((0, 250), (60, 105), (600, 105)), DWELL_S)
    assert truth.edges == []
    assert truth.could_be(Told(True, 300, 260))
    assert truth.could_be(Told(False, 400, 360))
