"""What a phone makes of room states, its self log, and a room that ends and begins again."""

from uuid import UUID

from loadtest.client.positions import Range
from loadtest.client.rooms import Rooms
from proto.entry import Body, EntryKind
from proto.frames import Entry, Gap, Limits, Ready, RoomState, RoomStates, RoomStatus, Skip

ME, ROOM, OTHER, GENERATION, LATER = (UUID(int=n) for n in (1, 2, 3, 4, 5))
_LIMITS = Limits(65_536, 8_000, 1_000, 5.0, 20)


def _ready(generation: UUID = GENERATION) -> Ready:
    return Ready(1, ME, OTHER, OTHER, ME, generation, 0, 25_000, 0, "", _LIMITS)


def _state(room: UUID, status: RoomStatus, from_seq: int, head: int) -> RoomState:
    return RoomState(room, status, from_seq, head, 0)


def _entry(
    room: UUID, seq: int, kind: EntryKind = EntryKind.post, body: Body | None = None
) -> Entry:
    return Entry(0, room, seq, seq, kind, OTHER, ME, "c", 0, body or Body(text="x"))


def _own(seq: int, kind: EntryKind, room: UUID, at_seq: int) -> Entry:
    return _entry(ME, seq, kind, Body(room=room, at_seq=at_seq))


def _resumed() -> Rooms:
    """My self log at 4 and a live room at 9, as after a first resume."""
    rooms = Rooms()
    rooms.ready(_ready())
    rooms.states(
        RoomStates(2, GENERATION, [_state(ME, "live", 5, 4), _state(ROOM, "joined", 10, 9)])
    )
    rooms.take()
    rooms.states(RoomStates(3, GENERATION, [_state(ROOM, "live", 10, 9)]))
    return rooms


def test_first_resume_opens_and_attends() -> None:
    """A room this device has never held begins at its head, and is wanted live from there."""
    rooms = Rooms()
    rooms.ready(_ready())
    rooms.states(
        RoomStates(2, GENERATION, [_state(ME, "live", 5, 4), _state(ROOM, "joined", 10, 9)])
    )
    todo = rooms.take()
    assert (todo.opened, todo.attend) == ([ROOM], True)
    assert rooms.wanted() == [(ROOM, 9)]
    assert sorted(rooms.positions.all()) == [(ME, 4), (ROOM, 9)]


def test_live_room_is_attended_again_without_a_position() -> None:
    """What is on its way must not be asked for twice."""
    assert _resumed().wanted() == [(ROOM, None)]


def test_room_added_begins_with_my_own_join() -> None:
    """The self log says where I came in; everything from there is mine."""
    rooms = _resumed()
    rooms.take()
    rooms.entry(_own(5, EntryKind.room_added, OTHER, 70))
    todo = rooms.take()
    assert (todo.opened, todo.attend) == ([OTHER], True)
    assert (OTHER, 69) in rooms.wanted()


def test_joined_while_away_is_learnt_from_the_self_log() -> None:
    """The answer to a resume knows only the head; the self log knows where I came in."""
    rooms = _resumed()
    rooms.take()
    rooms.ready(_ready())
    rooms.states(
        RoomStates(2, GENERATION, [_state(ME, "live", 5, 5), _state(OTHER, "joined", 80, 79)])
    )
    assert rooms.take().opened == []
    rooms.entry(_own(5, EntryKind.room_added, OTHER, 70))
    assert rooms.take().opened == [OTHER]
    assert rooms.positions.at(OTHER) == 69


def test_removed_room_still_takes_what_came_before() -> None:
    """Two logs have no common order: the last entry of the room may come after the news."""
    rooms = _resumed()
    rooms.take()
    rooms.entry(_own(5, EntryKind.room_removed, ROOM, 11))
    rooms.entry(_entry(ROOM, 10))
    assert rooms.take().closed == []
    rooms.entry(_entry(ROOM, 11, EntryKind.kick))
    todo = rooms.take()
    assert [entry.seq for entry in todo.deliver] == [11]
    assert todo.closed == [(ROOM, 11)]
    assert rooms.positions.at(ROOM) is None


def test_gone_and_back_before_the_last_entry_came() -> None:
    """Both spans are delivered, and nothing of what was said between."""
    rooms = _resumed()
    rooms.take()
    rooms.entry(_own(5, EntryKind.room_removed, ROOM, 11))
    rooms.entry(_own(6, EntryKind.room_added, ROOM, 20))
    rooms.skip(Skip(0, ROOM, 10, 11))
    todo = rooms.take()
    assert (todo.closed, todo.opened, todo.attend) == ([(ROOM, 11)], [ROOM], True)
    assert rooms.wanted() == [(ROOM, 19)]


def test_gone_and_back_more_than_once_before_the_last_entry_came() -> None:
    """The room ends where it was left first, and begins again where it was entered last; or not, if left last."""
    for back in (True, False):
        rooms = _resumed()
        rooms.take()
        rooms.entry(_own(5, EntryKind.room_removed, ROOM, 11))
        rooms.entry(_own(6, EntryKind.room_added, ROOM, 20))
        rooms.entry(_own(7, EntryKind.room_removed, ROOM, 30))
        if back:
            rooms.entry(_own(8, EntryKind.room_added, ROOM, 40))
        for seq in (10, 11):
            rooms.entry(_entry(ROOM, seq, EntryKind.leave if seq == 11 else EntryKind.post))
        todo = rooms.take()
        assert (todo.closed, todo.opened, todo.attend) == (
            [(ROOM, 11)],
            [ROOM] if back else [],
            back,
        )
        assert rooms.wanted() == ([(ROOM, 39)] if back else [])


def test_self_log_older_than_the_state_is_old_news() -> None:
    """Gone and back while away: the hub says live, as of a head that knows of both."""
    rooms = _resumed()
    rooms.take()
    rooms.ready(_ready())
    rooms.states(
        RoomStates(2, GENERATION, [_state(ME, "live", 5, 6), _state(ROOM, "live", 10, 20)])
    )
    for seq in range(10, 21):
        rooms.entry(_entry(ROOM, seq))
    rooms.entry(_own(5, EntryKind.room_removed, ROOM, 11))
    rooms.entry(_own(6, EntryKind.room_added, ROOM, 20))
    todo = rooms.take()
    assert (todo.closed, todo.opened, todo.attend) == ([], [], False)
    assert rooms.wanted() == [(ROOM, None)]
    assert rooms.positions.at(ROOM) == 20


def test_gap_is_fetched() -> None:
    """In a state or as a frame, a gap names what REST has."""
    rooms = _resumed()
    rooms.take()
    rooms.ready(_ready())
    rooms.states(RoomStates(2, GENERATION, [_state(ROOM, "gap", 2_001, 2_000)]))
    assert rooms.take().fetch == [Range(ROOM, 10, 2_000)]
    rooms.fetched(ROOM, 2_000, [_entry(ROOM, 12)])
    rooms.gap(Gap(0, ROOM, 2_001, 4_000))
    todo = rooms.take()
    assert [entry.seq for entry in todo.deliver] == [12]
    assert todo.fetch == [Range(ROOM, 2_001, 4_000)]


def test_removed_by_state_closes() -> None:
    """What is not mine any more is forgotten."""
    rooms = _resumed()
    rooms.take()
    rooms.states(RoomStates(2, GENERATION, [_state(ROOM, "removed", 0, 0)]))
    assert rooms.take().closed == [(ROOM, 9)]
    assert rooms.wanted() == []


def test_removed_and_added_again_while_away() -> None:
    """The state says removed first; then the self log tells of both."""
    rooms = _resumed()
    rooms.take()
    rooms.ready(_ready())
    rooms.states(
        RoomStates(2, GENERATION, [_state(ME, "live", 5, 4), _state(ROOM, "removed", 0, 0)])
    )
    rooms.entry(_own(5, EntryKind.room_removed, ROOM, 11))
    rooms.entry(_own(6, EntryKind.room_added, ROOM, 20))
    rooms.entry(_entry(ROOM, 20, EntryKind.join))
    rooms.entry(_entry(ROOM, 21))
    assert rooms.positions.at(ROOM) == 21
    assert not rooms.positions.faults


def test_another_generation_begins_anew() -> None:
    """After a restore, positions mean nothing: every room is opened again."""
    rooms = _resumed()
    rooms.take()
    rooms.ready(_ready(LATER))
    assert rooms.positions.all() == []
    rooms.states(RoomStates(2, LATER, [_state(ME, "live", 3, 2), _state(ROOM, "joined", 6, 5)]))
    assert rooms.take().opened == [ROOM]
    assert rooms.positions.at(ROOM) == 5


def test_who_went_and_came_back_while_the_socket_was_down_goes_on_with_their_own_coming() -> None:
    """The hub says `live` of the new membership; the end of the old one must not close the room for good."""
    rooms = _resumed()
    rooms.entry(_own(5, EntryKind.room_removed, ROOM, 12))
    rooms.ready(_ready())
    rooms.states(
        RoomStates(4, GENERATION, [_state(ME, "live", 6, 6), _state(ROOM, "live", 10, 20)])
    )
    rooms.entry(_own(6, EntryKind.room_added, ROOM, 18))
    rooms.take()
    for seq in (10, 11):
        rooms.entry(_entry(ROOM, seq))
    rooms.entry(_entry(ROOM, 12, EntryKind.leave))
    rooms.entry(_entry(ROOM, 18, EntryKind.join))
    rooms.entry(_entry(ROOM, 19))
    todo = rooms.take()
    assert [entry.seq for entry in todo.deliver] == [10, 11, 12, 18, 19]
    assert (todo.closed, todo.opened, todo.fetch) == ([(ROOM, 12)], [ROOM], [])
    assert rooms.positions.at(ROOM) == 19
    assert not rooms.positions.faults
