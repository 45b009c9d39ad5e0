"""The claims of pushers/gathering.py."""

from __future__ import annotations

from uuid import UUID

from muster.lane import LaneEntry, of_entry
from muster.owed import Fresh
from proto.entry import Body, EntryKind
from proto.frames import Entry
from pushers import gathering
from pushers.gathering import Gathering

ADA, BOB, CEM = (UUID(int=n) for n in (1, 2, 3))
ROOM, OTHER = UUID(int=10), UUID(int=11)


def said(
    seq: int,
    author: UUID = ADA,
    room: UUID = ROOM,
    kind: EntryKind = EntryKind.post,
    body: Body | None = None,
) -> LaneEntry:
    return of_entry(
        Entry(0, room, seq, seq, kind, author, None, f"c{seq}", 1, body or Body(text="hello"))
    )


def test_messages_of_a_room_are_one_question() -> None:
    """From the first to the last of them, by whom, and whom they name; rooms in the order they came."""
    waiting = Gathering()
    named = Body(text="@cem", mentions=[CEM])
    waiting.add([said(5), said(1, room=OTHER), said(6, BOB, body=named), said(2, room=OTHER)])
    assert waiting.take(10) == [
        Fresh(ROOM.bytes, 5, 6, frozenset((ADA.bytes, BOB.bytes)), frozenset((CEM.bytes,)), False),
        Fresh(OTHER.bytes, 1, 2, frozenset((ADA.bytes,)), frozenset(), False),
    ]
    assert not len(waiting)


def test_here_is_remembered_and_what_is_no_message_is_none() -> None:
    """Reactions, typing and edits ring nobody."""
    waiting = Gathering()
    waiting.add([said(0), said(3, kind=EntryKind.react), said(4, kind=EntryKind.edit)])
    assert not len(waiting)
    waiting.add([said(5, body=Body(text="@here", here=True)), said(6)])
    [fresh] = waiting.take(1)
    assert fresh.here


def test_who_asks_in_vain_puts_it_back() -> None:
    """What came meanwhile and what is put back are one range, whichever is older."""
    waiting = Gathering()
    waiting.add([said(5)])
    taken = waiting.take(1)
    waiting.add([said(6)])
    waiting.back(taken)
    [fresh] = waiting.take(1)
    assert (fresh.from_seq, fresh.to_seq) == (5, 6)


def test_beyond_its_bound_it_says_that_something_was_left_out() -> None:
    """And keeps what it has; a frame nobody can read is left out too."""
    waiting = Gathering()
    rooms = [UUID(int=1_000 + n) for n in range(gathering.ROOMS + 1)]
    waiting.add([said(1, room=room) for room in rooms])
    assert len(waiting) == gathering.ROOMS
    assert waiting.overflowed()
    assert not waiting.overflowed()
    waiting.add([LaneEntry(ROOM.bytes, 1, EntryKind.post, ADA.bytes, None, b"\xc1")])
    assert waiting.overflowed()
