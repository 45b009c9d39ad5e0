"""Token buckets: nobody gets more than burst plus rate times time, nor less."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.bucket import Buckets, Rate, network_of


@given(st.lists(st.floats(0, 5), max_size=60), st.floats(0.1, 10), st.floats(1, 10))
def test_no_more_than_allowed(pauses: list[float], per_s: float, burst: float) -> None:
    """However the requests are spread."""
    buckets = Buckets(Rate(per_s, burst))
    now, taken = 100.0, 0
    for pause in pauses:
        now += pause
        taken += buckets.take("x", now) == 0.0
    assert taken <= burst + (now - 100.0) * per_s + 1e-6


def test_who_waits_as_told_is_let_in() -> None:
    """The wait is exact, and being refused costs nothing."""
    buckets = Buckets(Rate(2.0, 1.0))
    assert buckets.take("x", 0.0) == 0.0
    assert buckets.take("x", 0.0) == buckets.take("x", 0.0) == pytest.approx(0.5)
    assert buckets.take("y", 0.0) == 0.0
    assert buckets.take("x", 0.5) == 0.0


def test_memory_is_bounded() -> None:
    """The longest untouched goes."""
    buckets = Buckets(Rate(1.0, 1.0), most=3)
    for key in range(10):
        buckets.take(key, float(key))
    assert len(buckets) == 3


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9%eth0", "2001:db8:1:2::/64"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_networks(address: str, network: str) -> None:
    """One household is one key."""
    assert network_of(address) == network
