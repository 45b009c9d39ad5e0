"""A lost entry is noticed and counted once, whether something comes after it or nothing."""

from uuid import UUID

from loadtest.swarm.watch import DELIVERED_WITHIN_S, Followed, Watch

ROOM = UUID(int=1)


def _follower(watch: Watch, at: int = 10, live_at: float | None = 0.0) -> Followed:
    follower = Followed()
    follower.at[ROOM], follower.live_at = at, live_at
    watch.follow(ROOM, follower)
    return follower


def test_what_comes_in_order_is_right() -> None:
    """Also where a skip stands for several."""
    follower = _follower(Watch())
    assert [follower.take(ROOM, *seqs) for seqs in ((11, 11), (12, 14), (15, 15))] == [None] * 3
    assert follower.take(UUID(int=2), 99, 99) is None


def test_a_hole_and_a_repetition_are_wrong() -> None:
    """The hole is told once; what comes after it is in order again."""
    follower = _follower(Watch())
    assert follower.take(ROOM, 13, 13) == "one or more before it are lost"
    assert follower.take(ROOM, 14, 14) is None
    assert follower.take(ROOM, 14, 14) == "came twice"


def test_the_last_of_all_is_missed_too() -> None:
    """Nothing comes after it: the time that is promised tells, once."""
    watch = Watch()
    has, lacks = _follower(watch), _follower(watch)
    has.take(ROOM, 11, 11)
    watch.known(ROOM, 11, 100.0)
    assert watch.expects(lacks)
    assert not watch.expects(has)
    assert watch.overdue(99.9 + DELIVERED_WITHIN_S) == []
    assert watch.overdue(100.0 + DELIVERED_WITHIN_S) == [lacks]
    assert watch.overdue(200.0) == []
    assert lacks.take(ROOM, 12, 12) is None, "it was blamed for 11 already"


def test_who_is_away_has_time_and_who_is_back_has_it_anew() -> None:
    """A socket that is gone misses nothing; the next one has as long as any to catch up."""
    watch = Watch()
    away, back = _follower(watch, live_at=None), _follower(watch, live_at=103.0)
    watch.known(ROOM, 11, 100.0)
    assert watch.overdue(105.0) == []
    assert watch.overdue(110.0) == [back]
    away.live_at = 111.0
    assert watch.overdue(200.0) == [], "its resume begins where it was: the log itself tells"


def test_who_left_misses_nothing() -> None:
    """A user who stopped is asked for nothing."""
    watch = Watch()
    watch.leave(_follower(watch))
    watch.known(ROOM, 11, 100.0)
    assert watch.overdue(200.0) == []
