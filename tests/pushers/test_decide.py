"""Deciding: each rule of who is rung for what, and how far a room is settled by it."""

from __future__ import annotations

from typing import Any

import pytest

from muster.owed import Wishes
from muster.presence import Attention
from pushers.alert import Form
from pushers.attendance import AWAY, UNKNOWN
from pushers.cause import Cause, Waiting
from pushers.decide import when
from pushers.pace import PACE
from tests.pushers.phrases import (
    BROWSER,
    CANDIDATE,
    NOON_MS,
    OTHER_ROOM,
    PHONE,
    ROOM,
    TABLET,
    device,
    judged,
    message,
    outcome,
    owed,
    read,
    rung,
    seats,
)

NAMED = message(mentions_me=True)


# What somebody wants


def test_who_is_away_is_rung_at_once_and_then_nothing_is_owed() -> None:
    decision = judged(owed(message(3)))
    assert outcome(decision) == ["rings"]
    assert (decision.settled, decision.again_ms) == (3, None)


@pytest.mark.parametrize(
    ("kind", "personal", "own", "plain", "named"),
    [
        ("group", "all", None, "rings", "rings"),
        ("direct", "all", None, "rings", "rings"),
        ("public", "all", None, Cause.not_mentioned, "rings"),
        ("announcement", "all", None, Cause.not_mentioned, "rings"),
        ("event", "all", None, Cause.not_mentioned, "rings"),
        ("group", "mentions", None, Cause.not_mentioned, "rings"),
        ("direct", "mentions", None, "rings", "rings"),
        ("group", "none", None, Cause.level_none, Cause.level_none),
        ("direct", "none", None, Cause.level_none, Cause.level_none),
        ("event", "none", None, Cause.level_none, Cause.level_none),
        ("group", "none", "all", "rings", "rings"),
        ("event", "mentions", "all", "rings", "rings"),
        ("group", "all", "mentions", Cause.not_mentioned, "rings"),
        ("direct", "all", "mentions", "rings", "rings"),
        ("direct", "all", "none", Cause.level_none, Cause.level_none),
    ],
)
def test_a_level_is_the_rooms_own_or_the_kinds_within_the_persons(
    kind: str, personal: str, own: str | None, plain: object, named: object
) -> None:
    chosen: dict[str, Any] = {"room_kind": kind, "level": own, "wishes": Wishes(level=personal)}
    assert outcome(judged(owed(message(), **chosen))) == [plain]
    assert outcome(judged(owed(NAMED, **chosen))) == [named]


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"is_member": False}, Cause.not_member),
        ({"is_request": True}, Cause.request),
        ({"muted_until_ms": NOON_MS + 1}, Cause.muted),
        ({"wishes": Wishes(busy_until_ms=NOON_MS + 1)}, Cause.busy),
        ({"wishes": Wishes(quiet_from_min=720, quiet_to_min=721)}, Cause.quiet_hours),
    ],
)
def test_what_silences_is_final_and_counted(changed: dict[str, Any], cause: Cause) -> None:
    """Also for a mention; nobody is rung at eight for what they slept through."""
    decision = judged(owed(NAMED, **changed), seats((BROWSER, Attention.active, ROOM)))
    assert outcome(decision) == [cause]
    assert (decision.settled, decision.again_ms) == (1, None)


@pytest.mark.parametrize(
    "changed",
    [
        {"muted_until_ms": NOON_MS},
        {"wishes": Wishes(busy_until_ms=NOON_MS)},
        {"wishes": Wishes(quiet_from_min=700, quiet_to_min=720)},
    ],
)
def test_what_is_over_silences_nothing(changed: dict[str, Any]) -> None:
    assert outcome(judged(owed(**changed))) == ["rings"]


def test_what_was_read_and_what_is_gone_are_told_apart() -> None:
    assert outcome(judged(read())) == [Cause.read]
    assert outcome(judged(read()._replace(read_seq=2))) == [Cause.gone]
    assert judged(read()._replace(read_seq=2)).settled == 5


def test_at_night_mentions_and_direct_rooms_ring_for_who_wants_that() -> None:
    wishes = Wishes(quiet_from_min=22 * 60, quiet_to_min=13 * 60, urgent_through=True)
    talk = (message(1), message(2, mentions_me=True), message(3))
    (alert,) = rung(judged(owed(*talk, wishes=wishes)))
    assert alert is not None
    assert (alert.text, alert.seq) == ("words 2", 2)
    assert outcome(judged(owed(message(), wishes=wishes))) == [Cause.quiet_hours]
    assert outcome(judged(owed(message(), wishes=wishes, room_kind="direct"))) == ["rings"]


def test_it_is_night_where_the_device_is() -> None:
    """Noon in London is nine in the evening in Tokyo."""
    wishes = Wishes(quiet_from_min=20 * 60, quiet_to_min=8 * 60)
    both = (device(PHONE, zone="Asia/Tokyo"), device(TABLET, zone="Europe/London"))
    decision = judged(owed(wishes=wishes, devices=both))
    assert outcome(decision) == [Cause.quiet_hours, "rings"]


# Who may be seeing it


def test_no_device_rings_for_what_another_still_waits_with() -> None:
    """Both are settled by one integer: it would ring twice for what is judged twice."""
    talk = (message(1), message(2, author_name="Cy"), message(3, at_ms=NOON_MS + 500))
    shows = (device(PHONE, shows_local=True), device(TABLET))
    where = seats((PHONE, Attention.background))
    none = judged(owed(*talk, devices=shows), where, 1_000)
    assert outcome(none) == [(Waiting.ack_awaited, 7_000)] * 2
    some = judged(owed(*talk, devices=shows, received=(2, 0)), where, 1_000)
    assert outcome(some) == [(Waiting.ack_awaited, 7_500), "rings"]
    alert = rung(some)[1]
    assert alert is not None
    assert (alert.form, alert.seq, alert.amount, alert.author) == (Form.burst, 2, 2, "Cy")
    assert some.settled == 2


def test_what_is_left_beside_a_wait_does_not_ring_where_it_was_shown() -> None:
    """The tablet has shown the first two and misses the third, with which the phone still waits: it waits too."""
    talk = (message(1), message(2), message(3, at_ms=NOON_MS + 500))
    both = (device(PHONE, shows_local=True), device(TABLET, shows_local=True))
    where = seats((PHONE, Attention.background))
    decision = judged(owed(*talk, devices=both, received=(2, 2)), where, 600)
    assert outcome(decision) == [(Waiting.ack_awaited, 7_500)] * 2
    later = judged(
        owed(message(3, at_ms=NOON_MS + 500), devices=both, received=(2, 2)), where, 7_500
    )
    assert outcome(later) == ["rings", "rings"]


def test_who_looks_at_the_room_and_has_it_is_rung_nowhere() -> None:
    both = (device(PHONE), device(TABLET))
    what = owed(message(4), devices=both, received=(4, 0))
    decision = judged(what, seats((PHONE, Attention.active, ROOM)), 1_000)
    assert outcome(decision) == [Cause.looking, Cause.looking]
    assert (decision.settled, decision.again_ms) == (4, None)


def test_an_ack_silences_only_in_the_foreground_or_where_it_was_shown() -> None:
    what = owed(received=(1,))
    shows = owed(received=(1,), devices=(device(shows_local=True),))
    assert outcome(judged(what, seats((PHONE, Attention.active)))) == [Cause.received]
    for attention in (Attention.idle, Attention.background):
        assert outcome(judged(what, seats((PHONE, attention)))) == ["rings"]
        assert outcome(judged(shows, seats((PHONE, attention)))) == [Cause.shown]
    assert outcome(judged(what)) == ["rings"]
    assert outcome(judged(shows)) == [Cause.shown]
    assert outcome(judged(shows, UNKNOWN)) == [Cause.shown]


def test_a_mention_that_was_not_read_along_is_told_as_a_count() -> None:
    """Newer messages, which nobody wants to be rung for, do not lessen it; only they are there to measure acks by."""
    talk = (message(8), message(9, at_ms=NOON_MS + 500))
    both = (device(PHONE, shows_local=True), device(TABLET))
    what = owed(*talk, room_kind="event", devices=both, received=(8, 0))
    what = what._replace(unread=9, mentions=1, notified=0, read_seq=0)
    decision = judged(what, seats((PHONE, Attention.background)), 1_000)
    assert outcome(decision) == [(Waiting.ack_awaited, 7_500), "rings"]
    alert = rung(decision)[1]
    assert alert is not None
    assert (alert.form, alert.mentions, alert.amount, alert.seq) == (Form.mentions, 1, 1, 8)


def test_an_ack_of_less_is_no_ack() -> None:
    talk = (message(1), message(2, at_ms=NOON_MS + 3_000))
    decision = judged(owed(*talk, received=(1,)), seats((PHONE, Attention.active)), 4_000)
    assert outcome(decision) == [(Waiting.ack_awaited, 3_000 + PACE.vanish_ms)]
    assert decision.settled == 1


@pytest.mark.parametrize("room", [ROOM, OTHER_ROOM])
def test_a_socket_without_an_ack_is_dead_after_some_seconds(room: object) -> None:
    what, where = owed(), seats((PHONE, Attention.active, room))  # type: ignore[arg-type]
    assert outcome(judged(what, where, 6_999)) == [(Waiting.ack_awaited, 7_000)]
    assert outcome(judged(what, where, 7_000)) == ["rings"]


def test_a_phone_that_shows_by_itself_gets_time_to_do_so() -> None:
    what = owed(devices=(device(shows_local=True),))
    where = seats((PHONE, Attention.background))
    assert outcome(judged(what, where)) == [(Waiting.ack_awaited, 7_000)]
    assert outcome(judged(what, where, 7_000)) == ["rings"]


def test_whoever_is_active_elsewhere_gets_half_a_minute_to_read_it_there() -> None:
    what, where = owed(), seats((BROWSER, Attention.active, OTHER_ROOM))
    decision = judged(what, where, 29_999)
    assert outcome(decision) == [(Waiting.active_elsewhere, 30_000)]
    assert (decision.settled, decision.again_ms) == (0, NOON_MS + 30_000)
    assert outcome(judged(what, where, 30_000)) == ["rings"]


@pytest.mark.parametrize("attention", [Attention.idle, Attention.background])
def test_an_idle_desktop_withholds_nothing(attention: Attention) -> None:
    where = seats((BROWSER, attention, ROOM))
    assert when(CANDIDATE, where, NOON_MS) == NOON_MS
    assert outcome(judged(owed(), where)) == ["rings"]


def test_another_device_that_never_acked_holds_up_nobody_for_long() -> None:
    both = (device(PHONE), device(TABLET))
    what, where = owed(devices=both), seats((TABLET, Attention.active))
    decision = judged(what, where)
    assert outcome(decision) == [(Waiting.active_elsewhere, 7_000), (Waiting.ack_awaited, 7_000)]
    assert outcome(judged(what, where, 7_000)) == ["rings", "rings"]


def test_a_screen_whose_acks_are_not_ours_to_see_is_believed_in_the_end() -> None:
    """Until then it may still fall off the roll, and then the phone rings."""
    what, where = owed(), seats((BROWSER, Attention.active, ROOM))
    assert outcome(judged(what, where, 8_000)) == [(Waiting.looking_unsure, 13_000)]
    assert outcome(judged(what, AWAY, 13_000)) == ["rings"]
    assert outcome(judged(what, where, 60_000)) == [Cause.looking]


def test_what_is_over_is_settled_while_something_newer_waits() -> None:
    """Else a room where somebody always writes would never be settled, and be rung for again and again."""
    talk = [message(seq, at_ms=NOON_MS + seq * 1_000) for seq in range(1, 71)]
    screen = seats((BROWSER, Attention.active, ROOM))
    decision = judged(owed(*talk), screen, 70_000)
    assert decision.settled == 10
    newest = owed(*talk[60:])._replace(unread=70, read_seq=0, notified=0)
    assert judged(newest, screen, 71_000).settled == 0
    acked = judged(owed(*talk, received=(66,)), seats((PHONE, Attention.active)), 70_000)
    assert acked.settled == 66


def test_unknown_presence_withholds_nothing_and_takes_nobody_for_away() -> None:
    assert when(CANDIDATE, UNKNOWN, NOON_MS) == NOON_MS + PACE.unknown_ms
    assert outcome(judged(owed(), UNKNOWN)) == [(Waiting.attendance_unknown, PACE.unknown_ms)]
    assert outcome(judged(owed(), UNKNOWN, PACE.unknown_ms)) == ["rings"]
    acked = owed(received=(1,))
    assert outcome(judged(acked, UNKNOWN, PACE.unknown_ms)) == ["rings"]


def test_more_than_can_be_shown_waits_from_its_oldest_and_never_for_ever() -> None:
    """A room where more is written within the delay than is read of it still rings in time."""
    where = seats((BROWSER, Attention.active))
    talk = [message(seq, at_ms=NOON_MS + seq * 1_000) for seq in range(31, 41)]
    some = owed(*talk)._replace(unread=40, read_seq=0, notified=0, first_ms=NOON_MS + 1_000)
    assert outcome(judged(some, where, 30_000)) == [(Waiting.active_elsewhere, 31_000)]
    assert outcome(judged(some, where, 31_000)) == ["rings"]
    assert outcome(judged(some._replace(first_ms=0), where, 30_000)) == ["rings"]


# When a candidate is judged first


def test_who_is_away_is_judged_now_but_a_burst_is_judged_once() -> None:
    assert when(CANDIDATE, AWAY, NOON_MS) == NOON_MS
    assert when(CANDIDATE, AWAY, NOON_MS, pushed_ms=NOON_MS - 500) == NOON_MS + 1_500
    assert when(CANDIDATE, AWAY, NOON_MS, pushed_ms=NOON_MS - 2_500) == NOON_MS


def test_who_is_there_is_judged_in_time_to_notice_a_dead_socket() -> None:
    looking = when(CANDIDATE, seats((PHONE, Attention.active, ROOM)), NOON_MS)
    active = when(CANDIDATE, seats((PHONE, Attention.active, OTHER_ROOM)), NOON_MS)
    assert NOON_MS < looking <= active < NOON_MS + 10_000


def test_nobody_without_a_device_is_judged_at_length() -> None:
    decision = judged(owed(devices=(), received=()))
    assert decision == ((), 1, None)
