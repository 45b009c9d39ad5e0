"""The breaker, with a clock and dice that the test holds."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from muster.breaker import Breaker, Patience

FEW = Patience(faults=3, first_s=1.0, most_s=8.0, probe_within_s=5.0)


def broken(now_s: float = 0.0) -> Breaker:
    """Open."""
    breaker = Breaker(random.Random(1), FEW)
    for _ in range(FEW.faults):
        breaker.fault("down", now_s)
    return breaker


def test_it_opens_after_so_many_faults_in_a_row() -> None:
    """One that works in between begins the count anew."""
    breaker = Breaker(random.Random(1), FEW)
    for _ in range(2):
        breaker.fault("down", 0.0)
        breaker.fault("down", 0.0)
        assert (breaker.is_open, breaker.wait_s(0.0)) == (False, 0.0)
        breaker.good()
    assert broken().is_open
    assert broken().opened == 1


def test_one_probe_goes_and_the_others_wait_for_it() -> None:
    """Until it is answered, or taken for lost."""
    breaker = broken()
    assert breaker.wait_s(0.0) > 0
    assert [breaker.wait_s(1.0), breaker.wait_s(1.0) > 0] == [0.0, True]
    assert breaker.held == 2
    assert breaker.held_s(1.0 + FEW.probe_within_s) == 0.0
    breaker.good()
    assert (breaker.is_open, breaker.wait_s(1.0)) == (False, 0.0)


def test_each_pause_is_longer_up_to_the_longest_and_half_of_it_is_chance() -> None:
    """What had left before it opened counts once."""
    breaker, now_s = broken(), 0.0
    for whole_s in (1.0, 2.0, 4.0, 8.0, 8.0):
        breaker.fault("sent before", now_s)
        pause_s = breaker.held_s(now_s)
        assert whole_s / 2 <= pause_s <= whole_s
        now_s += pause_s
        assert breaker.wait_s(now_s) == 0.0
        breaker.fault("down", now_s)
    assert breaker.opened == 1


@given(st.lists(st.tuples(st.sampled_from(["ask", "good", "fault", "neither"]), st.floats(0, 20))))
def test_nobody_waits_for_ever(steps: list[tuple[str, float]]) -> None:
    """Whatever happens, after the longest pause and a lost probe somebody is let through."""
    breaker, now_s = Breaker(random.Random(1), FEW), 0.0
    for step, pause_s in steps:
        now_s += pause_s
        if step == "ask":
            breaker.wait_s(now_s)
        elif step == "good":
            breaker.good()
        elif step == "fault":
            breaker.fault("down", now_s)
        else:
            breaker.neither(now_s)
        assert breaker.held_s(now_s) <= max(FEW.most_s, FEW.probe_within_s)
