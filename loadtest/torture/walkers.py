"""People who come to one event and go again while something is done to the system: by fixes, by hand, by the code.

A walker repeats each step until the server says that it is so, as a phone does, and then knows it to be so; what is
said afterwards of attendance is held against that. Walkers by fixes live some minutes ago, as phones in pockets do:
what a step of theirs says lies a minute apart, and no run has to wait for a dwell. Owns the steps and the truth. Must
never look into Postgres.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import count
from random import Random
from typing import Final
from uuid import UUID

import httpx
from msgspec import Struct
from websockets.exceptions import InvalidHandshake

from loadtest.client.connection import Closed, Connection, Refusal
from loadtest.client.login import Login
from loadtest.client.rest import RestError
from loadtest.torture.checker.attended import Walked
from proto.frames import Auth, Fixes, Placed
from proto.place import PhoneFix

LAT: Final = 48.2082
LON: Final = 16.3738
RADIUS_M: Final = 100.0
_DEGREE_M: Final = 111_195.0
_INSIDE_M: Final = 20.0
_OUTSIDE_M: Final = 400.0
_STEPS_MS: Final = (0, 40_000, 80_000)
BETWEEN_MS: Final = 60_000
BEGAN_AGO_MS: Final = 11 * 60_000
"""Two visits, and all of it is heard before silence would end what lasts."""

STEP_WITHIN_S: Final = 90.0
_PAUSE_S: Final = 0.3
_WITHIN: Final = frozenset({"inside", "pending_out"})
_WITHOUT: Final = frozenset({"left", "near", "unknown", ""})
"""Empty: the event is not among those judged. Said again because the answer was lost, that somebody is far away and
has gone concerns it no more."""

_BROKEN: Final = (RestError, httpx.TransportError, Closed, Refusal, InvalidHandshake, OSError)
"""Whatever may come of asking while something is broken: it is asked again."""

WAYS: Final = ("socket", "rest", "hand", "code")


class _Code(Struct):
    code: str


class _Standing(Struct):
    room: UUID
    phase: str


class _Answer(Struct):
    events: list[_Standing]


class _Nothing(Struct):
    pass


class Walker:
    """One person. `way` is one of WAYS; `hosts` is who shows the code."""

    def __init__(
        self, login: Login, event: UUID, way: str, hubs: Sequence[str], host: Login, random: Random
    ) -> None:
        self._login = login
        self._event = event
        self._way = way
        self._hubs = hubs
        self._host = host
        self._random = random
        self._at_ms = int(time.time() * 1000) - BEGAN_AGO_MS
        self._visits = 0
        self._stays = False

    @property
    def truth(self) -> Walked:
        """What they know of themselves."""
        return Walked(self._login.person, self._way, self._visits, self._stays)

    async def come(self) -> None:
        """Be there. Raises TimeoutError where nobody believes it."""
        await self._step(is_enter=True)
        self._visits += 1
        self._stays = True

    async def go(self) -> None:
        """Be there no longer. Raises TimeoutError."""
        await self._step(is_enter=False)
        self._stays = False

    async def _step(self, *, is_enter: bool) -> None:
        async with asyncio.timeout(STEP_WITHIN_S):
            for attempt in count():
                with suppress(*_BROKEN):
                    if await self._said(is_enter, attempt):
                        break
                await asyncio.sleep(_PAUSE_S * (0.5 + self._random.random()))
        self._at_ms += _STEPS_MS[-1] + BETWEEN_MS

    async def _said(self, is_enter: bool, attempt: int) -> bool:
        await self._login.token()
        if self._way in ("hand", "code"):
            await self._deed(is_enter)
            return True
        fixes = self._fixes(is_enter, attempt)
        phase = await (self._by_socket(fixes) if self._way == "socket" else self._by_rest(fixes))
        return phase in (_WITHIN if is_enter else _WITHOUT)

    async def _deed(self, is_enter: bool) -> None:
        path = f"/v1/events/{self._event}/check-{'in' if is_enter else 'out'}"
        body = {}
        if is_enter and self._way == "code":
            await self._host.token()
            shown = await self._host.rest.read(f"/v1/events/{self._event}/code", _Code)
            body = {"code": shown.code}
        await self._login.rest.ask("POST", path, body, _Nothing)

    def _fixes(self, is_enter: bool, attempt: int) -> list[PhoneFix]:
        """What is said again is a second later each time: the same would tell nothing new."""
        metres = _INSIDE_M if is_enter else _OUTSIDE_M
        began_ms = self._at_ms + 1_000 * min(attempt, 30)
        return [
            PhoneFix(LAT + metres / _DEGREE_M, LON, 10.0, began_ms + step) for step in _STEPS_MS
        ]

    async def _by_rest(self, fixes: Sequence[PhoneFix]) -> str:
        body = {
            "fixes": [
                {"lat": f.lat, "lon": f.lon, "accuracy_m": f.accuracy_m, "at_ms": f.at_ms}
                for f in fixes
            ]
        }
        answer = await self._login.rest.ask("POST", "/v1/me/fixes", body, _Answer)
        return next((one.phase for one in answer.events if one.room == self._event), "")

    async def _by_socket(self, fixes: Sequence[PhoneFix]) -> str | None:
        """On any hub; on one that is stopped, it is another's turn after some seconds. None: there was no answer."""
        connection = await Connection.open(self._random.choice(self._hubs), lambda _: None)
        phase = None
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(connection.read())
            with suppress(*_BROKEN):
                phase = await self._placed(connection, fixes)
            connection.abort()
            reading.cancel()
        return phase

    async def _placed(self, connection: Connection, fixes: Sequence[PhoneFix]) -> str:
        account = self._login.account
        token = await self._login.token()
        await connection.request(
            Auth(0, token, account.app, account.version, account.platform, account.install)
        )
        placed = await connection.request(Fixes(0, list(fixes)))
        assert isinstance(placed, Placed), f"fixes are answered by placed, not {placed}"
        return next((one.phase for one in placed.events if one.room == self._event), "")
