"""The benchmark's own books: what came twice or never is counted, and being back means having it all."""

from uuid import UUID

from loadtest.bench import wire
from loadtest.bench.diary import Diary
from proto.frames import RoomState

ROOM, OTHER = UUID(int=1), UUID(int=2)


def _diary() -> Diary:
    diary = Diary()
    diary.begin([RoomState(ROOM, "joined", 6, 5, 5), RoomState(OTHER, "joined", 1, 0, 0)])
    return diary


def test_what_follows_is_neither_lost_nor_twice() -> None:
    """Entries and skips, each next to the last."""
    diary = _diary()
    assert diary.took(ROOM, 6, 6)
    assert diary.took(ROOM, 7, 9)
    assert (diary.positions[ROOM], diary.lost, diary.duplicated) == (9, 0, 0)


def test_a_hole_a_repetition_and_a_gap_are_counted() -> None:
    """What was jumped over is lost, by an entry or by a gap; what is held already came twice."""
    diary = _diary()
    assert diary.took(ROOM, 8, 8)
    assert not diary.took(ROOM, 8, 8)
    diary.gap(ROOM, 10)
    assert (diary.lost, diary.duplicated) == (4, 1)
    diary.resumed([RoomState(ROOM, "gap", 21, 20, 20)])
    assert diary.lost == 14
    assert diary.missing({ROOM: 25, OTHER: 2}) == 7


def test_a_resume_is_over_when_everything_it_named_has_come() -> None:
    """Of every room up to the head of the answer; entries beyond it do not matter."""
    diary = _diary()
    diary.resumed([RoomState(ROOM, "live", 6, 7, 7), RoomState(OTHER, "live", 1, 1, 1)])
    complete = [diary.complete]
    for room, seq in ((ROOM, 6), (OTHER, 1), (ROOM, 7)):
        diary.took(room, seq, seq)
        complete.append(diary.complete)
    assert complete == [False, False, False, True]
    diary.resumed([RoomState(ROOM, "live", 8, 7, 7)])
    assert diary.complete


def test_the_pause_of_a_refused_handshake_is_read() -> None:
    """Whole seconds, whatever the case of the name; nothing where there is none."""
    head = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 3\r\n"
    assert wire.retry_after_ms(head) == 3_000
    assert wire.retry_after_ms(b"HTTP/1.1 400 Bad Request\r\nX: 1\r\n") is None
