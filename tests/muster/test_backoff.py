"""The claims of muster/backoff.py."""

import random

from hypothesis import given
from hypothesis import strategies as st

from muster.backoff import pause_s


@given(failures=st.integers(0, 10_000), seed=st.integers(0, 2**32))
def test_a_pause_is_never_zero_and_never_above_its_bound(failures: int, seed: int) -> None:
    """However many failures: no busy loop, no wait without end, no overflow."""
    pause = pause_s(failures, random.Random(seed), first_s=0.2, most_s=15.0)
    assert 0.1 <= pause <= 15.0
