"""The whole product as a judge: people with accounts send fixes by REST as they are made, and hosts look who came.

Everybody has an event of their own, far from all others. They walk at the pace at which they were recorded. What was
told is what each answer says of them; what hosts see afterwards must agree. Owns accounts, events and the sending. Must
never look inside the server.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from random import Random
from typing import Final, NamedTuple
from uuid import UUID

import httpx
from msgspec import Struct

from loadtest.actor import PASSWORD
from loadtest.client.login import Account, Login
from loadtest.client.rest import Rest
from loadtest.geofence.judge import Played, Seen
from loadtest.geofence.terrain import Fence, Round, Terrain
from loadtest.geofence.truth import Case, Heard, Told
from loadtest.progress import Progress

AT_ONCE: Final = 8
KNOWN_WITHIN_S: Final = 4.0
"""A new event is known to every process within two seconds."""

APART_DEGREES: Final = 0.5
_PER_ROW: Final = 20
_AHEAD_MS: Final = 3_600_000
_INSIDE: Final = frozenset({"inside", "pending_out"})
_PENDING: Final = frozenset({"pending_in", "pending_out"})
_COUNTS: Final = frozenset({"judged", "no_event"})
"""no_event: it was far from all of them, which is an answer."""


class Sight(NamedTuple):
    """One person's case, and what hosts saw of them: how many visits, and whether one lasts."""

    played: Played
    visits: int
    is_there: bool

    @property
    def agrees(self) -> bool:
        """Whether hosts saw what the person was told."""
        told = self.played.told
        entered = sum(edge.is_enter for edge in told)
        return entered == self.visits and self.is_there is (bool(told) and told[-1].is_enter)


class _Event(Struct):
    id: UUID


class _Standing(Struct):
    room: UUID
    phase: str


class _Answer(Struct):
    fixes: list[str]
    events: list[_Standing]


class _Attendee(Struct):
    id: UUID
    visits: int
    left_ms: int | None


class _Attendees(Struct):
    people: list[_Attendee]


class _Walker(NamedTuple):
    case: Case
    login: Login
    terrain: Terrain
    event: UUID


async def through(
    cases: Sequence[Case], api_url: str, dwell_s: float, run: str, progress: Progress
) -> list[Sight]:
    """All cases at once, one person each; it takes as long as the longest."""
    limits = httpx.Limits(max_connections=64)
    async with httpx.AsyncClient(base_url=api_url, timeout=15.0, limits=limits) as http:
        host = await _login(http, f"host_{run}", 0)
        walkers: list[_Walker | None] = [None] * len(cases)
        waiting = list(enumerate(cases))

        async def arrive() -> None:
            while waiting:
                number, case = waiting.pop()
                walkers[number] = await _settled(http, host, number, case, (dwell_s, run))
                progress.show(len(cases) - len(waiting), len(cases), "people and events")

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(arrive())
        await asyncio.sleep(KNOWN_WITHIN_S)
        everybody = [walker for walker in walkers if walker is not None]
        async with asyncio.TaskGroup() as group:
            under_way = [group.create_task(_sight(host, walker)) for walker in everybody]
            group.create_task(_watch(max(case.path.ends_s for case in cases), progress))
        return [task.result() for task in under_way]


async def _login(http: httpx.AsyncClient, handle: str, number: int) -> Login:
    login = Login(Account(handle, PASSWORD), Rest(http, Random(number)))
    await login.register()
    await login.token()
    return login


async def _settled(
    http: httpx.AsyncClient, host: Login, number: int, case: Case, how: tuple[float, str]
) -> _Walker:
    """An account, and an event around its own terrain, which it lets judge it."""
    dwell_s, run = how
    row, column = divmod(number, _PER_ROW)
    terrain = Terrain(30.0 + APART_DEGREES * row, APART_DEGREES * column)
    login = await _login(http, f"walker_{number}_{run}", number + 1)
    now_ms = round(time.time() * 1000)
    event = await host.rest.ask("POST", "/v1/events", {
        "title": case.name,
        "starts_at_ms": now_ms - 60_000,
        "ends_at_ms": now_ms + _AHEAD_MS,
        "zone": "Europe/Berlin",
        "fence": _shape(case.fence, terrain),
        "visibility": "public",
        "joins_on": "never",
        "dwell_ms": round(dwell_s * 1000),
    }, _Event)  # fmt: skip
    said = {"answer": "going", "sharing": "on"}
    await login.rest.tell("PUT", f"/v1/events/{event.id}/rsvp", said)
    return _Walker(case, login, terrain, event.id)


def _shape(fence: Fence, terrain: Terrain) -> dict[str, object]:
    if isinstance(fence, Round):
        lat, lon = terrain.degrees(fence.x, fence.y)
        centre = {"lat": lat, "lon": lon}
        return {"type": "circle", "centre": centre, "radius_m": fence.radius_m}
    ring = [terrain.degrees(x, y)[::-1] for x, y in (*fence.corners, fence.corners[0])]
    return {"type": "polygon", "rings": [ring]}


async def _walk(walker: _Walker) -> Played:
    """Fixes as they arrive; an edge is told when the first answer says so."""
    loop = asyncio.get_running_loop()
    began, began_ms = loop.time(), time.time() * 1000
    seen: list[Seen] = []
    told: list[Told] = []
    pending_s: float | None = None
    for fix in walker.case.heard:
        await asyncio.sleep(max(0.0, began + fix.arrives_s - loop.time()))
        await walker.login.token()
        body = {"fixes": [_said(fix, walker.terrain, began_ms)]}
        answer = await walker.login.rest.ask("POST", "/v1/me/fixes", body, _Answer)
        judged_s = loop.time() - began
        phases = [event.phase for event in answer.events if event.room == walker.event]
        phase = phases[0] if phases else (seen[-1].phase if seen else "")
        verdict = answer.fixes[0]
        seen.append(Seen(fix, "" if verdict in _COUNTS else verdict, phase))
        was_inside = bool(told) and told[-1].is_enter
        if (phase in _INSIDE) is not was_inside:
            told.append(Told(not was_inside, judged_s, pending_s or fix.at_s))
        pending_s = (pending_s or fix.at_s) if phase in _PENDING else None
    return Played(walker.case, tuple(seen), tuple(told))


def _said(fix: Heard, terrain: Terrain, began_ms: float) -> dict[str, object]:
    lat, lon = terrain.degrees(fix.x, fix.y)
    at_ms = round(began_ms + fix.at_s * 1000)
    return {"lat": lat, "lon": lon, "accuracy_m": fix.accuracy_m, "at_ms": at_ms}


async def _watch(seconds: float, progress: Progress) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    while (passed := loop.time() - began) < seconds:
        progress.show(passed, seconds, "walking")
        await asyncio.sleep(1)


async def _sight(host: Login, walker: _Walker) -> Sight:
    """Looked at with the last fix: later, a dwell may end by the clock, which the walker is not there to be told."""
    played = await _walk(walker)
    await host.token()
    page = await host.rest.read(f"/v1/events/{walker.event}/attendance", _Attendees)
    mine = [one for one in page.people if one.id == walker.login.person]
    if not mine:
        return Sight(played, 0, is_there=False)
    return Sight(played, mine[0].visits, mine[0].left_ms is None)
