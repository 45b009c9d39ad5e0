"""An event whose doors are open: its host, and the ways by which people come to it.

    fixes    over a socket of their own, from a phone that has lain in a pocket and sends what it gathered
    code     the QR code at the door, by REST
    hand     their own word
    host     the host ticks them off the roster

Each comes when it is due, however long others take; times are counted from then. Owns the event and these ways. Must
never call somebody there of whom the server has not said so.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import ceil
from random import Random
from time import monotonic
from typing import Final, NamedTuple
from uuid import UUID

import httpx
from msgspec import Struct
from websockets.exceptions import WebSocketException

from loadtest.client.connection import Closed, Connection, Refusal
from loadtest.client.rest import Rest, RestError
from proto.frames import Auth, Fixes, Placed, ServerFrame
from proto.place import PhoneFix

WAYS: Final = ("fixes", "fixes", "fixes", "fixes", "code", "code", "code", "hand", "hand", "host")
"""Of ten who come: most phones notice by themselves."""

SOURCES: Final = {"fixes": "gps", "code": "qr", "hand": "hand", "host": "host"}
"""What the event's figures call each way."""

CODE_GOOD_S: Final = 20.0
"""A code is shown for half a minute, and good for two."""

LEAD_S: Final = 2.0
"""A socket is opened so long before its fixes are due."""

STAYS_S: Final = 30.0
"""Then the phone goes back into the pocket."""

LAT: Final = 48.2082
LON: Final = 16.3738
RADIUS_M: Final = 100.0
_HOUR_MS: Final = 3_600_000
_AGO_MS: Final = (80_000, 40_000, 0)
"""Three fixes, further apart in all than the dwell."""

_SPREAD_DEGREES: Final = 0.0004
_FAILURES: Final = (
    RestError, httpx.TransportError, Closed, Refusal, OSError, TimeoutError, WebSocketException,
)  # fmt: skip


class Comer(NamedTuple):
    """Somebody who is to come; `way` is one of WAYS."""

    person: UUID
    token: str
    way: str
    hub: str


@dataclass(slots=True)
class Arrivals:
    """What came of it. Times from when each was due, in ms, in the order in which they were due."""

    took_ms: dict[int, float] = field(default_factory=dict)
    ways: dict[str, list[float]] = field(default_factory=dict)
    late_ms: dict[int, float] = field(default_factory=dict)
    failed: int = 0

    @property
    def ordered_ms(self) -> list[float]:
        """Ascending."""
        return sorted(self.took_ms.values())

    def parts_ms(self) -> tuple[list[float], list[float]]:
        """The first and the last fifth of those who came, ascending, from when each was sent."""
        took = [self.took_ms[each] - self.late_ms[each] for each in sorted(self.took_ms)]
        part = ceil(len(took) / 5)
        return sorted(took[:part]), sorted(took[-part:])


class Turnout(Struct):
    """What the event's host is told at the end."""

    people: int
    visits: int
    present: int
    sources: dict[str, int]


class _Event(Struct):
    id: UUID


class _Code(Struct):
    code: str


class _Here(Struct):
    count: int


class _Nothing(Struct):
    pass


class Doors:
    """One event, in whose room is whoever comes in."""

    def __init__(self, http: httpx.AsyncClient, host: str, random: Random) -> None:
        """`host` is the host's token."""
        self._http = http
        self._random = random
        self._host = self._as(host)
        self._code = ""
        self.event = UUID(int=0)

    async def open(self) -> None:
        """Make the event. Raises `RestError`."""
        now_ms = int(time.time() * 1000)
        circle = {"type": "circle", "centre": {"lat": LAT, "lon": LON}, "radius_m": RADIUS_M}
        terms = {
            "title": "an evening", "zone": "Europe/Vienna", "visibility": "public", "joins_on": "entry",
            "starts_at_ms": now_ms - _HOUR_MS, "ends_at_ms": now_ms + 4 * _HOUR_MS, "fence": circle,
        }  # fmt: skip
        self.event = (await self._host.ask("POST", "/v1/events", terms, _Event)).id
        await self._show()

    async def seat(self, tokens: Sequence[str]) -> None:
        """These are in the event's room before the doors open, and talk there."""
        for token in tokens:
            await self._as(token).ask("POST", f"/v1/rooms/{self.event}/join", {}, _Nothing)

    async def let_in(self, comers: Sequence[Comer], from_s: float, within_s: float) -> Arrivals:
        """Everybody, evenly over that time, from that moment on (CLOCK_MONOTONIC)."""
        came = Arrivals()
        stays_s = min(STAYS_S, within_s / 4)
        async with asyncio.TaskGroup() as tasks:
            showing = tasks.create_task(self._keep_showing())
            coming = []
            for number, comer in enumerate(comers):
                due_at = from_s + within_s * number / len(comers)
                await asyncio.sleep(max(0.0, due_at - LEAD_S - monotonic()))
                one = self._one(number, comer, due_at, came, stays_s)
                coming.append(tasks.create_task(one))
            await asyncio.gather(*coming)
            showing.cancel()
        return came

    async def here(self) -> int:
        """How many are there, as hosts are told."""
        return (await self._host.read(f"/v1/events/{self.event}/here", _Here)).count

    async def turnout(self) -> Turnout:
        """The event's figures."""
        return await self._host.read(f"/v1/events/{self.event}/stats", Turnout)

    async def members(self) -> int:
        """How many are in the event's room."""
        return (await self._host.room(self.event)).members

    async def _one(
        self, number: int, comer: Comer, due_at: float, came: Arrivals, stays_s: float
    ) -> None:
        async def due() -> None:
            await asyncio.sleep(max(0.0, due_at - monotonic()))
            came.late_ms[number] = (monotonic() - due_at) * 1000

        way = self._by_fixes if comer.way == "fixes" else self._by_rest
        try:
            async with way(comer, due):
                took_ms = (monotonic() - due_at) * 1000
                came.took_ms[number] = took_ms
                came.ways.setdefault(comer.way, []).append(took_ms)
                if comer.way == "fixes":
                    await asyncio.sleep(stays_s)
        except* _FAILURES:
            pass  # it is counted
        came.failed += number not in came.took_ms

    @asynccontextmanager
    async def _by_fixes(
        self, comer: Comer, due: Callable[[], Awaitable[None]]
    ) -> AsyncIterator[None]:
        """There while this lasts."""
        connection = await Connection.open(comer.hub, lambda _: None)
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(connection.read())
            try:
                await connection.request(Auth(0, comer.token, app="muster-bench", version="1.0.0"))
                await due()
                placed = await connection.request(Fixes(0, self._fixes()))
                if not self._is_inside(placed):
                    raise OSError("the fixes were taken, and nobody is there")
                yield
                await connection.close()
            finally:
                connection.abort()
                reading.cancel()

    def _is_inside(self, answer: ServerFrame) -> bool:
        return isinstance(answer, Placed) and any(
            one.room == self.event and one.phase == "inside" for one in answer.events
        )

    @asynccontextmanager
    async def _by_rest(
        self, comer: Comer, due: Callable[[], Awaitable[None]]
    ) -> AsyncIterator[None]:
        await due()
        path = f"/v1/events/{self.event}"
        if comer.way == "host":
            await self._host.ask("POST", f"{path}/roster/{comer.person}/check-in", {}, _Nothing)
        else:
            body = {"code": self._code} if comer.way == "code" else {}
            await self._as(comer.token).ask("POST", f"{path}/check-in", body, _Nothing)
        yield

    def _fixes(self) -> list[PhoneFix]:
        now_ms = int(time.time() * 1000)
        lat = LAT + self._random.uniform(-_SPREAD_DEGREES, _SPREAD_DEGREES)
        lon = LON + self._random.uniform(-_SPREAD_DEGREES, _SPREAD_DEGREES)
        return [PhoneFix(lat, lon, 10.0, now_ms - ago_ms) for ago_ms in _AGO_MS]

    async def _keep_showing(self) -> None:
        while True:
            await asyncio.sleep(CODE_GOOD_S)
            await self._show()

    async def _show(self) -> None:
        self._code = (await self._host.read(f"/v1/events/{self.event}/code", _Code)).code

    def _as(self, token: str) -> Rest:
        rest = Rest(self._http, self._random)
        rest.token = token
        return rest
