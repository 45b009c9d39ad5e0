"""The words tests of events speak: an event's terms, who is asked, and what a log says of it.

Owns nothing but names. Must never judge what the service did: tests do.
"""

from __future__ import annotations

import json
import random
from typing import Any
from uuid import UUID

from prometheus_client import CollectorRegistry

from api.assembly import timers
from muster.jobs import JobMetrics
from tests.api.door import Door, Someone

HOUR_MS = 3_600_000


def terms(door: Door, **more: Any) -> dict[str, Any]:
    """An event tomorrow, for two hours."""
    starts = door.clock.now_ms() + 24 * HOUR_MS
    return {
        "title": "an event",
        "starts_at_ms": starts,
        "ends_at_ms": starts + 2 * HOUR_MS,
        "zone": "Europe/Vienna",
        **more,
    }


async def made(host: Someone, door: Door, **more: Any) -> str:
    """A new event's id."""
    event: str = (await host.done("POST", "/v1/events", json=terms(door, **more)))["id"]
    return event


async def answer(guest: Someone, event: str, said: str | None = "going", **more: Any) -> Any:
    """Says so; the event as the guest then sees it."""
    body = {**({"answer": said} if said else {}), **more}
    return await guest.done("PUT", f"/v1/events/{event}/rsvp", json=body)


async def ask(host: Someone, event: str, *guests: Someone) -> None:
    """Puts them on the roster."""
    for guest in guests:
        await host.done("PUT", f"/v1/events/{event}/roster/{guest.id}")


async def status(someone: Someone, method: str, path: str, **more: Any) -> tuple[int, str]:
    """How a request is refused: the status, and the name of the code."""
    response = await someone.ask(method, path, **more)
    return response.status_code, response.json()["name"] if response.status_code >= 400 else ""


async def log(door: Door, room: UUID | str, *kinds: str) -> list[tuple[str, dict[str, Any]]]:
    """(kind, body) of a log's entries of these kinds, in order."""
    rows = await door.database.fetch(
        "SELECT kind, body::text FROM entries WHERE room_id = $1::uuid AND kind = ANY ($2::text[])"
        " ORDER BY seq",
        str(room),
        list(kinds),
    )
    return [(kind, json.loads(body or "{}")) for kind, body in rows]


async def rows(door: Door, query: str) -> tuple[Any, ...]:
    """The one row that a query has."""
    [row] = await door.database.fetch(query)
    return tuple(row)


async def fired(door: Door) -> dict[str, int]:
    """Whatever is due is done, and what that makes due, up to five rounds; how many jobs that were, by kind."""
    metrics = JobMetrics(CollectorRegistry())
    runner = timers(door.ground, random.Random(1), metrics)
    taken = 0
    for _ in range(5):
        some = await runner.round()
        if not some:
            break
        taken += some
    [family] = metrics.fired.collect()
    done = {
        sample.labels["kind"]: int(sample.value)
        for sample in family.samples
        if sample.name.endswith("_total")
    }
    assert sum(done.values()) == taken, "a job failed"
    return done


async def later(door: Door, hours: float) -> None:
    """So much time passes for every event and every job: they come nearer by it."""
    passed = f"interval '{hours} hours'"
    await door.database.execute(
        f"UPDATE jobs SET due_at = due_at - {passed}, next_at = next_at - {passed}"
    )
    await door.database.execute(
        f"UPDATE events SET doors_at = doors_at - {passed}, starts_at = starts_at - {passed},"
        f" ends_at = ends_at - {passed}"
    )
