"""Scheduled messages and reminders: posted once, at their time, by their author's rights at that moment."""

import random
from typing import Any
from uuid import UUID, uuid4

import pytest

from api.assembly import timers
from muster.jobs import Runner
from muster.permission import Relation, RoomKind
from proto.codes import Code
from tests.api.door import Door, Someone

HOUR_MS = 3_600_000


def _runner(door: Door) -> Runner:
    return timers(door.ground, random.Random(1))


def _soon(door: Door) -> int:
    return door.clock.now_ms() + HOUR_MS


async def _comes(door: Door) -> None:
    """The time of all jobs is now."""
    await door.database.execute("UPDATE jobs SET due_at = now(), next_at = now()")


async def _schedule(
    door: Door, someone: Someone, room: str, text: str = "later", **more: Any
) -> dict[str, Any]:
    body = {"client_id": uuid4().hex, "at_ms": _soon(door), "text": text, **more}
    made: dict[str, Any] = await someone.done("POST", f"/v1/rooms/{room}/scheduled", json=body)
    return made


async def _log(someone: Someone, room: object, *kinds: str) -> list[dict[str, Any]]:
    page = await someone.done("GET", f"/v1/rooms/{room}/history")
    return [entry for entry in page["entries"] if entry["kind"] in kinds]


async def test_a_scheduled_message_is_posted_once_at_its_time(door: Door) -> None:
    """Not before, with all it has, under the client id it was given, and then it waits no more."""
    ada, bob = await door.someone(), await door.someone()
    room = await ada.room("group", bob)
    runner = _runner(door)
    first = await ada.post(room, "now")
    more: dict[str, Any] = {
        "mentions": [str(bob.id)],
        "reply_to": first,
        "meta": {"k": 1},
        "client_id": "c",
    }
    made = await _schedule(door, ada, room, **more)
    assert (await ada.done("GET", "/v1/me/scheduled"))["scheduled"] == [made]
    assert await runner.round() == 0
    await _comes(door)
    assert await runner.round() == 1
    assert await runner.round() == 0
    [_, posted] = await _log(bob, room, "post")
    assert (posted["author"], posted["client_id"]) == (str(ada.id), "c")
    assert posted["body"] == {
        "text": "later",
        "mentions": [str(bob.id)],
        "reply_to": first,
        "meta": {"k": 1},
    }
    assert (await ada.done("GET", "/v1/me/scheduled"))["scheduled"] == []
    assert door.ground.registry.get_sample_value("muster_jobs_fired_total", {"kind": "post"}) == 1


async def test_a_job_that_fires_twice_posts_once(door: Door) -> None:
    """Its process died after the commit and before the job was done: the next one finds it said."""
    ada = await door.someone()
    room = await ada.room()
    runner = _runner(door)
    await _schedule(door, ada, room)
    kept = await door.database.fetchrow("SELECT * FROM jobs")
    for _ in range(2):
        await _comes(door)
        assert await runner.round() == 1
        await door.database.execute(
            "INSERT INTO jobs SELECT * FROM jsonb_populate_record(NULL::jobs, to_jsonb($1::jobs))",
            kept,
        )
    assert len(await _log(ada, room, "post")) == 1


async def test_the_same_wish_twice_is_one(door: Door) -> None:
    """By client id; what stands is answered, not what was asked the second time."""
    ada = await door.someone()
    room = await ada.room()
    made = await _schedule(door, ada, room, client_id="same")
    body = {"client_id": "same", "at_ms": _soon(door) + 1, "text": "other"}
    answer = await ada.ask("POST", f"/v1/rooms/{room}/scheduled", json=body)
    assert (answer.status_code, answer.json()) == (200, made)
    assert (await ada.done("GET", "/v1/me/scheduled"))["scheduled"] == [made]


@pytest.mark.parametrize("how", ["kicked", "muzzled", "archived", "banned", "silenced"])
async def test_who_may_no_longer_post_is_told(door: Door, how: str) -> None:
    """Rights are those of the moment: nothing is posted, and the author's own log says so, once."""
    ada, bob = await door.someone(), await door.someone()
    room = await ada.room("announcement", bob)
    role = f"/v1/rooms/{room}/members/{bob.id}/role"
    await ada.done("PUT", role, json={"role": "moderator"})
    made = await _schedule(door, bob, room, "to nobody")
    if how == "kicked":
        await ada.done("DELETE", f"/v1/rooms/{room}/members/{bob.id}")
    elif how == "muzzled":
        await ada.done("PUT", role, json={"role": "member"})
    elif how == "archived":
        await ada.done("PATCH", f"/v1/rooms/{room}", json={"archived": True})
    elif how == "silenced":
        until = {"until_ms": door.clock.now_ms() + 86_400_000}
        await ada.done("PUT", f"/v1/rooms/{room}/members/{bob.id}/silence", json=until)
    else:
        await door.database.execute(
            "UPDATE people SET banned_at = now() WHERE person_id = $1", bob.id
        )
    await _comes(door)
    assert await _runner(door).round() == 1
    assert await _log(ada, room, "post") == []
    [told] = await _log(bob, bob.id, "unsent")
    codes = {"kicked": Code.not_found, "archived": Code.archived, "silenced": Code.silenced}
    code = codes.get(how, Code.permission_denied)
    assert told["body"] == {
        "text": "to nobody",
        "room": room,
        "code": int(code),
        "job": made["id"],
    }
    assert await door.database.fetchval("SELECT count(*) FROM jobs") == 0


@pytest.mark.parametrize(("slow_s", "left"), [(600, 1), (7200, 0)])
async def test_in_a_slow_room_it_waits_its_turn_unless_that_is_long(
    door: Door, slow_s: int, left: int
) -> None:
    """A few minutes later it is tried again; of hours its author is told instead."""
    ada, bob = await door.someone(), await door.someone()
    room = await ada.room("group", bob)
    await ada.done("PATCH", f"/v1/rooms/{room}", json={"slow_s": slow_s})
    await _schedule(door, bob, room)
    await bob.post(room, "my turn")
    await _comes(door)
    assert await _runner(door).round() == 1
    assert [entry["body"]["text"] for entry in await _log(ada, room, "post")] == ["my turn"]
    assert await door.database.fetchval("SELECT count(*) FROM jobs WHERE kind = 'post'") == left
    codes = [told["body"]["code"] for told in await _log(bob, bob.id, "unsent")]
    assert codes == [int(Code.slow_mode)] * (1 - left)


async def test_a_scheduled_message_can_be_taken_back(door: Door) -> None:
    """By its author alone, until somebody is at it; a dead process's lease stands in the way no longer than it runs."""
    ada, eve = await door.someone(), await door.someone()
    room = await ada.room()
    path = f"/v1/me/scheduled/{(await _schedule(door, ada, room))['id']}"
    assert (await eve.ask("DELETE", path)).status_code == 404
    await door.database.execute(
        "UPDATE jobs SET lease = gen_random_uuid(), next_at = now() + interval '10 s'"
    )
    assert (await ada.ask("DELETE", path)).status_code == 409
    await door.database.execute("UPDATE jobs SET next_at = now()")
    await ada.done("DELETE", path)
    assert (await ada.ask("DELETE", path)).status_code == 404
    assert await _runner(door).round() == 0
    assert await _log(ada, room, "post") == []


async def test_times_that_cannot_be(door: Door) -> None:
    """In the past, more than a year ahead, or no time at all: a plain error, and nothing waits."""
    ada = await door.someone()
    room = await ada.room()
    now_ms = door.clock.now_ms()
    for at_ms, status in (
        (now_ms - 1_000, 400),
        (0, 400),
        (now_ms + 367 * 24 * HOUR_MS, 400),
        (2**53 - 1, 400),
        (2**53, 400),
        (-1, 400),
        ("soon", 400),
        (now_ms + 365 * 24 * HOUR_MS, 201),
    ):
        for path, more in (
            (f"/v1/rooms/{room}/scheduled", {"client_id": "c", "text": "x"}),
            ("/v1/me/reminders", {"room": room, "seq": 1}),
        ):
            answer = await ada.ask("POST", path, json={**more, "at_ms": at_ms})
            assert answer.status_code == status, (path, at_ms, answer.text)
            if status == 400:
                assert answer.json()["name"] == "bad_request"
                assert await door.database.fetchval("SELECT count(*) FROM jobs") == (0)


async def test_what_cannot_be_posted_now_cannot_be_scheduled(door: Door) -> None:
    """An empty message, a room that is archived; the permission table is tried cell by cell elsewhere."""
    ada = await door.someone()
    room = await ada.room()
    body = {"client_id": "c", "at_ms": _soon(door), "text": " "}
    path = f"/v1/rooms/{room}/scheduled"
    assert (await ada.ask("POST", path, json=body)).status_code == 400
    await ada.done("PATCH", f"/v1/rooms/{room}", json={"archived": True})
    answer = await ada.ask("POST", path, json={**body, "text": "x"})
    assert (answer.status_code, answer.json()["name"]) == (409, "archived")


async def test_one_person_may_have_a_hundred_waiting(door: Door) -> None:
    """Of each kind, and nobody else's count."""
    ada, bob = await door.someone(), await door.someone()
    room = await ada.room("group", bob)
    for who in (ada, bob):
        await door.database.execute(
            """
            INSERT INTO jobs (job_id, kind, owner, due_at, payload, next_at)
            SELECT gen_random_uuid(), k, $1, now() + interval '1 day', '{}', now() + interval '1 day'
            FROM unnest(ARRAY['post', 'reminder']) k, generate_series(1, $2::int)
            """,
            who.id,
            100 if who is ada else 99,
        )
    at_ms = _soon(door)
    for path, body in (
        (f"/v1/rooms/{room}/scheduled", {"client_id": "c", "at_ms": at_ms, "text": "x"}),
        ("/v1/me/reminders", {"at_ms": at_ms, "room": room, "seq": 1}),
    ):
        answer = await ada.ask("POST", path, json=body)
        assert (answer.status_code, answer.json()["name"]) == (422, "limit_exceeded")
        assert (await bob.ask("POST", path, json=body)).status_code == 201


async def test_a_reminder_comes_once_to_ones_own_log(door: Door) -> None:
    """With its place and note, also when its owner has left the room meanwhile."""
    ada, bob = await door.someone(), await door.someone()
    room = await ada.room("group", bob)
    seq = await ada.post(room, "dinner on friday")
    runner = _runner(door)
    body = {"at_ms": _soon(door), "room": room, "seq": seq, "note": " book a table "}
    made = await bob.done("POST", "/v1/me/reminders", json=body)
    assert made["about"] == {"room": room, "seq": seq, "note": "book a table"}
    assert (await bob.done("GET", "/v1/me/reminders"))["reminders"] == [made]
    assert (await ada.done("GET", "/v1/me/reminders"))["reminders"] == []
    await bob.done("POST", f"/v1/rooms/{room}/leave")
    await _comes(door)
    assert await runner.round() == 1
    [told] = await _log(bob, bob.id, "reminder")
    assert told["body"] == {
        "text": "book a table",
        "room": room,
        "at_seq": seq,
        "job": made["id"],
    }
    assert (await bob.done("GET", "/v1/me/reminders"))["reminders"] == []


async def test_reminders_are_dropped_and_repeated(door: Door) -> None:
    """The same Idempotency-Key is one reminder; a dropped one never comes."""
    ada = await door.someone()
    room = await ada.room()
    body = {"at_ms": _soon(door), "room": room, "seq": 1}
    again = {"json": body, "headers": {"Idempotency-Key": "k"}}
    made = [await ada.done("POST", "/v1/me/reminders", **again) for _ in range(2)]
    assert made[0] == made[1]
    path = f"/v1/me/reminders/{made[0]['id']}"
    # A reminder is no scheduled message.
    assert (await ada.ask("DELETE", path.replace("reminders", "scheduled"))).status_code == 404
    await ada.done("DELETE", path)
    await _comes(door)
    assert await _runner(door).round() == 0


async def test_reminders_of_what_one_does_not_see(door: Door) -> None:
    """Somebody else's room and entries that are not there are not found; a long note is refused."""
    ada, eve = await door.someone(), await door.someone()
    room = await ada.room()
    body = {"at_ms": _soon(door), "room": room, "seq": 1}
    assert (await eve.ask("POST", "/v1/me/reminders", json=body)).status_code == 404
    for wrong, status in (({"seq": 0}, 404), ({"seq": 99}, 404), ({"note": "x" * 501}, 400)):
        answer = await ada.ask("POST", "/v1/me/reminders", json=body | wrong)
        assert answer.status_code == status, wrong


async def test_a_direct_room_with_a_block_takes_it_silently(door: Door) -> None:
    """As any post of a blocked person: committed, and hidden from the blocker."""
    ada, eve = await door.someone(), await door.someone()
    room = (await eve.done("POST", "/v1/rooms", json={"kind": "direct", "peer": str(ada.id)}))["id"]
    await _schedule(door, eve, room)
    await ada.done("PUT", f"/v1/me/blocks/{eve.id}")
    await _comes(door)
    assert await _runner(door).round() == 1
    assert [len(await _log(who, room, "post")) for who in (ada, eve)] == [0, 1]
    assert await _log(eve, eve.id, "unsent") == []


async def test_an_author_who_is_gone_is_a_dead_letter(door: Door) -> None:
    """There is nobody to tell."""
    ada = await door.someone()
    room = await ada.room()
    await _schedule(door, ada, room)
    await door.database.execute("UPDATE jobs SET owner = $1", uuid4())
    await _comes(door)
    assert await _runner(door).round() == 1
    row = await door.database.fetchrow("SELECT dead_at IS NOT NULL, failure FROM jobs")
    assert tuple(row or ()) == (True, "not_found")


async def test_nobody_schedules_into_logs_that_are_no_rooms(door: Door) -> None:
    """One's own log takes no posts, now or later."""
    ada = await door.someone()
    body = {"client_id": "c", "at_ms": _soon(door), "text": "x"}
    answer = await ada.ask("POST", f"/v1/rooms/{ada.id}/scheduled", json=body)
    assert answer.status_code == 403
    event = await door.bare_room(RoomKind.event, ada.id)
    await door.relate(UUID(str(event)), ada.id, Relation.member, 1)
    assert (await ada.ask("POST", f"/v1/rooms/{event}/scheduled", json=body)).status_code == 201
