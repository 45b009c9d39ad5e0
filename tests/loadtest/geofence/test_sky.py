"""What phones make of where they are: each model is what it says, and follows from its seed."""

from collections.abc import Sequence
from itertools import pairwise
from math import hypot, inf
from random import Random
from statistics import mean

import pytest

from loadtest.geofence.kinds import SKIES, made_up
from loadtest.geofence.path import Path, median_path
from loadtest.geofence.sky import OVER_CONFIDENT_M, recorded
from loadtest.geofence.trace import Spot
from loadtest.geofence.truth import Heard

HOURS = 20
PATH = Path([Spot(0.0, 0.0, 0.0), Spot(HOURS * 3600.0, 0.0, 0.0)], known_for_s=inf)


def _heard(kind: str, seed: int = 1) -> list[Heard]:
    return SKIES[kind](PATH, Random(seed))


def _off(fix: Heard) -> float:
    return hypot(fix.x, fix.y)


def _held(fixes: Sequence[Heard]) -> float:
    """How much of an error is left at the next fix."""
    pairs = [(one.x, two.x) for one, two in pairwise(fixes)]
    return mean(a * b for a, b in pairs) / mean(a * a for a, _ in pairs)


@pytest.mark.parametrize("kind", ["steady", "canyon", "sparse", "tunnel"])
def test_accuracy_is_honest(kind: str) -> None:
    """Two thirds of all fixes are within what they claim."""
    fixes = _heard(kind)
    assert mean(_off(fix) <= fix.accuracy_m for fix in fixes) == pytest.approx(0.68, abs=0.06)


def test_a_canyon_is_wrong_for_a_while() -> None:
    """By ten metres and more, and still so at the next fix; at times much more."""
    fixes = _heard("canyon")
    assert 10 < mean(map(_off, fixes)) < 25
    assert _held(fixes) > 0.7
    assert mean(fix.accuracy_m > 28 for fix in fixes) == pytest.approx(0.2, abs=0.1)


def test_jumps_are_far_and_sure_of_themselves() -> None:
    """One fix in forty or so; all others are good ones."""
    fixes = _heard("jumps")
    wrong = [fix for fix in fixes if fix.accuracy_m == OVER_CONFIDENT_M]
    assert 0.015 < len(wrong) / len(fixes) < 0.04
    assert all(_off(fix) > 130 for fix in wrong)
    assert max(_off(fix) for fix in fixes if fix.accuracy_m > OVER_CONFIDENT_M) < 40


def test_sparse_fixes_come_late_together_and_out_of_order() -> None:
    """About one a minute; a batch arrives at once, after the last of it was made."""
    fixes = _heard("sparse")
    assert len(fixes) / HOURS == pytest.approx(60, abs=6)
    assert all(fix.arrives_s > fix.at_s for fix in fixes)
    assert all(one.arrives_s <= two.arrives_s for one, two in pairwise(fixes))
    assert sum(one.at_s > two.at_s for one, two in pairwise(fixes)) > 20
    assert len({fix.arrives_s for fix in fixes}) < len(fixes) / 2
    assert max(fix.arrives_s - fix.at_s for fix in fixes) < 900


def test_a_tunnel_is_silent_for_minutes() -> None:
    """But not for a quarter of an hour."""
    gaps = [two.at_s - one.at_s for one, two in pairwise(_heard("tunnel"))]
    assert sum(gap > 60 for gap in gaps) > 5 * HOURS
    assert max(gaps) < 600


@pytest.mark.parametrize("kind", SKIES)
def test_the_same_seed_is_the_same_walk(kind: str) -> None:
    """And another seed another."""

    def heard(seed: int) -> list[object]:
        return [(case.fence, case.heard) for cases in made_up(kind, 7, seed) for case in cases]

    assert heard(3) == heard(3)
    assert heard(3) != heard(4)


def test_a_recorded_fix_claims_what_it_is_off() -> None:
    """A jump says so; the place is as it was recorded."""
    spots = [Spot(5.0 * n, 150.0 if n == 20 else 0.0, 0.0) for n in range(40)]
    heard = recorded(spots, median_path(spots), Random(1))
    assert [(fix.at_s, fix.x) for fix in heard] == [(spot.at_s, spot.x) for spot in spots]
    assert heard[20].accuracy_m > 60
    assert max(fix.accuracy_m for fix in heard if fix.x == 0) < 30
