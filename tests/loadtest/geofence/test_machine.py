"""The product's machine passes its bars on a little of every kind of input; judges without its rules do not."""

import os
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from loadtest.geofence.bench import judged
from loadtest.geofence.judge import Judge, Seen, play
from loadtest.geofence.kinds import REAL, SKIES, made_up, real
from loadtest.geofence.machine import machine_of
from loadtest.geofence.picture import picture
from loadtest.geofence.score import Score, match, total
from loadtest.geofence.terrain import Fence
from loadtest.geofence.trace import read
from loadtest.geofence.truth import Heard, Told, Truth
from loadtest.geofence.walk import visits, walk
from loadtest.progress import Progress
from muster.terms import Terms

DWELL_S = 30.0
WALKERS = 14
TRACES = 24
_DATA = Path(os.environ.get("MUSTER_TEST_DATA") or Path(__file__).parents[3] / "../shared/data")
FILE = _DATA / "gps" / "traces.zip"
recorded_ones = pytest.mark.skipif(not FILE.exists(), reason="the traces are not here")


@pytest.mark.parametrize("kind", SKIES)
def test_made_up_walkers_are_judged_rightly(kind: str) -> None:
    """No edge is false, and hardly one is missed."""
    score, wrong = judged(kind, made_up(kind, WALKERS, 1), WALKERS, DWELL_S, Progress())
    _passes(score, wrong)


@recorded_ones
def test_recorded_traces_are_judged_rightly() -> None:
    """Some of them: `python -m loadtest geofence` takes all."""
    traces = read(FILE)[:TRACES]
    score, wrong = judged(REAL, real(traces, 1), TRACES, DWELL_S, Progress())
    _passes(score, wrong)
    assert score.true > 60


def _passes(score: Score, wrong: object) -> None:
    assert score.true > 10
    assert score.false == 0, wrong
    assert score.recall >= 0.97, wrong
    assert score.figures()["edge_latency_p50_s"] >= DWELL_S


class _Eager:
    """Believes every fix at once."""

    def __init__(self, fence: Fence) -> None:
        self._fence = fence
        self._is_inside = False

    def hear(self, fixes: Sequence[Heard]) -> tuple[list[Seen], list[Told]]:
        told = []
        for fix in fixes:
            is_inside = self._fence.beyond_m(fix.x, fix.y) < 0
            if is_inside is not self._is_inside:
                told.append(Told(is_inside, fix.arrives_s, fix.at_s))
            self._is_inside = is_inside
        return [Seen(fix, "", "") for fix in fixes], told

    def wait(self, until_s: float) -> list[Told]:
        return []


class _Silent(_Eager):
    """Never says a word."""

    def hear(self, fixes: Sequence[Heard]) -> tuple[list[Seen], list[Told]]:
        return [Seen(fix, "", "") for fix in fixes], []


def _score(kind: str, judge: type[_Eager]) -> Score:
    matches = []
    for cases in made_up(kind, WALKERS, 1):
        for case in cases:
            one: Judge = judge(case.fence)
            matches.append(match(Truth(case, DWELL_S), play(case, one).told))
    return total(matches, 1.0)


@pytest.mark.parametrize("kind", ["canyon", "jumps"])
def test_a_judge_without_rules_is_seen_through(kind: str) -> None:
    """The measurement has teeth."""
    assert _score(kind, _Eager).precision < 0.7
    assert _score(kind, _Silent).recall == 0


def test_without_looking_at_several_fixes_jumps_are_believed() -> None:
    """The machine itself, with a dwell of nothing and one fix enough."""
    careless = Terms(dwell_ms=0, fixes_needed=1, fixes_looked_at=1)
    false = 0
    for cases in made_up("jumps", WALKERS, 1):
        for case in cases:
            told = play(case, machine_of(case.fence, careless)).told
            false += len(match(Truth(case, DWELL_S), told).false)
    assert false > 10


@recorded_ones
def test_a_walk_is_told_and_drawn() -> None:
    """Every edge has a line, and the picture everything that its legend names."""
    trace = next(trace for trace in read(FILE) if trace.name == "trajectory_0724")
    walks = list(walk(trace, DWELL_S, 1))
    assert len(walks) == 6
    one = walks[4]
    assert [line.partition(": ")[2].split()[0] for line in visits(one)] == ["came", "went"]
    svg = picture("a <walk>", one.played, one.truth)
    words = ["".join(text.itertext()) for text in ET.fromstring(svg).iter() if "text" in text.tag]  # noqa: S314  # our own
    for said in ("a <walk>", "fence", "exit border", "inaccurate: 1", "truth", "judged", "fixes"):
        assert said in words
    assert sum(word.startswith(("entered, told", "left, told")) for word in words) == 2
    assert svg == picture("a <walk>", one.played, one.truth)
