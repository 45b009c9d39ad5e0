"""An event runs while hubs die, sleep and are replaced, Postgres restarts and Redis forgets: afterwards attendance is
what those who came know.

Owns these scenarios. They bring people of their own, beside the traffic: a quarter each by fixes over sockets and by
REST, by hand, by the code at the door. Each comes and goes before, while and after it happens.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

from msgspec import Struct

from loadtest.client.login import Account, Login
from loadtest.client.rest import Rest
from loadtest.torture.checker.attended import Row, Told, unattended
from loadtest.torture.http import http_to
from loadtest.torture.scenario import Scenario, Stage
from loadtest.torture.scenarios import postgres
from loadtest.torture.scenarios.doors import STOPPED_S, kill, renew, stop
from loadtest.torture.scenarios.redis import flush
from loadtest.torture.walkers import LAT, LON, RADIUS_M, WAYS, Walker
from loadtest.torture.world import Shape

PEOPLE: Final = 32
WITHIN_S: Final = 10.0
KNOWN_S: Final = 4.0
"""A new event is known to every process within two seconds."""

WITHIN_ALL_S: Final = 600.0
"""Each step has a deadline of its own; this one is for what hangs."""

BESIDE_PER_S: Final = 100.0
"""Of the traffic beside: this run is about who comes and goes."""

SETTLED_WITHIN_S: Final = 40.0
LOOK_EVERY_S: Final = 0.5
STAYS_S: Final = 3.0
"""Whoever looks again by itself at what is kept (the sweep, each second) has done so."""

SPREAD_S: Final = 4.0
LONG_S: Final = 10.0
"""As long as it takes to restart Postgres and all hubs, one after the other."""

PATIENT: Final = Shape(settings={"place_silence_s": 3_600.0})
"""However long a run takes on a slow machine, nobody who says nothing is taken to have gone."""

_HOUR_MS: Final = 3_600_000
_VISITS: Final = """
    SELECT person_id, number, (extract(epoch FROM entered_at) * 1000)::bigint,
           (extract(epoch FROM left_at) * 1000)::bigint, source, left_source
    FROM event_visits WHERE room_id = $1
"""
_TOLD: Final = """
    SELECT room_id, body ->> 'state', (body ->> 'moment_ms')::bigint
    FROM entries WHERE room_id = ANY ($2::uuid[]) AND kind = 'visit' AND body ->> 'room' = $1::uuid::text
    ORDER BY room_id, seq
"""


class _Event(Struct):
    id: UUID


class _Here(Struct):
    count: int


class Party:
    """The event of one run, and who comes."""

    def __init__(
        self, stage: Stage, host: Login, event: UUID, walkers: list[Walker], spread_s: float
    ) -> None:
        self.stage = stage
        self._host = host
        self._event = event
        self._walkers = walkers
        self._spread_s = spread_s

    async def all_come(self) -> None:
        """Spread over as long as it lasts, so that what is done to the system meets every state of it."""
        await self._all(Walker.come, self._walkers, self._spread_s)

    async def half_go(self) -> None:
        """Every other of each way."""
        await self._all(Walker.go, self._walkers[: PEOPLE // 2], self._spread_s)

    async def half_come_again(self) -> None:
        """Who went before."""
        await self._all(Walker.come, self._walkers[: PEOPLE // 2])

    async def some_go_for_good(self) -> None:
        """Of who came twice, and of who stayed."""
        await self._all(Walker.go, self._walkers[PEOPLE // 4 : 3 * PEOPLE // 4])

    async def all_go_home(self) -> None:
        """Who stayed till now, some of them since before anything happened: what is kept of each of them is used."""
        await self._all(Walker.go, [each for each in self._walkers if each.truth.stays])

    async def judge(self, after: str) -> None:
        """Attendance is the truth, and stays it."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + SETTLED_WITHIN_S
        while (wrong := await self._wrong()) and loop.time() < deadline:  # noqa: ASYNC110  # only looking tells
            await asyncio.sleep(LOOK_EVERY_S)
        self._demand(wrong, f"after {after}")
        if not wrong:
            await asyncio.sleep(STAYS_S)
            self._demand(
                await self._wrong(), f"any more, {STAYS_S:.0f} s after it was, after {after}"
            )

    def _demand(self, wrong: list[str], when: str) -> None:
        told = "; ".join(wrong[:3])
        self.stage.demand(not wrong, f"attendance is not the truth {when}: {told}")

    async def _wrong(self) -> list[str]:
        truth = [walker.truth for walker in self._walkers]
        visits = await self.stage.sql(_VISITS, self._event)
        told = await self.stage.sql(_TOLD, self._event, [one.person for one in truth])
        await self._host.token()
        here = await self._host.rest.read(f"/v1/events/{self._event}/here", _Here)
        return unattended(
            truth, [Row(*row) for row in visits], [Told(*row) for row in told], here.count
        )

    async def _all(
        self,
        step: Callable[[Walker], Awaitable[None]],
        who: list[Walker],
        spread_s: float = SPREAD_S,
    ) -> None:
        async def one(walker: Walker) -> None:
            await self.stage.a_while(0.0, spread_s)
            await step(walker)

        async with asyncio.TaskGroup() as tasks:
            for walker in who:
                tasks.create_task(one(walker))


@asynccontextmanager
async def _party(stage: Stage, spread_s: float) -> AsyncIterator[Party]:
    world, run = stage.world, secrets.token_hex(3)
    async with http_to(world.api_urls[0], WITHIN_S) as http:

        async def login(name: str) -> Login:
            one = Login(
                Account(f"{name}_{run}", "a long enough password"), Rest(http, stage.random)
            )
            await one.register()
            await one.token()
            return one

        host = await login("host")
        now_ms = int(time.time() * 1000)
        circle = {"type": "circle", "centre": {"lat": LAT, "lon": LON}, "radius_m": RADIUS_M}
        terms = {
            "title": "a party", "zone": "Europe/Vienna", "visibility": "public", "joins_on": "never",
            "starts_at_ms": now_ms - _HOUR_MS, "ends_at_ms": now_ms + _HOUR_MS, "fence": circle,
        }  # fmt: skip
        event = (await host.rest.ask("POST", "/v1/events", terms, _Event)).id

        async def walker(number: int) -> Walker:
            one = await login(f"walker{number}")
            said = {"answer": "going", "sharing": "on"}
            await one.rest.tell("PUT", f"/v1/events/{event}/rsvp", said)
            way = WAYS[number % len(WAYS)]
            return Walker(one, event, way, world.hub_urls, host, stage.random)

        walkers = await asyncio.gather(*(walker(number) for number in range(PEOPLE)))
        await asyncio.sleep(KNOWN_S)
        yield Party(stage, host, event, list(walkers), spread_s)


def _at_a_party(
    attack: Callable[[Stage], Awaitable[None]], what: str, spread_s: float = SPREAD_S
) -> Callable[[Stage], Awaitable[None]]:
    """All come; half go while it happens and come again; then some go for good, and in the end all."""

    async def attacked(stage: Stage) -> None:
        await attack(stage)

    async def staged(stage: Stage) -> None:
        async with _party(stage, spread_s) as party:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(party.all_come())
                tasks.create_task(attacked(stage))
            await party.judge(f"all came, and {what}")
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(party.half_go())
                tasks.create_task(attacked(stage))
            await party.half_come_again()
            await party.some_go_for_good()
            await party.judge(f"half went, and {what}")
            await party.all_go_home()
            await party.judge(f"{what}, and all went home")

    return staged


async def _killed(stage: Stage) -> None:
    hub = stage.world.hubs[stage.fullest() - 1]
    await kill(stage, hub)
    await stage.acks(100)
    await hub.start()


async def _stopped(stage: Stage) -> None:
    await stop(stage, stage.random.choice(stage.world.hubs), *STOPPED_S)


async def _restarted(stage: Stage) -> None:
    """Postgres at once; then all hubs, one after the other, as kindly as in a deployment."""
    await postgres.restart(stage)
    for hub in stage.world.hubs:
        await renew(stage, hub)


def _scenario(
    name: str,
    does: str,
    attack: Callable[[Stage], Awaitable[None]],
    what: str,
    spread_s: float = SPREAD_S,
) -> Scenario:
    return Scenario(
        name,
        does,
        _at_a_party(attack, what, spread_s),
        PATIENT,
        per_s=BESIDE_PER_S,
        attack_within_s=WITHIN_ALL_S,
    )


SCENARIOS: Final = (
    _scenario("events_hub_killed", "a hub dies while people come to an event and go",
              _killed, "a hub was killed"),
    _scenario("events_flushed", "Redis forgets who is where at an event",
              flush, "Redis forgot"),
    _scenario("events_hub_stopped", "a hub sleeps while people come to an event and go",
              _stopped, "a hub slept"),
    _scenario("events_restarted", "Postgres and hubs are restarted while people come to an event and go",
              _restarted, "Postgres and all hubs were restarted", LONG_S),
)  # fmt: skip
