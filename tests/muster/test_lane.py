"""The claims of muster/lane.py."""

from __future__ import annotations

from muster.lane import LaneEntry, pack, unpack
from proto.entry import EntryKind

# In the order of the first release. Hubs of two releases read the same lanes: a kind's number never changes.
FIRST = """
    post edit delete react unreact join leave kick role settings
    room_added room_removed invited read mute block unblock profile revoke ban unban
    """.split()  # noqa: SIM905  # a list of 20 quoted words reads worse
_NUMBER = 24  # room 16, seq 8


def test_kinds_keep_their_numbers() -> None:
    """New kinds go to the end of EntryKind."""
    numbers = {
        kind.value: pack(LaneEntry(bytes(16), 1, kind, bytes(16), None, b""))[_NUMBER]
        for kind in EntryKind
    }
    assert [numbers[name] for name in FIRST] == list(range(len(FIRST)))


def test_every_kind_travels() -> None:
    """Packed and unpacked it is what it was."""
    for kind in EntryKind:
        entry = LaneEntry(b"r" * 16, 7, kind, b"a" * 16, b"s" * 16, b"data")
        assert unpack(pack(entry)) == entry
