"""What an event tells rings whoever is away: once, in words of its own, and only while it is still so."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from muster import hosting, submit
from muster.events import Attending, EventChange, JoinsOn
from muster.ids import PersonId, RoomId, self_room
from muster.lane import of_entry
from muster.owed import News, Settled, Wishes
from muster.push_device import Privacy, Provider
from muster.venue import Visibility
from proto.entry import Body, EntryKind
from proto.frames import Entry
from pushers.alert import Form
from pushers.assembly import Pusher
from pushers.cause import Cause
from pushers.naming import collapse, news_of
from pushers.outcome import Rejected
from pushers.wording import KEYS
from pushers.writing import written
from tests.pushers.phrases import (
    NOON_MS,
    ROOM,
    device,
    judged,
    message,
    outcome,
    owed,
    rung,
)
from tests.pushers.surroundings import World, reads
from tests.stores.postgres.debtors import APNS, FCM, Ground, ground, key, register
from tests.vocabulary import new_id, person, say

STATES = ("invited", "changed", "starts_soon", "cancelled", "waitlist_up")


def _news(state: str, **changed: Any) -> Any:
    urgent = state in ("invited", "cancelled")
    plain: dict[str, Any] = {
        "room_kind": "self",
        "title": "Open air",
        "news": News(ROOM, state),
        "mentions": int(urgent),
        "standing": 0,
    }
    return owed(message(7, text="", mentions_me=urgent), **{**plain, **changed})


# Rules


@pytest.mark.parametrize("state", STATES)
def test_each_has_words_of_its_own(state: str) -> None:
    """The event's title, and a key that apps know; on both providers, with where a tap leads."""
    phones = (device(), device(new_id(), provider=Provider.fcm))
    [apple, google] = rung(judged(_news(state, devices=phones, received=(0, 0))))
    assert apple is not None
    assert google is not None
    assert (apple.form, apple.urgent) == (Form.news, state in ("invited", "cancelled"))
    push = written(apple, phones[0], NOON_MS)
    got = json.loads(push.body)
    assert got["aps"]["alert"]["title"] == "Open air"
    assert got["aps"]["alert"]["loc-key"] in KEYS
    assert got["aps"]["alert"].get("loc-args", []) == (["Ada"] if state == "invited" else [])
    assert got["aps"]["badge"] == 7
    assert (got["kind"], got["event"], got["state"]) == ("notice", str(ROOM), state)
    assert push.collapse == collapse(news_of(ROOM)) != collapse(ROOM)
    assert got["aps"]["thread-id"] == collapse(ROOM)
    said = json.loads(written(google, phones[1], NOON_MS).body)["message"]
    assert said["data"]["kind"] == "notice"
    assert (said["data"]["event"], said["data"]["tag"]) == (str(ROOM), push.collapse)
    assert said["android"]["notification"]["body_loc_key"] == got["aps"]["alert"]["loc-key"]


@pytest.mark.parametrize("privacy", [Privacy.generic, Privacy.ids])
def test_a_careful_device_is_told_that_there_is_news(privacy: Privacy) -> None:
    """Neither which event's nor what, in words."""
    phone = device(privacy=privacy)
    [alert] = rung(judged(_news("invited", devices=(phone,))))
    assert alert is not None
    body = written(alert, phone, NOON_MS).body
    assert json.loads(body)["aps"]["alert"] == {"loc-key": "PUSH_NEWS"}
    assert b"Open air" not in body
    assert b"Ada" not in body
    assert b"invited" not in body


@pytest.mark.parametrize("state", STATES)
def test_levels_mutes_and_nights_hold(state: str) -> None:
    """Level none, a mute and do not disturb silence; level mentions does not; the night lets the urgent through."""
    urgent = state in ("invited", "cancelled")
    night = Wishes(quiet_from_min=600, quiet_to_min=800, urgent_through=True)
    for changed, expected in (
        ({"wishes": Wishes(level="mentions")}, "rings"),
        ({"wishes": Wishes(level="none")}, Cause.level_none),
        ({"level": "none"}, Cause.level_none),
        ({"muted_until_ms": NOON_MS + 1}, Cause.muted),
        ({"wishes": Wishes(busy_until_ms=NOON_MS + 1)}, Cause.busy),
        ({"wishes": night._replace(urgent_through=False)}, Cause.quiet_hours),
        ({"wishes": night}, "rings" if urgent else Cause.quiet_hours),
    ):
        assert outcome(judged(_news(state, **changed))) == [expected]


# On Postgres


@pytest_asyncio.fixture
async def on(database_url: str) -> AsyncIterator[Ground]:
    async with ground(database_url) as opened:
        yield opened


async def _event(on: Ground, host: PersonId, title: str = "Open air") -> RoomId:
    """One tomorrow."""
    now_ms = await on.database.fetchval("SELECT (extract(epoch FROM now()) * 1000)::bigint")
    starts = now_ms + 86_400_000
    new = EventChange(
        title=title, topic="", about="", cover=None, doors_at_ms=starts, starts_at_ms=starts,
        ends_at_ms=starts + 3_600_000, zone="UTC", place_name="", address="", point=None, fence=None,
        visibility=Visibility.invited, capacity=None, joins_on=JoinsOn.answer, dwell_ms=None,
        soon_ms=0,
    )  # fmt: skip
    event = RoomId(new_id())
    await on.writer.submit(hosting.create(host, event, "c", new))
    return event


async def _asked(on: Ground, host: PersonId, event: RoomId, guest: PersonId) -> int:
    """A host invites; the notice's seq in the guest's log."""
    await on.writer.submit(hosting.invite(host, event, guest, f"i{guest}"))
    return await on.head(guest)


async def _answers(on: Ground, guest: PersonId, event: RoomId, said: str) -> None:
    await on.writer.submit(hosting.answer(guest, event, f"a{said}", Attending(said)))


async def _tells(on: Ground, guest: PersonId, event: RoomId, state: str) -> int:
    """As the job does it."""
    op = hosting.notice(guest, f"{state}:{event}:{new_id()}", Body(room=event, state=state))
    return (await on.writer.submit(op)).seq


async def _comes(
    pusher: Pusher, guest: PersonId, event: RoomId, state: str, seq: int, author: PersonId
) -> None:
    """The lanes bring it."""
    body = Body(room=event, state=state)
    entry = Entry(0, self_room(guest), seq, 0, EntryKind.notice, author, guest, "", 1, body)
    pusher.intake.entries([of_entry(entry)])


async def _states(on: Ground, guest: PersonId, provider: Provider = APNS) -> list[str]:
    """What is still to be told, one after another, each settled before the next is asked for."""
    told = []
    while (now := await on.one(guest, guest, provider)).news is not None:
        told.append(now.news.state)
        await on.store.settle(provider, [Settled(now.key, now.through)])
        if not now.more:
            break
    return told


async def test_who_is_away_is_told_each_thing_once(on: Ground, redis_url: str) -> None:
    """Two events that invite at once ring twice, each in its own place; then nothing is owed. The badge stays."""
    ada, bob = await person(on.database), await person(on.database)
    await register(on.database, ada)
    one, other = await _event(on, bob, "One"), await _event(on, bob, "Other")
    seqs = [await _asked(on, bob, event, ada) for event in (one, other)]
    world = World(on, redis_url)
    async with world.pushing() as pusher:
        for event, seq in zip((one, other), seqs, strict=True):
            await _comes(pusher, ada, event, "invited", seq, bob)
        await world.carrier.until_sent(2)
        await world.until_settled(ada, self_room(ada))
        pusher.intake.doubt(frozenset({0}))
        await world.until_at_rest()
    bodies = [json.loads(push.body) for push in world.carrier.sent]
    assert [(body["event"], body["seq"]) for body in bodies] == [
        (str(event), seq) for event, seq in zip((one, other), seqs, strict=True)
    ]
    assert {body["aps"]["badge"] for body in bodies} == {0}
    assert len({push.collapse for push in world.carrier.sent}) == 2
    assert all(push.urgent for push in world.carrier.sent)


async def test_what_no_lane_brought_is_found_and_reading_takes_it_away(
    on: Ground, redis_url: str
) -> None:
    """A pusher that starts finds it in Postgres; seen on another device it goes from the screen, with all before it."""
    ada, bob = await person(on.database), await person(on.database)
    await register(on.database, ada)
    event = await _event(on, bob)
    seq = await _asked(on, bob, event, ada)
    world = World(on, redis_url)
    async with world.pushing() as pusher:
        await world.carrier.until_sent(1)
        await world.until_settled(ada, self_room(ada))
        await reads(world, pusher, ada, self_room(ada), seq)
        await world.carrier.until_sent(2)
        await world.until_at_rest()
    gone = json.loads(world.carrier.sent[1].body)
    assert (gone["kind"], gone["room_id"], gone["seq"]) == ("read", str(ada), seq)
    assert await on.all_unsettled() == []


async def test_what_is_no_longer_so_rings_nobody(on: Ground) -> None:
    """Judged when it is due: answered, called off, started, taken off the roster, or from somebody blocked since."""
    ada, bob = await person(on.database), await person(on.database)
    for provider in (APNS, FCM):
        await register(on.database, ada, provider)
    event = await _event(on, bob)
    await _asked(on, bob, event, ada)
    assert (await on.one(ada, ada)).news == News(event, "invited")
    await on.writer.submit(submit.block(ada, bob, "b"))
    assert (await on.one(ada, ada)).news is None
    await on.writer.submit(submit.unblock(ada, bob, "u"))
    await _answers(on, ada, event, "going")
    assert (await on.one(ada, ada)).news is None
    for state in ("changed", "starts_soon", "waitlist_up"):
        await _tells(on, ada, event, state)
    assert await _states(on, ada) == ["changed", "starts_soon", "waitlist_up"]
    await on.database.execute("UPDATE events SET starts_at = now(), doors_at = now()")
    assert await _states(on, ada, FCM) == ["changed", "waitlist_up"]
    for state in ("changed", "starts_soon"):
        await _tells(on, ada, event, state)
    await on.writer.submit(hosting.cancel(bob, event, "off"))
    await _tells(on, ada, event, "cancelled")
    assert await _states(on, ada) == ["cancelled"]
    await on.writer.submit(hosting.drop(bob, event, ada, "out"))
    assert (await on.one(ada, ada, FCM)).news is None


async def test_a_mute_of_the_room_silences_all_but_that_it_is_off(on: Ground) -> None:
    """Also one that has run out, for what was told before its end."""
    ada, bob = await person(on.database), await person(on.database)
    await register(on.database, ada)
    event = await _event(on, bob)
    await _asked(on, bob, event, ada)
    await _answers(on, ada, event, "going")
    await on.writer.submit(submit.mute(ada, "m", Body(room=event, muted_until_ms=2**41)))
    await _tells(on, ada, event, "changed")
    assert (await on.one(ada, ada)).muted_until_ms == 2**41
    await on.writer.submit(hosting.cancel(bob, event, "off"))
    await _tells(on, ada, event, "cancelled")
    told = await on.one(ada, ada)
    assert (told.news, told.muted_until_ms, told.level) == (News(event, "cancelled"), 0, None)


async def test_a_new_phone_is_silent_about_old_news(on: Ground) -> None:
    """It begins where my log stands; one more of the same provider is told what the first is."""
    ada, bob = await person(on.database), await person(on.database)
    event, other = await _event(on, bob), await _event(on, bob)
    await _asked(on, bob, event, ada)
    await register(on.database, ada)
    assert (await on.one(ada, ada)).news is None
    assert await on.all_unsettled() == []
    await _asked(on, bob, other, ada)
    await register(on.database, ada)
    assert (await on.one(ada, ada)).news == News(other, "invited")
    assert await on.all_unsettled() == [key(ada, ada)]
    await register(on.database, ada, FCM)
    assert await on.all_unsettled(FCM) == []


async def test_what_i_did_myself_is_no_news(on: Ground) -> None:
    """Coming by a link puts an invitation into my log; nobody has to tell me of it."""
    ada, bob = await person(on.database), await person(on.database)
    await register(on.database, ada)
    event = await _event(on, bob)
    await on.database.execute(
        "INSERT INTO event_roster (room_id, person_id, answer) VALUES ($1, $2, 'invited')",
        event, ada,
    )  # fmt: skip
    await on.database.execute(
        "SELECT append_entry_v1(0, 'side', $1, 'notice', $1, $1, NULL, NULL, $2::jsonb, NULL)",
        ada, json.dumps({"room": str(event), "state": "invited"}),
    )  # fmt: skip
    assert (await on.one(ada, ada)).news is None
    assert await on.all_unsettled() == []


async def test_one_that_can_never_be_sent_does_not_hold_up_the_next(
    on: Ground, redis_url: str
) -> None:
    """It is a dead letter and settled, and only then what is told after it is looked for."""
    ada, bob = await person(on.database), await person(on.database)
    await register(on.database, ada)
    for title in ("One", "Other"):
        await _asked(on, bob, await _event(on, bob, title), ada)
    world = World(on, redis_url, Rejected("PayloadTooLarge"))
    queue = world.queue()
    async with world.pushing():
        await world.carrier.until_sent(2)
        await world.until_settled(ada, self_room(ada))
    assert [letter.reason for letter in await queue.dead(10)] == ["PayloadTooLarge"]
    await queue.close()
    assert [b"Other" in push.body for push in world.carrier.sent] == [False, True]


async def test_messages_of_an_events_room_ring_beside_its_news(on: Ground, redis_url: str) -> None:
    """Each under its own collapse id: neither takes the place of the other."""
    ada, bob = await person(on.database), await person(on.database)
    await register(on.database, ada)
    event = await _event(on, bob)
    await _asked(on, bob, event, ada)
    await _answers(on, ada, event, "going")
    await on.writer.submit(
        submit.mute(ada, "loud", Body(room=event, muted_until_ms=0, level="all"))
    )
    await say(on.writer, bob, event, "hi", "see you there")
    await _tells(on, ada, event, "changed")
    world = World(on, redis_url)
    async with world.pushing():
        await world.carrier.until_sent(2)
        await world.until_at_rest()
    kinds = {json.loads(push.body)["kind"]: push.collapse for push in world.carrier.sent}
    assert kinds == {"message": collapse(event), "notice": collapse(news_of(event))}
