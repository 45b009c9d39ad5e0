"""The claims of muster/lanes.py."""

from __future__ import annotations

import pytest
from redis.crc import key_slot as slot_by_redis

from muster.lanes import LANES_MOST, SLOTS, LaneTable


def test_lane_i_lies_in_the_ith_share_of_the_slots() -> None:
    """For every number of lanes there may be, by redis-py's own arithmetic."""
    for lanes in range(1, LANES_MOST + 1):
        table = LaneTable(lanes)
        for lane, stream in enumerate(table.streams):
            slot = slot_by_redis(stream)
            assert lane * SLOTS <= slot * lanes < (lane + 1) * SLOTS
            assert slot_by_redis(table.epochs[lane]) == slot == table.slots[lane]
        assert len({*table.streams, *table.epochs}) == 2 * lanes


@pytest.mark.parametrize("primaries", [2, 3, 4, 6, 8])
def test_primaries_carry_like_shares(primaries: int) -> None:
    """Of 16 lanes each primary of an evenly cut cluster holds its share, give or take one."""
    held = [0] * primaries
    for slot in LaneTable(16).slots:
        held[slot * primaries // SLOTS] += 1
    assert max(held) - min(held) <= 1


def test_keys_never_change() -> None:
    """A key that changed would cut running hubs from new ones."""
    assert LaneTable(16).streams[:2] == (b"muster:{3560}:lane", b"muster:{22069}:lane")


@pytest.mark.parametrize("lanes", [0, -1, LANES_MOST + 1])
def test_other_numbers_are_refused(lanes: int) -> None:
    """With a sentence, not with lanes that share a slot."""
    with pytest.raises(ValueError, match="1 to 256 lanes"):
        LaneTable(lanes)


def test_a_namespace_cannot_hide_the_tags() -> None:
    """A brace in it would be taken for the tag."""
    with pytest.raises(ValueError, match="brace"):
        LaneTable(4, "a{b}")
