"""The plain rules of who must have got which push call every wrong one by its name."""

from uuid import UUID

import pytest

from loadtest.away.handset import read
from loadtest.away.rules import LATE_MS, Rang, Said, Verdict, verdict
from loadtest.away.script import Absent, script
from loadtest.cast import Act, cast
from loadtest.irc import parse

ADA = Absent(1, "ada", "ada_x1", "apns", 1, (None, None), "all", 9)
ROOM = UUID(int=7)
SAID = (
    Said(1, 3, 2, "", 100_000, 100_010),
    Said(1, 4, 9, "", 110_000, 110_010),  # by somebody whom ada hides
    Said(0, 8, 2, "", 120_000, 120_010),  # in the public room, to nobody
    Said(0, 9, 2, "ada_x1", 130_000, 130_010),
    Said(1, 5, 2, "", 140_000, 140_010),
    Said(1, 6, 3, "", 140_500, 140_510),
    Said(2, 5, 3, "", 150_000, 150_010),  # in another group
)
RANG = (
    Rang(1, 3, 100_400, badge=1, unread=1, amount=1),
    Rang(0, 9, 130_400, badge=3, unread=2, amount=1),
    Rang(1, 6, 140_900, badge=5, unread=3, amount=3),
)


def _of(rang: tuple[Rang, ...], who: Absent = ADA, strangers: int = 0) -> Verdict:
    return verdict([who], SAID, {who.number: rang}, strangers)


def test_what_the_rules_give_is_clean() -> None:
    """Four wanted messages, three pushes."""
    found = _of(RANG)
    assert found.clean, found
    assert (found.wanted, found.mentions, found.pushes, found.expected_people) == (4, 1, 3, 1)


@pytest.mark.parametrize(
    ("rang", "field"),
    [
        ((*RANG[:2], RANG[2]._replace(seq=5, amount=1)), "missing"),
        (
            (RANG[0], RANG[1]._replace(at_ms=130_011 + LATE_MS, badge=5), RANG[2]),
            "late",
        ),
        ((*RANG, RANG[2]._replace(at_ms=145_000)), "unwarranted"),
        ((RANG[0], RANG[1]._replace(seq=8), *RANG[1:]), "unwarranted"),
        ((*RANG, Rang(2, 5, 150_400, 5, 1, 1)), "unwarranted"),
        ((*RANG[:2], RANG[2]._replace(amount=4)), "miscounted"),
        ((*RANG[:2], RANG[2]._replace(amount=1)), "miscounted"),
        ((*RANG[:2], RANG[2]._replace(unread=4)), "miscounted"),
        ((*RANG[:2], RANG[2]._replace(badge=6)), "badge_wrong"),
        ((*RANG[:2], RANG[2]._replace(badge=2)), "badge_wrong"),
    ],
)
def test_what_is_wrong_is_found(rang: tuple[Rang, ...], field: str) -> None:
    """Each by its own name."""
    found = _of(rang)
    assert getattr(found, field) == 1, found
    assert not found.clean


def test_a_push_to_nobodys_phone_is_unwarranted() -> None:
    """Whoever registered no phone cannot have got one."""
    assert _of(RANG, strangers=1).unwarranted == 1


@pytest.mark.parametrize(
    ("chosen", "wish", "wanted"),
    [
        ((None, None), "all", 4),
        ((None, None), "mentions", 1),
        ((None, None), "none", 0),
        ((None, "all"), "none", 3),
        (("all", None), "all", 5),
        (("muted", None), "all", 3),
        (("none", "mentions"), "all", 0),
    ],
)
def test_levels(chosen: tuple[str | None, str | None], wish: str, wanted: int) -> None:
    """The room's own, else the least of what is usual there and what the person wishes."""
    assert _of((), ADA._replace(chosen=chosen, wish=wish)).missing == wanted


def test_a_mention_in_a_muted_room_counts_in_the_badge() -> None:
    """And rings not."""
    muted = ADA._replace(chosen=("muted", None))
    rang = (RANG[0], RANG[2]._replace(badge=4))
    assert _of(rang, muted).clean


def test_a_third_is_away_and_says_nothing() -> None:
    """Whoever is spoken to by nick is mentioned, under a later nick too, and no at sign of the log's own is left."""
    lines = [f"[10:{n:02}] <nick{n % 9}> nick{(n + 1) % 9}: hello @here" for n in range(30)]
    play = cast(parse("\n".join(["=== nick0 is now known as zero", *lines])))
    plan = script(play, 1, "run")
    away = {who.number for who in plan.absent}
    assert len(away) == round(len(play.names) / 3)
    assert not away & {step.actor for step in plan.play.steps}
    said = [step.text for step in plan.play.steps if step.act is Act.say]
    assert said
    assert all(text.startswith("@nick") and "_run" in text for text in said)
    assert all(text.endswith(": hello (at)here") for text in said)


@pytest.mark.parametrize(
    "body",
    [
        {
            "aps": {"badge": 5, "alert": {"loc-key": "PUSH_MESSAGES", "loc-args": ["3"]}},
            "kind": "message",
            "room_id": str(ROOM),
            "seq": 6,
            "unread": 3,
        },
        {
            "message": {
                "data": {"kind": "message", "room_id": str(ROOM), "seq": "6", "unread": "3"}
                | {"badge": "5"},
                "android": {
                    "notification": {
                        "body_loc_key": "PUSH_MESSAGES_MENTION",
                        "body_loc_args": ["3", "Bob"],
                    }
                },
            }
        },
    ],
)
def test_pushes_of_both_providers_read_the_same(body: dict[str, object]) -> None:
    """As apps read them."""
    assert read(body, 10, {ROOM: 1}) == Rang(1, 6, 10, badge=5, unread=3, amount=3)
    assert read(body, 10, {}) is None
