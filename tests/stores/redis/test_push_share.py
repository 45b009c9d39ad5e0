"""The claims of muster/stores/redis/push_share.py: the most urgent first, evenly, and never more than was wanted."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from muster.stores.redis.push_share import shares

_COUNTS = st.lists(st.tuples(*[st.integers(0, 30)] * 3), min_size=1, max_size=16)


@given(counts=_COUNTS, most=st.integers(0, 200), first=st.integers(0, 15))
def test_as_many_as_wanted_are_shared_and_none_twice(
    counts: list[tuple[int, int, int]], most: int, first: int
) -> None:
    """All that wait, where fewer wait."""
    found = shares(counts, most, first)
    assert sum(share.most for share in found) == min(most, sum(map(sum, counts)))
    assert len({share[:2] for share in found}) == len(found)
    assert all(0 < share.most <= counts[share.bucket][share.lane] for share in found)


@given(counts=_COUNTS, most=st.integers(0, 200), first=st.integers(0, 15))
def test_nothing_is_read_while_something_more_urgent_waits(
    counts: list[tuple[int, int, int]], most: int, first: int
) -> None:
    read = Counter[int]()
    for share in shares(counts, most, first):
        read[share.lane] += share.most
    for lane in (1, 2):
        if read[lane]:
            assert read[lane - 1] == sum(count[lane - 1] for count in counts)


@given(counts=_COUNTS, most=st.integers(0, 200), first=st.integers(0, 15))
def test_of_the_same_urgency_nobody_gets_more_while_another_waits_with_less(
    counts: list[tuple[int, int, int]], most: int, first: int
) -> None:
    """Shares differ by one at most, but of a bucket that has no more."""
    read = {share[:2]: share.most for share in shares(counts, most, first)}
    for lane in range(3):
        got = [(read.get((bucket, lane), 0), count[lane]) for bucket, count in enumerate(counts)]
        highest = max(share for share, _ in got)
        assert all(share >= highest - 1 or share == there for share, there in got)


def test_a_single_job_is_not_always_read_of_the_same_bucket() -> None:
    """Else one bucket's would wait for ever behind another's."""
    assert {shares([(9, 0, 0)] * 4, 1, first)[0].bucket for first in range(4)} == {0, 1, 2, 3}
