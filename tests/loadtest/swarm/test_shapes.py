"""Ramp, spike and soak go where they say, within the time they have."""

from itertools import pairwise

import pytest

from loadtest.swarm.shapes import NAMES, SPIKE_WITHIN_S, Target, target


def _curve(shape: str, users: int = 1_000, for_s: float = 300.0) -> list[Target]:
    found = [target(shape, float(second), users, 50.0, for_s) for second in range(int(for_s))]
    assert None not in found
    return [each for each in found if each is not None]


@pytest.mark.parametrize("shape", NAMES)
def test_all_end_in_time_and_never_exceed(shape: str) -> None:
    """At the end there is nothing more; before it at least one user, at most all, and all at some time."""
    curve = _curve(shape)
    assert target(shape, 300.0, 1_000, 50.0, 300.0) is None
    assert all(1 <= each.users <= 1_000 and each.per_s > 0 for each in curve)
    assert max(each.users for each in curve) == 1_000


def test_a_ramp_only_rises_and_can_keep_up() -> None:
    """Each step is reached before the next begins."""
    curve = _curve("ramp")
    steps = sorted({each.users for each in curve})
    assert [each.users for each in curve] == sorted(each.users for each in curve)
    assert len(steps) == 20
    assert all((b - a) / curve[0].per_s <= 300 * 0.8 / 20 for a, b in pairwise(steps))


def test_a_spike_comes_at_once_and_goes() -> None:
    """A quarter, then all within ten seconds, then a quarter."""
    curve = _curve("spike")
    assert [curve[second].users for second in (0, 99, 100, 199, 200, 299)] == [
        250,
        250,
        1_000,
        1_000,
        250,
        250,
    ]
    assert 750 / curve[100].per_s <= SPIKE_WITHIN_S


def test_a_soak_rises_and_stays() -> None:
    """All are asked for from the beginning, at a rate that takes a tenth of the time."""
    assert set(_curve("soak")) == {Target(1_000, 1_000 / 30)}


def test_what_has_no_time_says_so() -> None:
    """Only a flat run may go on for ever."""
    assert target("flat", 1e6, 10, 2.0, None) == Target(10, 2.0)
    with pytest.raises(ValueError, match="--run-time"):
        target("spike", 0.0, 10, 2.0, None)
