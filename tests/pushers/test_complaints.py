"""What people complain about in other products, each as a claim of ours.

The trackers of Element, Mattermost, Zulip, Signal, Tinode, Rocket.Chat, FluffyChat and Stream are full of these: a push
while one is active elsewhere; none because a desktop idles; badges that stay; counts that are wrong after a reconnect.
"""

from __future__ import annotations

import json
from uuid import UUID

from muster.owed import Owed, Wishes
from muster.presence import Attention
from muster.push_device import Privacy, Provider
from pushers.attendance import AWAY, UNKNOWN, Attendance
from pushers.cause import Cause
from pushers.decide import Decision, when
from pushers.push import Kind
from pushers.ration import Ration
from pushers.writing import read_elsewhere, written
from tests.pushers.expected import away
from tests.pushers.history import History, Said, Sat
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
from tests.pushers.play import Player, Rung

_EVER = 10**7


def _history(
    *said: Said, sat: tuple[Sat, ...] = (), reads: tuple[tuple[int, int], ...] = ()
) -> History:
    return History(
        room_kind="group",
        level=None,
        said=said,
        reads=reads,
        mutes=(),
        quiet=(0, 0),
        urgent_through=False,
        sat=sat,
        phones=(PHONE,),
        shows_local=frozenset(),
    )


def _said(seq: int, at_ms: int = 0, deleted_ms: int | None = None) -> Said:
    return Said(seq, at_ms, names_me=False, deleted_ms=deleted_ms)


def _sat(
    device: UUID,
    *,
    to_ms: int = _EVER,
    attention: str = "active",
    here: bool = False,
    dead: bool = False,
) -> Sat:
    return Sat(device, 0, to_ms, attention, here, dead)


def _play(history: History) -> list[Rung]:
    return Player(history, few=10).play()


def _judged_when_due(what: Owed, where: Attendance) -> Decision:
    return judged(what, where, when(CANDIDATE, where, NOON_MS) - NOON_MS)


# A push while active elsewhere


def test_no_push_while_the_room_is_open_on_a_desktop_however_long() -> None:
    assert _play(_history(_said(1), _said(2, 9_000), sat=(_sat(BROWSER, here=True),))) == []


def test_no_push_for_what_is_read_on_the_desktop_within_half_a_minute() -> None:
    assert _play(_history(_said(1), sat=(_sat(BROWSER),), reads=((29_500, 1),))) == []


def test_a_push_after_half_a_minute_for_what_an_active_desktop_leaves_unread() -> None:
    assert _play(_history(_said(1), sat=(_sat(BROWSER),))) == [Rung(30_000, PHONE, 1, 1)]


def test_no_push_on_the_phone_one_holds_in_another_room() -> None:
    assert _play(_history(_said(1), sat=(_sat(PHONE),))) == []


def test_a_talk_at_the_desktop_never_rings_the_phone() -> None:
    """An hour of messages, each read within some seconds."""
    said = tuple(_said(seq, seq * 7_000) for seq in range(1, 500))
    reads = tuple((one.at_ms + 5_500, one.seq) for one in said)
    assert _play(_history(*said, sat=(_sat(BROWSER),), reads=reads)) == []


# The opposite: withheld because a desktop idles, or a socket is open


def test_an_idle_desktop_withholds_no_push_not_for_a_second() -> None:
    idle = _sat(BROWSER, attention="idle", here=True)
    assert _play(_history(_said(1), sat=(idle,))) == [Rung(0, PHONE, 1, 1)]


def test_a_phone_in_a_pocket_rings_though_its_socket_took_the_message() -> None:
    pocket = _sat(PHONE, attention="background")
    assert _play(_history(_said(1), sat=(pocket,))) == [Rung(0, PHONE, 1, 1)]
    assert outcome(judged(owed(received=(1,)), seats((PHONE, Attention.background)))) == ["rings"]


def test_no_second_notification_from_a_phone_that_showed_it_by_itself() -> None:
    what = owed(received=(1,), devices=(device(shows_local=True),))
    assert outcome(judged(what, seats((PHONE, Attention.background)))) == [Cause.shown]


def test_a_push_within_ten_seconds_after_a_socket_vanished_unnoticed() -> None:
    """Whichever room was open on it: what was written to a dead socket was delivered to nobody."""
    for here in (True, False):
        (rung_,) = _play(_history(_said(1), sat=(_sat(PHONE, here=here, dead=True),)))
        assert rung_.at_ms < 10_000


def test_a_push_within_ten_seconds_though_the_tablet_vanished_too() -> None:
    what = owed(devices=(device(PHONE), device(TABLET)))
    where = seats((PHONE, Attention.active, ROOM), (TABLET, Attention.active, OTHER_ROOM))
    decision = judged(what, where)
    assert decision.again_ms is not None
    assert decision.again_ms < NOON_MS + 10_000
    assert outcome(judged(what, where, decision.again_ms - NOON_MS)) == ["rings", "rings"]


def test_an_outage_of_presence_withholds_no_push() -> None:
    assert outcome(_judged_when_due(owed(), UNKNOWN)) == ["rings"]
    assert when(CANDIDATE, UNKNOWN, NOON_MS) < NOON_MS + 10_000


# Badges


def test_the_badge_falls_on_the_phone_when_one_reads_on_another_device() -> None:
    push = read_elsewhere(device(), ROOM, 5, 2, Ration(), NOON_MS)
    assert (push.kind, json.loads(push.body)["badge"]) == (Kind.silent, 2)


def test_the_badge_falls_to_nothing_also_when_the_app_may_not_be_woken() -> None:
    """0 is said, since no badge at all means: as before."""
    push = read_elsewhere(device(), ROOM, 5, 0, Ration(per_hour=0), NOON_MS)
    assert json.loads(push.body)["aps"] == {"badge": 0}


def test_a_notification_that_was_read_elsewhere_is_taken_away_by_its_tag() -> None:
    android = device(provider=Provider.fcm)
    (alert,) = rung(judged(owed(devices=(android,))))
    assert alert is not None
    shown = json.loads(written(alert, android, NOON_MS).body)["message"]["android"]["notification"]
    word = json.loads(read_elsewhere(android, ROOM, 5, 0, Ration(), NOON_MS).body)["message"]
    assert word["data"]["tag"] == shown["tag"]


def test_every_alert_says_the_badge_that_the_server_counts() -> None:
    for privacy in Privacy:
        (alert,) = rung(judged(owed(badge=41, devices=(device(privacy=privacy),))))
        assert alert is not None
        assert json.loads(written(alert, device(), NOON_MS).body)["aps"]["badge"] == 41


# Never for what was already dealt with


def test_nothing_for_what_was_read_before_it_was_due() -> None:
    assert outcome(judged(read())) == [Cause.read]


def test_nothing_for_what_was_deleted_before_it_was_due() -> None:
    deleted = _said(1, deleted_ms=20_000)
    assert _play(_history(deleted, sat=(_sat(BROWSER),))) == []


def test_what_was_edited_before_it_was_due_is_shown_as_it_reads_now() -> None:
    (alert,) = rung(judged(owed(message(text="mended")), AWAY, 1_000))
    assert alert is not None
    assert alert.text == "mended"


def test_nothing_of_a_muted_room_nor_its_mentions() -> None:
    named = message(mentions_me=True)
    assert outcome(judged(owed(named, muted_until_ms=NOON_MS + 1))) == [Cause.muted]


def test_nothing_of_somebody_blocked() -> None:
    """Their messages are not among what is owed."""
    assert outcome(judged(read()._replace(read_seq=0))) == [Cause.gone]


def test_nothing_of_a_stranger_who_asks_to_write() -> None:
    assert outcome(judged(owed(room_kind="direct", is_request=True))) == [Cause.request]


def test_nothing_after_one_was_removed_from_the_room() -> None:
    assert outcome(judged(owed(is_member=False))) == [Cause.not_member]


def test_nothing_at_night_and_nothing_in_the_morning_of_the_night() -> None:
    decision = judged(owed(wishes=Wishes(quiet_from_min=0, quiet_to_min=1439)))
    assert outcome(decision) == [Cause.quiet_hours]
    assert decision.settled == 1


# Counts, bursts, doubles


def test_a_burst_rings_twice_and_not_twenty_times() -> None:
    """At once for the first, and once for the rest, which says how many."""
    history = _history(*(_said(seq, (seq - 1) * 90) for seq in range(1, 21)))
    expected = [Rung(0, PHONE, 1, 1), Rung(2_000, PHONE, 20, 19)]
    assert _play(history) == expected
    assert away(history) == [(one.at_ms, one.seq, one.amount) for one in expected]


def test_a_burst_counts_what_it_takes_the_place_of() -> None:
    """The notification it replaces was about a message that is unread as well."""
    talk = (message(2), message(3), message(4), message(5))
    (alert,) = rung(judged(owed(*talk, standing=5)))
    assert alert is not None
    assert alert.amount == 5
    named = [each._replace(mentions_me=True) for each in talk]
    (alert,) = rung(judged(owed(*named, standing=9, level="mentions")))
    assert alert is not None
    assert alert.amount == 4, "of nine unread messages it speaks of those that name them"


def test_judging_twice_says_the_same_and_is_one_push() -> None:
    """A worker that died, a queue that was lost: the ids show that it is the same."""
    once, twice = rung(judged(owed())), rung(judged(owed(), AWAY, 60_000))
    assert once == twice
    assert once[0] is not None
    assert len({written(once[0], device(), now_ms).id for now_ms in (0, 1)}) == 1


def test_a_group_of_two_phones_rings_each_once() -> None:
    history = _history(_said(1), _said(2, 40_000))._replace(phones=(PHONE, TABLET))
    assert [(r.device, r.seq) for r in _play(history)] == [
        (PHONE, 1),
        (TABLET, 1),
        (PHONE, 2),
        (TABLET, 2),
    ]


def test_a_locked_phone_shows_no_more_than_its_owner_wants() -> None:
    (alert,) = rung(judged(owed(devices=(device(privacy=Privacy.generic),))))
    assert alert is not None
    assert (alert.title, alert.author, alert.text) == ("", "", "")
