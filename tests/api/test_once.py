"""Idempotency keys: a repeat within a day is answered, not done again."""

import asyncio
from typing import Final
from uuid import uuid4

from tests.api.door import PASSWORD, Door

ROOM = {"kind": "group", "title": "once"}

_WATCHED: Final = """
    CREATE TABLE seen (number serial, named text, waits text);
    CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO seen (named, waits) VALUES (TG_TABLE_NAME, current_setting('synchronous_commit'));
        RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER see AFTER INSERT OR UPDATE ON idempotency_keys DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION see();
    CREATE CONSTRAINT TRIGGER see AFTER INSERT ON rooms DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION see();
"""
"""Notes, as each transaction commits, whether it waits for the disk."""


async def test_same_key_same_body_same_answer(door: Door) -> None:
    """The first answer comes again, word for word; the key of somebody else is another."""
    ada, bob = await door.someone(), await door.someone()
    key = {"Idempotency-Key": str(uuid4())}
    first = await ada.ask("POST", "/v1/rooms", json=ROOM, headers=key)
    again = await ada.ask("POST", "/v1/rooms", json=ROOM, headers=key)
    other = await bob.ask("POST", "/v1/rooms", json=ROOM, headers=key)
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert other.json()["id"] != first.json()["id"]


async def test_same_key_other_body_is_refused(door: Door) -> None:
    """A client that uses a key for two things has a fault, and is told."""
    ada = await door.someone()
    key = {"Idempotency-Key": "k"}
    await ada.ask("POST", "/v1/rooms", json=ROOM, headers=key)
    other = await ada.ask("POST", "/v1/rooms", json={**ROOM, "title": "two"}, headers=key)
    report = {"reason": "spam", "person": str(ada.id)}
    elsewhere = await ada.ask("POST", "/v1/reports", json=report, headers=key)
    assert (other.status_code, elsewhere.status_code) == (409, 409)


async def test_at_once_one_does_the_work(door: Door) -> None:
    """Of twenty at the same time one makes the room; the rest get it or are told to come back."""
    ada = await door.someone()
    key = {"Idempotency-Key": str(uuid4())}
    asked = (ada.ask("POST", "/v1/rooms", json=ROOM, headers=key) for _ in range(20))
    answers = await asyncio.gather(*asked)
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
    assert len((await ada.done("GET", "/v1/me/rooms"))["rooms"]) == 1
    late = await ada.ask("POST", "/v1/rooms", json=ROOM, headers=key)
    assert late.status_code == 201


async def test_refusals_that_stand_are_kept_too(door: Door) -> None:
    """What was wrong stays wrong under its key, even when it would be right by now."""
    ada = await door.someone()
    key = {"Idempotency-Key": "k"}
    body = {"kind": "direct", "peer": str(uuid4())}
    first = await ada.ask("POST", "/v1/rooms", json=body, headers=key)
    again = await ada.ask("POST", "/v1/rooms", json=body, headers=key)
    assert (first.status_code, again.json()) == (404, first.json())


async def test_a_request_that_died_is_taken_over(door: Door) -> None:
    """A claim without an answer is in the way for ten seconds, then the repeat does the work once."""
    ada = await door.someone()
    key = {"Idempotency-Key": "k"}
    made = await ada.ask("POST", "/v1/rooms", json=ROOM, headers=key)
    await door.database.execute("UPDATE idempotency_keys SET status = NULL, answer = NULL")
    waiting = await ada.ask("POST", "/v1/rooms", json=ROOM, headers=key)
    assert (waiting.status_code, waiting.headers["Retry-After"]) == (409, "1")
    await door.database.execute("UPDATE idempotency_keys SET at = at - interval '11 seconds'")
    taken = await ada.ask("POST", "/v1/rooms", json=ROOM, headers=key)
    assert (taken.status_code, taken.json()["id"]) == (200, made.json()["id"])


async def test_a_day_later_the_key_is_free(door: Door) -> None:
    """24 hours, no longer."""
    ada = await door.someone()
    key = {"Idempotency-Key": "k"}
    await ada.ask("POST", "/v1/rooms", json=ROOM, headers=key)
    await door.database.execute("UPDATE idempotency_keys SET at = at - interval '25 hours'")
    other = await ada.ask("POST", "/v1/rooms", json={**ROOM, "title": "new"}, headers=key)
    assert "Idempotency-Replayed" not in other.headers


async def test_registering_twice_with_a_key(door: Door) -> None:
    """A lost answer to a registration is no "taken"; neither key nor password is kept."""
    body = {"handle": "ada", "password": PASSWORD}
    key = {"Idempotency-Key": "the-key-itself"}
    first = await door.client.post("/v1/people", json=body, headers=key)
    again = await door.client.post("/v1/people", json=body, headers=key)
    assert (first.status_code, again.json()) == (201, first.json())
    [row] = await door.database.fetch("SELECT * FROM idempotency_keys")
    assert b"the-key-itself" not in row["key"] + row["fingerprint"] + row["answer"]


async def test_neither_claim_nor_answer_waits_for_the_disk(door: Door) -> None:
    """What is done between them does, after the claim and before the answer: a crash leaves no more than a dead api."""
    ada = await door.someone()
    await door.database.execute(_WATCHED)
    made = await ada.ask("POST", "/v1/rooms", json=ROOM, headers={"Idempotency-Key": "k"})
    again = await ada.ask("POST", "/v1/rooms", json=ROOM, headers={"Idempotency-Key": "k"})
    seen = await door.database.fetch("SELECT named, waits FROM seen ORDER BY number")
    assert (made.status_code, again.content) == (201, made.content)
    waits = [tuple(row) for row in seen]
    assert waits[0] == waits[-1] == ("idempotency_keys", "off"), waits
    assert waits[1:-1] == [("rooms", "on")]
