"""A socket's bucket: never more than burst + rate x time, and a wait that is true."""

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from muster.bucket import Rate
from realtime.bucket import Bucket

STEPS = st.lists(st.tuples(st.floats(0, 10), st.floats(0.1, 5)), max_size=50)


@given(st.floats(0.1, 100), st.floats(1, 50), STEPS)
def test_no_more_is_taken_than_the_rate_allows(
    per_s: float, burst: float, steps: list[tuple[float, float]]
) -> None:
    """In any time, at most burst + rate x time; and after the wait it told, the refused amount is there."""
    bucket, start = Bucket(Rate(per_s, burst)), 1_000_000.0
    now, taken = start, 0.0
    for pause, amount in steps:
        now += pause
        wait = bucket.take(now, amount)
        if wait == 0.0:
            taken += amount
            assert taken <= burst + per_s * (now - start) + 1e-3
        elif amount <= burst:
            now += wait
            assert bucket.take(now, amount) == 0.0
            taken += amount


def test_a_charge_is_owed_until_time_has_paid_it() -> None:
    """What was spent already is charged in any case; the answer is how long it is overdrawn."""
    bucket = Bucket(Rate(10.0, 20.0))
    assert bucket.charge(5.0, 20.0) == 0.0
    assert bucket.charge(5.0, 10.0) == 1.0
    assert bucket.take(5.5) > 0.0
    assert bucket.take(6.1) == 0.0


def test_an_infinite_rate_never_refuses() -> None:
    """That is how limits are turned off."""
    bucket = Bucket(Rate(inf, 1.0))
    assert not any(bucket.take(1.0) or bucket.charge(1.0, 1e9) for _ in range(100))
