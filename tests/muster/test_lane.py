"""The claims of muster/lane.py."""

from __future__ import annotations

from uuid import uuid4

from muster.lane import LaneEntry, of_entry, pack, unpack
from proto.codec import MSGPACK
from proto.entry import Body, EntryKind
from proto.frames import Entry
from realtime.prepared import Prepared

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


def test_a_kind_of_a_newer_release_passes_through_this_one() -> None:
    """Releases N and N+1 run side by side: the frame travels as it is, and can still be read for JSON."""
    who = uuid4()
    now = Entry(0, who, 7, 3, EntryKind.post, who, None, "c", 1, Body(text="words"))
    packed = bytearray(pack(of_entry(now)).replace(b"\xa4post", b"\xa4nova"))
    packed[_NUMBER] = 200
    entry = unpack(bytes(packed))
    assert entry.kind is EntryKind.unknown
    assert b"\xa4nova" in entry.data
    read = MSGPACK.decode_server(entry.data)
    assert isinstance(read, Entry)
    assert (read.kind, read.seq, read.body.text) == (EntryKind.unknown, 7, "words")
    assert b'"unknown"' in Prepared(entry.data).text
