"""The sentences of `muster trace`, one cause at a time."""

from typing import Any
from uuid import UUID

import pytest

from muster import trace
from muster.permission import Relation, RoomKind
from muster.trace import (
    Device,
    Owed,
    Person,
    RoomOf,
    Span,
    Standing,
    TracedEntry,
    TracedRoom,
    conclude_entry,
    conclude_for,
    conclude_person,
)
from realtime import visibility

ADA, BOB, ROOM = UUID(int=1), UUID(int=2), UUID(int=9)
BOBS = Person(BOB, "bob", "Bob", "user", None, 0)
PHONE = Device(UUID(int=3), UUID(int=4), "ios", "1.0", 0, True, "", None)
GROUP = TracedRoom(ROOM, RoomKind.group, "from_join", 20, 0, 3, False)
POST = TracedEntry(10, 8, "post", ADA, "ada", None, "c1", 0, None, None, None)
MEMBER = Standing(BOBS, Relation.member, [Span(2, 2, None)], None, 0, False, [PHONE])


def _for(
    room: TracedRoom = GROUP, entry: TracedEntry = POST, owed: tuple[Owed, ...] = (), **about: Any
) -> str:
    return conclude_for(room, entry, owed, MEMBER._replace(**about))


def test_a_room_of_which_one_was_never_a_member() -> None:
    """The commonest answer of all."""
    said = _for(spans=[], relation=Relation.none)
    assert said == "@bob does not get it: they were never a member of this room."
    assert "have not joined" in _for(spans=[], relation=Relation.invited)


def test_an_entry_before_one_joined() -> None:
    """Where a room shows its history from joining only."""
    assert "joined later, at 15" in _for(spans=[Span(15, 15, None)])


def test_an_entry_after_one_left_or_was_kicked() -> None:
    """And one between two stays."""
    assert "left at 7" in _for(spans=[Span(2, 2, 7)], relation=Relation.left)
    assert "were kicked at 7" in _for(spans=[Span(2, 2, 7)], relation=Relation.kicked)
    between = _for(spans=[Span(2, 2, 7), Span(15, 15, None)])
    assert "out of the room since 7 and joined again at 15" in between


def test_the_kick_itself_is_still_theirs() -> None:
    """A span ends with the entry that ends it."""
    kick = POST._replace(kind="kick", seq=7, subject=BOB)
    said = _for(entry=kick, spans=[Span(2, 2, 7)], relation=Relation.kicked)
    assert "does not get it" not in said


def test_a_room_that_shows_all_its_history() -> None:
    """Joining late hides nothing."""
    said = _for(spans=[Span(15, 1, None)], read_seq=15)
    assert "was not in the room then" in said
    assert "does not get it" not in said


def test_an_author_one_blocks_is_hidden() -> None:
    """Their words only: who is in the room stays true."""
    assert "skip in its place: they block its author" in _for(blocked_at_ms=5)
    assert "skip" not in _for(entry=POST._replace(kind="kick"), blocked_at_ms=5)


def test_joins_of_a_large_room_are_not_told() -> None:
    """But one's own is."""
    large = GROUP._replace(members=201)
    join = POST._replace(kind="join", subject=ADA)
    assert "more than 200" in _for(room=large, entry=join)
    assert "skip" not in _for(room=large, entry=join._replace(subject=BOB))
    assert "skip" not in _for(room=GROUP._replace(members=200), entry=join)


def test_the_rules_of_hiding_are_the_hub_s() -> None:
    """Said here because a noun cannot import a door."""
    assert trace.LARGE_ROOM == visibility.LARGE_ROOM
    assert {kind.value for kind in visibility._WORDS} == trace.WORDS
    assert {kind.value for kind in visibility._TRAFFIC} == trace.TRAFFIC


def test_a_deleted_message() -> None:
    """Even a pointer past it does not tell which of the two arrived."""
    said = _for(entry=POST._replace(deleted_seq=12), read_seq=20)
    assert "deleted by entry 12" in said


def test_what_was_delivered() -> None:
    """Known by reading, else by a device that says so."""
    assert _for(read_seq=10) == "@bob has it: they have read up to 10."
    said = _for(devices=[PHONE._replace(received=11)])
    assert "holds everything up to 11" in said


def test_what_is_not_confirmed_yet() -> None:
    """Banned, logged out, not published, or simply away."""
    assert "banned" in _for(person=BOBS._replace(banned_at_ms=1))
    assert "logged out everywhere" in _for(devices=[PHONE._replace(live=False, ended="revoked")])
    assert "not surely published" in _for(owed=(Owed(UUID(int=5), 3.0),))
    assert "nothing stands in the way" in _for(owed=(Owed(UUID(int=5), -1.0),))
    assert "ios at 0" in _for()


def test_logs_of_others() -> None:
    """A self log has one member, the control log none."""
    assert "somebody else's" in _for(room=GROUP._replace(kind=RoomKind.self_))
    own = GROUP._replace(kind=RoomKind.self_, room=BOB)
    assert "nothing stands in the way" in _for(room=own, spans=[])
    assert "nobody's phone" in _for(room=GROUP._replace(kind=RoomKind.control), spans=[])


@pytest.mark.parametrize(
    ("room", "seq", "entry", "owed", "said"),
    [
        (None, 1, None, [], "no such room"),
        (GROUP, 21, None, [], "the room's log ends at 20"),
        (GROUP, 0, None, [], "no such entry"),
        (GROUP._replace(floor=5), 5, None, [], "Retention"),
        (GROUP, 5, None, [], "a hole"),
        (GROUP, 10, POST._replace(deleted_seq=11), [], "deleted by entry 11"),
        (GROUP, 10, POST, [Owed(ADA, 9.0)], "for 9 s"),
        (GROUP, 10, POST, [Owed(ADA, -1.0)], "every present member"),
        (GROUP, 10, POST, [], "every present member"),
    ],
)
def test_an_entry_by_itself(
    room: TracedRoom | None, seq: int, entry: TracedEntry | None, owed: list[Owed], said: str
) -> None:
    """What holds whoever asks."""
    assert said in conclude_entry(room, seq, entry, owed)


def test_a_person_by_themselves() -> None:
    """Shut out, logged out, behind, or well."""
    room = RoomOf(ROOM, "group", "", "member", 20, 3, 20)
    assert "banned" in conclude_person(BOBS._replace(banned_at_ms=1), [PHONE], [room])
    assert "no session" in conclude_person(BOBS, [], [room])
    behind = conclude_person(BOBS, [PHONE], [room, room._replace(received=4)])
    assert "In 1 of the 2 rooms" in behind
    assert "no live device" in conclude_person(BOBS, [PHONE], [room, room._replace(received=None)])
