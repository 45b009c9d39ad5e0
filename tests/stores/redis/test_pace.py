"""The claim of a reader's pace: a quiet lane is read as soon as before, a full one less often and never late."""

from __future__ import annotations

from muster.stores.redis.reader import PACE_MOST_S, TOGETHER_PACE_S, after_s


def test_the_more_a_read_brought_the_later_the_next_up_to_a_bound() -> None:
    """At 500 entries/s it is as it was; a steady 8,000/s fills the longest pause."""
    pauses = [after_s(TOGETHER_PACE_S, entries) for entries in range(1_000)]
    assert pauses == sorted(pauses)
    assert pauses[0] == TOGETHER_PACE_S
    assert max(pauses) == PACE_MOST_S < 0.010
    assert pauses[1] <= 1.1 * TOGETHER_PACE_S
    assert after_s(TOGETHER_PACE_S, int(8_000 * PACE_MOST_S)) == PACE_MOST_S
