"""Rooms are dealt fairly: to people, and between hubs."""

from collections import Counter
from random import Random

import pytest

from loadtest.bench.deal import deal


@pytest.mark.parametrize(
    ("people", "rooms", "members", "each"), [(400, 200, 10, 5), (10_000, 1_000, 30, 3)]
)
def test_everybody_is_in_as_many_rooms(people: int, rooms: int, members: int, each: int) -> None:
    """The rooms of `publish` and of `idle`: nobody twice in one, half of each on either hub."""
    dealt = deal(people, rooms, members, 2, Random(1))
    assert all(len(set(room)) == members for room in dealt)
    assert all(sum(person % 2 for person in room) == members // 2 for room in dealt)
    counts = Counter(person for room in dealt for person in room)
    assert set(counts.values()) == {each}
    assert len(counts) == people


def test_a_room_larger_than_the_crowd_is_refused() -> None:
    """Rather than somebody being in it twice."""
    with pytest.raises(ValueError, match="more members"):
        deal(4, 1, 6, 2, Random(1))
