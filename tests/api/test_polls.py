"""Polls: asked once, counted live and in history alike, and silent about who chose what where they promise it."""

import json
import random
from itertools import count
from typing import Any
from uuid import UUID

import pytest

from api.assembly import timers
from muster.permission import Relation, RoomKind
from tests.api.door import Door, Someone

NOBODY = str(UUID(int=0))
FOOD = {"options": ["pizza", "dumplings", "nothing"]}
_ids = count()


async def _ask(someone: Someone, room: str, **poll: Any) -> int:
    return await someone.post(room, "What shall we eat?", poll={**FOOD, **poll})


async def _vote(someone: Someone, room: str, seq: int, *choices: int, **more: Any) -> Any:
    path = f"/v1/rooms/{room}/messages/{seq}/vote"
    return await someone.done("PUT", path, json={"choices": choices}, **more)


async def _refused(someone: Someone, room: str, seq: int, *choices: int) -> tuple[int, str]:
    path = f"/v1/rooms/{room}/messages/{seq}/vote"
    answer = await someone.ask("PUT", path, json={"choices": choices})
    return answer.status_code, answer.json()["name"]


async def _item(someone: Someone, room: str, seq: int) -> dict[str, Any]:
    page = await someone.done("GET", f"/v1/rooms/{room}/history", params={"after": seq - 1})
    [item] = [entry for entry in page["entries"] if entry["seq"] == seq]
    return dict(item)


async def _poll(someone: Someone, room: str, seq: int) -> dict[str, Any]:
    poll: dict[str, Any] = (await _item(someone, room, seq))["poll"]
    return poll


async def _log(door: Door, room: str) -> list[tuple[Any, ...]]:
    rows = await door.database.fetch(
        "SELECT kind, author::text, client_id, body::text, target FROM entries"
        " WHERE room_id = $1::uuid AND kind IN ('vote', 'poll_closed') ORDER BY seq",
        room,
    )
    return [tuple(row) for row in rows]


async def _comes(door: Door) -> None:
    """The time of all jobs, and of all polls, is now."""
    await door.database.execute("UPDATE jobs SET due_at = now(), next_at = now()")
    await door.database.execute("UPDATE polls SET closes_at = now() WHERE closes_at IS NOT NULL")


async def test_a_poll_is_a_message_and_counts(door: Door) -> None:
    """Its question is its text; votes count by option, name who gave them, and change."""
    ada, bob, cyd = [await door.someone() for _ in range(3)]
    room = await ada.room("group", bob, cyd)
    seq = await _ask(ada, room)
    item = await _item(bob, room, seq)
    assert (item["kind"], item["body"]) == ("post", {"text": "What shall we eat?", "poll": FOOD})
    empty: dict[str, Any] = {"counts": [0, 0, 0], "mine": [], "voters": 0, "who": [[], [], []]}
    assert item["poll"] == {**empty, "closed": False}
    first = await _vote(bob, room, seq, 1)
    await _vote(cyd, room, seq, 1)
    again = await _vote(bob, room, seq, 1)
    assert (again["fresh"], again["seq"]) == (False, first["seq"])
    await _vote(bob, room, seq, 0)
    ids = [[str(bob.id)], [str(cyd.id)], []]
    standing = {"counts": [1, 1, 0], "voters": 2, "who": ids, "closed": False}
    for who, mine in ((ada, []), (bob, [0]), (cyd, [1])):
        assert await _poll(who, room, seq) == {**standing, "mine": mine}
    await _vote(bob, room, seq)
    assert (await _poll(bob, room, seq))["counts"] == [0, 1, 0]
    told = [(author, body) for _, author, _, body, _ in await _log(door, room)]
    assert told == [
        (str(bob.id), '{"was": [], "choices": [1]}'),
        (str(cyd.id), '{"was": [], "choices": [1]}'),
        (str(bob.id), '{"was": [1], "choices": [0]}'),
        (str(bob.id), '{"was": [0], "choices": []}'),
    ]


async def test_unread_counts_a_poll_and_no_vote(door: Door) -> None:
    """It is a message like any other; what is said by choosing is none."""
    ada, bob = await door.someone(), await door.someone()
    room = await ada.room("group", bob)
    await _vote(ada, room, await _ask(ada, room), 0)
    [listed] = (await bob.done("GET", "/v1/me/rooms"))["rooms"]
    assert (listed["unread"], listed["last_message"]["text"]) == (1, "What shall we eat?")


async def test_an_anonymous_poll_gives_nobody_away(door: Door) -> None:
    """Entries name neither author nor client id, history and the list of votes nobody; one's own log tells oneself."""
    ada, bob = await door.someone(), await door.someone()
    room = await ada.room("group", bob)
    seq = await _ask(ada, room, anonymous=True, multiple=True)
    await _vote(bob, room, seq, 2, 0)
    await _vote(ada, room, seq, 2)
    assert await _log(door, room) == [
        ("vote", NOBODY, None, '{"counts": [1, 0, 1], "voters": 1}', seq),
        ("vote", NOBODY, None, '{"counts": [1, 0, 2], "voters": 2}', seq),
    ]
    assert await _poll(ada, room, seq) == {
        "counts": [1, 0, 2], "mine": [2], "voters": 2, "who": [], "closed": False,
    }  # fmt: skip
    votes = await ada.ask("GET", f"/v1/rooms/{room}/messages/{seq}/votes")
    assert (votes.status_code, votes.json()["name"]) == (403, "permission_denied")
    mine = await bob.done("GET", f"/v1/rooms/{bob.id}/history")
    told = [entry["body"] for entry in mine["entries"] if entry["kind"] == "vote"]
    assert told == [{"room": room, "at_seq": seq, "choices": [0, 2]}]
    # To leave out whom one blocks would tell what they chose.
    await ada.done("PUT", f"/v1/me/blocks/{bob.id}")
    assert (await _poll(ada, room, seq))["counts"] == [1, 0, 2]


async def test_a_retried_anonymous_vote_is_one(door: Door) -> None:
    """Its entry carries no client id; what was voted last is known by it all the same, also once the poll is closed."""
    ada = await door.someone()
    room = await ada.room()
    seq = await _ask(ada, room, anonymous=True)
    key = {"headers": {"Idempotency-Key": f"k{next(_ids)}"}}
    first = await _vote(ada, room, seq, 1, **key)
    await door.database.execute("DELETE FROM idempotency_keys")
    assert (await _vote(ada, room, seq, 1, **key))["seq"] == first["seq"]
    assert len(await _log(door, room)) == 1
    await ada.done("POST", f"/v1/rooms/{room}/messages/{seq}/close")
    await door.database.execute("DELETE FROM idempotency_keys")
    assert (await _vote(ada, room, seq, 1, **key))["seq"] == first["seq"]


async def test_who_voted_is_listed_in_pages(door: Door) -> None:
    """The latest first, without who took their vote back and without whom the reader blocks."""
    people = [await door.someone() for _ in range(5)]
    ada, bob, cyd, dan, eve = people
    room = await ada.room("group", *people[1:])
    seq = await _ask(ada, room, multiple=True)
    for person, choices in ((ada, (0,)), (bob, (1, 0)), (cyd, (2,)), (dan, (1,)), (eve, (0,))):
        await _vote(person, room, seq, *choices)
    await _vote(cyd, room, seq)
    await ada.done("PUT", f"/v1/me/blocks/{eve.id}")
    path = f"/v1/rooms/{room}/messages/{seq}/votes"
    page = await ada.done("GET", path, params={"limit": 2})
    rest = await ada.done("GET", path, params={"limit": 2, "cursor": page["cursor"]})
    listed = [(vote["person"], vote["choices"]) for vote in page["votes"] + rest["votes"]]
    assert listed == [(str(dan.id), [1]), (str(bob.id), [0, 1]), (str(ada.id), [0])]
    assert rest["cursor"] is None
    assert await _poll(ada, room, seq) | {"who": None} == {
        "counts": [2, 2, 0], "mine": [0], "voters": 3, "who": None, "closed": False,
    }  # fmt: skip
    for wrong in (seq + 1, 1, 99):
        assert (await ada.ask("GET", f"/v1/rooms/{room}/messages/{wrong}/votes")).status_code == 404


BAD_POLLS: list[tuple[str, dict[str, Any]]] = [
    ("eat?", {"options": ["one"]}),
    ("eat?", {"options": [str(n) for n in range(13)]}),
    ("eat?", {"options": ["one", "One"]}),
    ("eat?", {"options": ["one", " one "]}),
    ("eat?", {"options": ["one", "  "]}),
    ("eat?", {"options": ["one", "x" * 101]}),
    ("eat?", {"options": ["one", "a\u202eb"]}),
    ("eat?", {"options": ["one", "a\x00b"]}),
    ("eat?", {"options": "one"}),
    ("", FOOD),
    ("   ", FOOD),
    ("x" * 301, FOOD),
    ("eat?", {**FOOD, "closes_at_ms": 1}),
    ("eat?", {**FOOD, "closes_at_ms": 2**53 - 1}),
]


async def test_a_bad_poll_is_a_plain_error(door: Door) -> None:
    """400 with a sentence, and nothing is asked."""
    ada = await door.someone()
    room = await ada.room()
    for text, poll in BAD_POLLS:
        body = {"client_id": "c", "text": text, "poll": poll}
        answer = await ada.ask("POST", f"/v1/rooms/{room}/messages", json=body)
        assert (answer.status_code, answer.json()["name"]) == (400, "bad_request"), (text, poll)
    assert len((await ada.done("GET", f"/v1/rooms/{room}/history"))["entries"]) == 1
    assert await door.database.fetchval("SELECT count(*) FROM polls") == 0


async def test_a_bad_vote_is_a_plain_error(door: Door) -> None:
    """An option that is not there, two where one is due, on what is no poll, on what one may not see: nothing moves."""
    ada, bob, eve = [await door.someone() for _ in range(3)]
    room = await ada.room("group")
    seq, plain = await _ask(ada, room), await ada.post(room, "words")
    assert await _refused(ada, room, seq, 3) == (400, "bad_request")
    assert await _refused(ada, room, seq, 12) == (400, "bad_request")
    assert await _refused(ada, room, seq, -1) == (400, "bad_request")
    assert await _refused(ada, room, seq, 0, 1) == (400, "bad_request")
    assert await _refused(ada, room, plain, 0) == (404, "not_found")
    assert await _refused(ada, room, 99, 0) == (404, "not_found")
    assert await _refused(eve, room, seq, 0) == (404, "not_found")
    # A group shows what came after one's coming.
    await ada.done("PUT", f"/v1/rooms/{room}/members/{bob.id}")
    await bob.done("POST", f"/v1/rooms/{room}/join")
    assert await _refused(bob, room, seq, 0) == (404, "not_found")
    await ada.done("PATCH", f"/v1/rooms/{room}", json={"archived": True})
    assert await _refused(ada, room, seq, 0) == (409, "archived")
    assert await _log(door, room) == []


async def test_a_closed_poll_takes_no_vote(door: Door) -> None:
    """Its author closes it, a moderator anyone's; closing twice is one entry, and the timer is gone."""
    ada, bob, eve = [await door.someone() for _ in range(3)]
    room = await ada.room("group", bob, eve)
    seq = await _ask(bob, room, closes_at_ms=door.clock.now_ms() + 3_600_000)
    await _vote(eve, room, seq, 0)
    path = f"/v1/rooms/{room}/messages/{seq}/close"
    assert (await eve.ask("POST", path)).status_code == 403
    closed = await ada.done("POST", path)
    again = await bob.done("POST", path)
    assert (again["fresh"], again["seq"]) == (False, closed["seq"])
    assert await _refused(eve, room, seq, 1) == (409, "conflict")
    assert await _refused(eve, room, seq) == (409, "conflict")
    assert await _poll(eve, room, seq) | {"who": None} == {
        "counts": [1, 0, 0], "mine": [0], "voters": 1, "who": None, "closed": True,
    }  # fmt: skip
    assert await door.database.fetchval("SELECT count(*) FROM jobs") == 0
    assert (await ada.ask("POST", f"/v1/rooms/{room}/messages/1/close")).status_code == 404


async def test_a_poll_closes_in_time(door: Door) -> None:
    """From that moment on, whether or not its timer has fired; the timer tells everybody, once."""
    ada = await door.someone()
    room = await ada.room()
    seq = await _ask(ada, room, closes_at_ms=door.clock.now_ms() + 3_600_000)
    runner = timers(door.ground, random.Random(1))
    assert await runner.round() == 0
    kept = await door.database.fetchrow("SELECT * FROM jobs")
    await _comes(door)
    assert await _refused(ada, room, seq, 0) == (409, "conflict")
    assert (await _poll(ada, room, seq))["closed"] is True
    for _ in range(2):
        assert await runner.round() == 1
        await door.database.execute(
            "INSERT INTO jobs SELECT * FROM jsonb_populate_record(NULL::jobs, to_jsonb($1::jobs))",
            kept,
        )
        await _comes(door)
    assert [(kind, author) for kind, author, *_ in await _log(door, room)] == [
        ("poll_closed", NOBODY)
    ]


async def test_a_timer_before_its_time_closes_nothing(door: Door) -> None:
    """The clock that judges is Postgres', not the timer's."""
    ada = await door.someone()
    room = await ada.room()
    seq = await _ask(ada, room, closes_at_ms=door.clock.now_ms() + 3_600_000)
    await door.database.execute("UPDATE jobs SET next_at = now()")
    assert await timers(door.ground, random.Random(1)).round() == 1
    assert (await _poll(ada, room, seq))["closed"] is False


async def test_a_deleted_poll_takes_its_words_and_votes(door: Door) -> None:
    """From the tables and from the entries; nothing can be chosen any more, and no timer waits."""
    ada, bob = await door.someone(), await door.someone()
    room = await ada.room("group", bob)
    seq = await _ask(ada, room, closes_at_ms=door.clock.now_ms() + 3_600_000)
    await _vote(bob, room, seq, 1)
    await ada.done("DELETE", f"/v1/rooms/{room}/messages/{seq}")
    item = await _item(bob, room, seq)
    assert (item["body"], item["poll"]) == ({}, None)
    assert [body for *_, body, _ in await _log(door, room)] == [None]
    assert await _refused(bob, room, seq, 0) == (404, "not_found")
    for table in ("polls", "poll_votes", "jobs"):
        assert await door.database.fetchval(f"SELECT count(*) FROM {table}") == 0, table


async def test_a_poll_is_not_edited(door: Door) -> None:
    """People have been asked this. A process of the release before edits its words and keeps what may be chosen."""
    ada, bob = await door.someone(), await door.someone()
    room = await ada.room("group", bob)
    seq = await _ask(ada, room)
    path = f"/v1/rooms/{room}/messages/{seq}"
    answer = await ada.ask("PATCH", path, json={"text": "Shall we fight?"})
    assert (answer.status_code, answer.json()["name"]) == (409, "conflict")
    assert (await bob.ask("PATCH", path, json={"text": "x"})).status_code == 403
    await door.database.execute(
        "UPDATE entries SET text = 'old', body = NULL, edited_seq = $2 WHERE room_id = $1::uuid AND seq = $2",
        room,
        seq,
    )
    assert (await _item(ada, room, seq))["body"] == {"text": "old", "poll": FOOD}


async def test_a_poll_may_be_posted_later(door: Door) -> None:
    """A scheduled message is posted with all it has; one whose poll would be over is told as unsent."""
    ada = await door.someone()
    room = await ada.room()
    soon = door.clock.now_ms() + 3_600_000
    for poll in (FOOD, {**FOOD, "closes_at_ms": door.clock.now_ms() + 1}):
        body = {"client_id": f"p{next(_ids)}", "at_ms": soon, "text": "eat?", "poll": poll}
        await ada.done("POST", f"/v1/rooms/{room}/scheduled", json=body)
    await _comes(door)
    assert await timers(door.ground, random.Random(1)).round() == 2
    [posted] = [
        entry
        for entry in (await ada.done("GET", f"/v1/rooms/{room}/history"))["entries"]
        if entry["kind"] == "post"
    ]
    assert (posted["body"]["poll"], posted["poll"]["counts"]) == (FOOD, [0, 0, 0])
    own = await ada.done("GET", f"/v1/rooms/{ada.id}/history")
    assert [e["body"]["code"] for e in own["entries"] if e["kind"] == "unsent"] == [104]


async def test_in_announcements_members_vote_and_do_not_ask(door: Door) -> None:
    """The permission table says who asks; to choose is to react."""
    ada, bob = await door.someone(), await door.someone()
    room = await door.bare_room(RoomKind.announcement, ada.id)
    await door.relate(room, ada.id, Relation.owner, 1)
    await door.relate(room, bob.id, Relation.member, 1)
    seq = await _ask(ada, str(room))
    await _vote(bob, str(room), seq, 0)
    body = {"client_id": "c", "text": "eat?", "poll": FOOD}
    assert (await bob.ask("POST", f"/v1/rooms/{room}/messages", json=body)).status_code == 403


@pytest.mark.parametrize("seed", range(2))
async def test_what_is_told_live_adds_up_to_what_history_says(door: Door, seed: int) -> None:
    """Entries of votes folded one by one, by whom no reader blocks, are the standing of a fresh page."""
    rng = random.Random(seed)
    people = [await door.someone() for _ in range(4)]
    ada = people[0]
    room = await ada.room("public")
    for person in people[1:]:
        await person.done("POST", f"/v1/rooms/{room}/join")
    polls = {
        await _ask(ada, room, anonymous=hidden, multiple=True): hidden for hidden in (False, True)
    }
    for _ in range(40):
        choices = rng.sample(range(3), rng.randint(0, 3))
        await _vote(rng.choice(people), room, rng.choice(list(polls)), *choices)
    await ada.done("PUT", f"/v1/me/blocks/{people[3].id}")
    counts = {seq: [0, 0, 0] for seq in polls}
    rows = await door.database.fetch(
        "SELECT target, author, body FROM entries WHERE room_id = $1::uuid AND kind = 'vote' ORDER BY seq",
        room,
    )
    for target, author, raw in rows:
        body = json.loads(raw)
        if "counts" in body:
            counts[target] = body["counts"]
        elif author != people[3].id:
            for choice in body["was"]:
                counts[target][choice] -= 1
            for choice in body["choices"]:
                counts[target][choice] += 1
    for seq in polls:
        assert (await _poll(ada, room, seq))["counts"] == counts[seq]
    changes = await ada.done("GET", f"/v1/rooms/{room}/changes", params={"after": max(polls)})
    assert {item["seq"]: item["poll"]["counts"] for item in changes["entries"]} == counts


async def test_a_reported_poll_is_kept_with_what_could_be_chosen(door: Door) -> None:
    """Options are words too."""
    ada, bob = await door.someone(), await door.someone()
    room = await ada.room("group", bob)
    seq = await _ask(ada, room)
    report = {"room": room, "seq": seq, "reason": "other"}
    await bob.done("POST", "/v1/reports", json=report)
    evidence = await door.database.fetchval("SELECT evidence FROM reports")
    assert evidence == "What shall we eat?\n- pizza\n- dumplings\n- nothing"
