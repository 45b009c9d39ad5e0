"""The life of an event by the clock, and what its guests are told: right however late, however often, whoever dies."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from api.hosting import event_jobs
from muster.errors import Refused, unavailable
from muster.event_notices import Notice, NoticeState, Telling
from muster.ids import NOBODY, RoomId
from muster.jobs import Job
from muster.op import Op, Outcome
from muster.stores.postgres.events import PostgresEvents
from muster.stores.postgres.jobs import PostgresJobs
from tests.api.door import Door, Someone
from tests.api.gathering import HOUR_MS, answer, ask, fired, later, log, made, rows, terms
from tests.vocabulary import new_id


async def _states(door: Door, event: str) -> list[str]:
    return [body["state"] for _, body in await log(door, event, "event")]


async def _told(door: Door, guest: Someone) -> list[str]:
    """What events told somebody, but that they are asked."""
    bodies = [body for _, body in await log(door, guest.id, "notice")]
    return [body["state"] for body in bodies if body["state"] != "invited"]


async def _crowd(door: Door, event: str, size: int) -> None:
    """So many strangers who are going."""
    await door.database.execute(
        """
        WITH crowd AS (
            INSERT INTO people (person_id, handle, handle_shown, name)
            SELECT gen_random_uuid(), 'crowd' || n, 'crowd' || n, 'c' FROM generate_series(1, $2) n
            RETURNING person_id
        ), logs AS (
            SELECT add_self_log_v1(person_id), person_id FROM crowd
        ) INSERT INTO event_roster (room_id, person_id, answer) SELECT $1::uuid, person_id, 'going' FROM logs
        """,
        event,
        size,
    )


async def test_an_event_lives_by_the_clock(door: Door) -> None:
    """Doors, start and end each at their time, by one timer that waits for the next; then nothing waits any more."""
    ada = await door.someone()
    starts = door.clock.now_ms() + 24 * HOUR_MS
    event = await made(ada, door, doors_at_ms=starts - HOUR_MS)
    assert await fired(door) == {}
    for hours, state in ((23, "doors_open"), (1, "live"), (2, "ended")):
        await later(door, hours + 0.001)
        assert (await ada.done("GET", f"/v1/events/{event}"))["state"] == state
        await fired(door)
        assert (await _states(door, event))[-1] == state
    assert await _states(door, event) == ["doors_open", "live", "ended"]
    assert await rows(door, "SELECT over_at = ends_at, version FROM events") == (True, 4)
    assert await door.database.fetchval("SELECT count(*) FROM jobs WHERE kind LIKE 'event%'") == 0
    authors = "SELECT DISTINCT author FROM entries WHERE kind = 'event'"
    assert [row[0] for row in await door.database.fetch(authors)] == [NOBODY]


async def test_a_timer_that_is_late_goes_where_the_clock_is(door: Door) -> None:
    """A day of standing still: what was missed is not told after the fact, and the end is when it was."""
    ada = await door.someone()
    event = await made(ada, door)
    await later(door, 50)
    assert (await ada.done("GET", f"/v1/events/{event}"))["state"] == "ended"
    await fired(door)
    assert await _states(door, event) == ["ended"]
    over = "SELECT over_at = ends_at AND over_at < now() - interval '20 hours' FROM events"
    assert await door.database.fetchval(over)


async def test_a_timer_that_fires_twice_says_it_once(door: Door) -> None:
    """And one that fires early says nothing, and goes on waiting."""
    ada = await door.someone()
    event = await made(ada, door)
    turn = event_jobs(door.ground)["event"]
    payload = f'{{"room": "{event}"}}'.encode()
    job = Job(new_id(), "event", None, payload, 1, 0, 0.0)
    await turn(job)
    assert await _states(door, event) == []
    await later(door, 24.5)
    for _ in range(3):
        await turn(job)
    assert await _states(door, event) == ["live"]
    assert await door.database.fetchval("SELECT count(*) FROM jobs WHERE kind = 'event'") == 1
    await later(door, 2)
    await fired(door)
    assert await _states(door, event) == ["live", "ended"]
    await turn(Job(new_id(), "event", None, f'{{"room": "{new_id()}"}}'.encode(), 1, 0, 0.0))


async def test_a_moved_event_moves_its_timers(door: Door) -> None:
    """Later, and back to scheduled though it was on; sooner; and ended by its host before its time."""
    ada = await door.someone()
    event = await made(ada, door)
    await later(door, 24.5)
    await fired(door)
    now = door.clock.now_ms()
    moved = {
        "doors_at_ms": now + HOUR_MS,
        "starts_at_ms": now + HOUR_MS,
        "ends_at_ms": now + 3 * HOUR_MS,
    }
    assert (await ada.done("PATCH", f"/v1/events/{event}", json=moved))["state"] == "scheduled"
    await fired(door)
    assert await _states(door, event) == ["live", "scheduled"]
    await later(door, 1.5)
    await fired(door)
    assert await _states(door, event) == ["live", "scheduled", "live"]
    ended = await ada.done("POST", f"/v1/events/{event}/end")
    assert (ended["fresh"], (await _states(door, event))[-1]) == (True, "ended")
    assert await fired(door) == {"departures": 1}
    await later(door, 2)
    assert await fired(door) == {}
    assert (await ada.done("GET", f"/v1/events/{event}"))["over_at_ms"] is not None


async def test_guests_are_reminded_once_per_start(door: Door) -> None:
    """Who goes or may, an hour before; not who has not answered or waits; and again if it is moved."""
    ada, bob, eve, dan = [await door.someone() for _ in range(4)]
    event = await made(ada, door)
    await ask(ada, event, bob, eve, dan)
    await answer(bob, event)
    await answer(eve, event, "maybe")
    await later(door, 22.9)
    await fired(door)
    assert await _told(door, bob) == []
    await later(door, 0.2)
    await fired(door)
    reminded = [await _told(door, one) for one in (bob, eve, dan, ada)]
    assert reminded == [["starts_soon"], ["starts_soon"], [], ["starts_soon"]]
    starts = (await ada.done("GET", f"/v1/events/{event}"))["starts_at_ms"] + 5 * HOUR_MS + 60_000
    change = {"doors_at_ms": starts, "starts_at_ms": starts, "ends_at_ms": starts + HOUR_MS}
    await ada.done("PATCH", f"/v1/events/{event}", json=change)
    await later(door, 1)
    await fired(door)
    assert await _told(door, bob) == ["starts_soon", "changed"]
    await later(door, 4.1)
    await fired(door)
    assert await _told(door, bob) == ["starts_soon", "changed", "starts_soon"]


async def test_changes_are_told_together(door: Door) -> None:
    """Half a minute after the first: one notice of all that matters, not to who made them, nor who said no."""
    ada, bob, eve = [await door.someone() for _ in range(3)]
    event = await made(ada, door)
    await ask(ada, event, bob, eve)
    await answer(eve, event, "no")
    path = f"/v1/events/{event}"
    await ada.done("PATCH", path, json={"title": "a new title", "about": "words"})
    assert (
        await door.database.fetchval("SELECT count(*) FROM jobs WHERE kind = 'event_notice'") == 0
    )
    ends = (await ada.done("GET", path))["ends_at_ms"]
    await ada.done("PATCH", path, json={"place_name": "elsewhere"})
    await ada.done("PATCH", path, json={"ends_at_ms": ends + HOUR_MS})
    assert await fired(door) == {}
    await later(door, 0.01)
    await fired(door)
    [(_, asked), (_, told)] = await log(door, bob.id, "notice")
    assert (asked["state"], told) == (
        "invited",
        {
            "room": event, "state": "changed", "title": "a new title",
            "at_seq": (await ada.done("GET", f"/v1/rooms/{event}"))["head"],
            "changed": ["ends_at_ms", "place_name"],
        },
    )  # fmt: skip
    assert [await _told(door, one) for one in (ada, eve)] == [[], []]


async def test_who_is_told_that_an_event_is_off(door: Door) -> None:
    """Everybody who has not said no, at once; changes that waited to be told are not told any more."""
    ada, bob, eve = [await door.someone() for _ in range(3)]
    event = await made(ada, door)
    await ask(ada, event, bob, eve)
    await answer(eve, event, "no")
    await ada.done("PATCH", f"/v1/events/{event}", json={"address": "new"})
    await ada.done("POST", f"/v1/events/{event}/cancel")
    await fired(door)
    await later(door, 30)
    await fired(door)
    assert [await _told(door, one) for one in (ada, bob, eve)] == [[], ["cancelled"], []]
    assert await _states(door, event) == ["scheduled", "cancelled"]


class _Dies:
    """A writer that commits so many ops and then none: as a process that is killed over a page."""

    def __init__(self, door: Door, after: int) -> None:
        self._door = door
        self._left = after

    async def submit(self, op: Op) -> Outcome:
        self._left -= 1
        if self._left < 0:
            raise unavailable("the database")
        return await self._door.ground.writer.submit(op)


async def test_a_process_that_dies_over_a_roster_is_followed_by_another(door: Door) -> None:
    """450 guests, death in the second page, and the job anew, twice: everybody is told, and nobody twice."""
    ada = await door.someone()
    event = await made(ada, door)
    await _crowd(door, event, 450)
    store = PostgresEvents(door.ground.primary, door.ground.reads)
    kept, clock = PostgresJobs(door.ground.primary), door.ground.clock
    notice = Notice(RoomId(UUID(event)), NoticeState.changed, 7, by=ada.id, changed=["address"])
    with pytest.raises(Refused):
        await Telling(store, store, kept, _Dies(door, 270), clock).tell(notice)
    count = "SELECT count(*), count(DISTINCT room_id) FROM entries WHERE kind = 'notice'"
    assert await rows(door, count) == (270, 270)
    for _ in range(2):
        await Telling(store, store, kept, door.ground.writer, clock).tell(notice)
    assert await rows(door, count) == (450, 450)


async def test_a_long_roster_is_told_by_several_jobs(door: Door, monkeypatch: Any) -> None:
    """Each goes on where the one before stopped."""
    ada = await door.someone()
    event = await made(ada, door)
    await _crowd(door, event, 450)
    monkeypatch.setattr("muster.event_notices.TELL_WITHIN_S", 0.0)
    await ada.done("POST", f"/v1/events/{event}/cancel")
    assert await fired(door) == {"event_notice": 3, "departures": 1}
    count = "SELECT count(*), count(DISTINCT room_id) FROM entries WHERE kind = 'notice'"
    assert await rows(door, count) == (450, 450)


async def test_times_are_judged_by_what_stands(door: Door) -> None:
    """Two hosts at once: what each wrote was right by what they saw, and is judged again under the lock."""
    ada = await door.someone()
    said = terms(door)
    event = await made(ada, door, **said)
    await door.database.execute("UPDATE events SET ends_at = starts_at + interval '1 minute'")
    body = {"starts_at_ms": said["starts_at_ms"] + HOUR_MS}
    response = await ada.ask("PATCH", f"/v1/events/{event}", json=body)
    assert response.status_code == 400
