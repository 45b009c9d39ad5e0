"""A client that lost its socket comes back soon, spread out, and never before it was told to."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from loadtest.client.backoff import BASE_S, CEILING_S, STABLE_S, Backoff


@given(st.integers(0, 2**32), st.lists(st.floats(0, STABLE_S - 0.01), max_size=40))
def test_pause_stays_under_a_doubling_ceiling(seed: int, lives_s: list[float]) -> None:
    """Each failure in a row doubles the ceiling, up to the last one."""
    backoff = Backoff(Random(seed))
    for failures, lived_s in enumerate(lives_s):
        assert 0.0 <= backoff.pause_s(lived_s) <= min(CEILING_S, BASE_S * 2**failures)


def test_only_a_stable_socket_ends_the_count() -> None:
    """A socket that was let in and dropped at once is still trouble."""
    backoff = Backoff(Random(1))
    for _ in range(5):
        backoff.pause_s(STABLE_S / 2)
    assert backoff.failures == 5
    assert backoff.pause_s(STABLE_S) <= BASE_S
    assert backoff.failures == 1


@given(st.integers(0, 2**32), st.integers(0, 60_000))
def test_never_before_the_server_said(seed: int, retry_after_ms: int) -> None:
    """What the server asks for is the least, and jitter comes on top."""
    pause_s = Backoff(Random(seed)).pause_s(0.0, retry_after_ms)
    assert retry_after_ms / 1_000 <= pause_s <= retry_after_ms / 1_000 + BASE_S


def test_many_told_the_same_do_not_come_at_once() -> None:
    """A thousand clients told the same moment come spread over the whole window."""
    pauses = sorted(Backoff(Random(seed)).pause_s(60, 2_000) for seed in range(1_000))
    assert pauses[0] < 2.0 + BASE_S * 0.05
    assert pauses[-1] > 2.0 + BASE_S * 0.95


@given(st.integers(0, 2**32), st.integers(500, 2_000))
def test_a_socket_that_broke_without_a_word_spreads_as_its_hub_asked(
    seed: int, spread_ms: int
) -> None:
    """The spread is the least ceiling; where the server has said when, it does not count."""
    assert Backoff(Random(seed)).pause_s(60, None, spread_ms) <= spread_ms / 1_000
    assert Backoff(Random(seed)).pause_s(60, 0, spread_ms) <= BASE_S
    pauses = [Backoff(Random(n)).pause_s(60, None, spread_ms) for n in range(300)]
    assert max(pauses) > 0.9 * spread_ms / 1_000
