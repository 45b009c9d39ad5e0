"""The REST mix keeps its shares, and changes only what is there."""

from collections import Counter
from random import Random

from loadtest.swarm.lateness import Lateness
from loadtest.swarm.mix import Mix

PAGES = ("history page", "my rooms")


def test_the_shares_are_as_promised() -> None:
    """70 % pages, 20 % posts, 10 % other writes, once there is something to write about."""
    mix = Mix(["r"], Random(1))
    mix.posted("r", 7)
    names = Counter(mix.next("id", "text").name for _ in range(20_000))
    assert abs(sum(names[name] for name in PAGES) - 14_000) < 300
    assert abs(names["post"] - 4_000) < 300
    assert abs(names["read pointer"] + names["reaction"] - 2_000) < 300


def test_nothing_is_changed_that_is_not_known() -> None:
    """Before the first post there is no message of theirs to read or react to: they post."""
    names = {Mix(["r"], Random(seed)).next("id", "text").name for seed in range(500)}
    assert names == {*PAGES, "post"}


def test_lateness_is_counted() -> None:
    """By whole milliseconds; of nothing it is 0."""
    lateness = Lateness()
    assert lateness.percentile_ms(0.99) == 0
    for late_ms in range(1, 101):
        lateness.add(late_ms / 1000)
    lateness.add(1e6)
    assert [lateness.percentile_ms(share) for share in (0.5, 0.98, 1.0)] == [51, 99, 10_000]
