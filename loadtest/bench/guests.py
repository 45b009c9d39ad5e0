"""People in rooms on a Muster that runs already (`--url`), made by REST like anybody else's.

Owns these accounts for one run. It must have been told not to limit rates (MUSTER_RATE_LIMITS=0): a whole crowd
registers from one address. Must never be used where 10,000 are needed soon: each hashes a password twice.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine, Sequence
from random import Random
from typing import Final
from uuid import UUID

import httpx

from loadtest.client.login import Account, Login
from loadtest.client.rest import Rest

AT_ONCE: Final = 16
TIMEOUT_S: Final = 30.0


class Guests:
    """The accounts of one run."""

    def __init__(self, api_url: str, random: Random) -> None:
        self._api_url = api_url
        self._random = random
        self._run = secrets.token_hex(3)

    async def hubs(self) -> list[str]:
        """Where the hubs are."""
        async with self._http() as http:
            return await Rest(http, self._random).hubs()

    async def make(
        self, people: int, rooms: Sequence[Sequence[int]], progress: Callable[[float], None]
    ) -> list[str]:
        """The people's access tokens; `rooms` names the members of each room by their number."""
        async with self._http() as http:
            logins = [self._login(http, number) for number in range(people)]
            tokens: dict[int, str] = {}

            async def enter(number: int) -> None:
                await logins[number].register()
                tokens[number] = await logins[number].token()
                progress(0.5 * len(tokens) / people)

            await _each(range(people), enter)
            made = 0

            async def open_room(number: int) -> None:
                nonlocal made
                first, *others = (logins[member] for member in rooms[number])
                ids: list[UUID] = [other.person for other in others]
                await first.rest.create_room("group", "a room", ids)
                made += 1
                progress(0.5 + 0.5 * made / len(rooms))

            await _each(range(len(rooms)), open_room)
        return [tokens[number] for number in range(people)]

    def _login(self, http: httpx.AsyncClient, number: int) -> Login:
        account = Account(f"bench_{self._run}_{number}", secrets.token_urlsafe(18))
        return Login(account, Rest(http, self._random))

    def _http(self) -> httpx.AsyncClient:
        limits = httpx.Limits(max_connections=AT_ONCE, max_keepalive_connections=AT_ONCE)
        return httpx.AsyncClient(base_url=self._api_url, limits=limits, timeout=TIMEOUT_S)


async def _each(numbers: range, do: Callable[[int], Coroutine[None, None, None]]) -> None:
    waiting = list(reversed(numbers))

    async def work() -> None:
        while waiting:
            await do(waiting.pop())

    async with asyncio.TaskGroup() as tasks:
        for _ in range(AT_ONCE):
            tasks.create_task(work())
