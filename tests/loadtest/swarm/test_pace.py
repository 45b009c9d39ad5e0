"""Everything is due at its own time, whatever happened since; storms come to all at once."""

from math import inf
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from loadtest.swarm.pace import DROP_WITHIN_S, Pace, begin, next_storm


@given(
    st.floats(0.05, 100.0),
    st.lists(st.floats(0.0001, 3.0), min_size=1, max_size=30),
)
def test_every_post_is_due_once_and_never_early(every_s: float, pauses_s: list[float]) -> None:
    """However irregularly it is asked, each time comes once, in order, and not before it is there."""
    pace, now, seen = Pace(every_s, 50.0), 50.0, 0
    for pause_s in pauses_s:
        now += pause_s
        for at in pace.due(now):
            assert at == 50.0 + seen * every_s
            assert at <= now
            seen += 1
        assert pace.next_at() > now


def test_a_stall_moves_nothing() -> None:
    """After three seconds of silence three seconds of posts are due, each since its own time."""
    pace = Pace(1.0, 10.0)
    assert pace.due(10.0) == [10.0]
    assert pace.due(13.0) == [11.0, 12.0, 13.0]


def test_never_is_never() -> None:
    """A pace of 0 posts nothing."""
    assert begin(0.0, 5.0, Random(1)).due(1e9) == []
    assert next_storm(1e9, 0.0, Random(1)) == inf


@given(st.floats(1e9, 2e9), st.floats(5.0, 600.0), st.integers(0, 1_000))
def test_a_storm_takes_everybody_within_a_second(wall_s: float, every_s: float, seed: int) -> None:
    """Two processes that know nothing of each other drop their sockets in the same second."""
    drops = [next_storm(wall_s, every_s, Random(seed + number)) for number in range(20)]
    assert min(drops) > wall_s
    assert max(drops) - min(drops) <= DROP_WITHIN_S
    assert max(drops) - wall_s <= every_s + DROP_WITHIN_S
