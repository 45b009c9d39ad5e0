"""Entries and rooms for tests of the bus."""

from __future__ import annotations

import random
from uuid import UUID

from muster.lane import LaneEntry
from muster.lanes import LaneTable
from proto.entry import EntryKind


def entry(room: bytes, seq: int, data: bytes = b"frame") -> LaneEntry:
    """A post."""
    return LaneEntry(room, seq, EntryKind.post, UUID(int=7).bytes, None, data)


def rooms_on(table: LaneTable) -> list[bytes]:
    """A room for every lane, in the order of lanes."""
    rooms: dict[int, bytes] = {}
    rng = random.Random(5)
    while len(rooms) < table.lanes:
        room = rng.randbytes(16)
        rooms.setdefault(table.lane_of(room), room)
    return [rooms[lane] for lane in range(table.lanes)]
