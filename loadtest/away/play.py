"""The people who are away in a replay: accounts, one phone each, rooms, and what they choose of pushes.

Owns how they come to be as the script has them, and the wait for their phones. Must never open a socket for them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random
from typing import Final
from uuid import UUID

import httpx

from loadtest.actor import PASSWORD, Actor, Stage
from loadtest.away.handset import Handsets
from loadtest.away.rules import Verdict, verdict
from loadtest.away.script import Absent, Script
from loadtest.client.login import Account, Login
from loadtest.client.rest import Rest
from loadtest.progress import Progress

AT_ONCE: Final = 8
LOOK_EVERY_S: Final = 0.5
RING_WITHIN_S: Final = 30.0
QUIET_S: Final = 3.0
"""When nothing came for so long (a burst and more), nothing comes any more."""

TOPIC: Final = "chat.muster.app"
PROJECT: Final = "muster-mock"
_FOREVER_MS: Final = 4_000_000_000_000


class Away:
    """Everybody of one script who is not there. `admin`: the mocks' address."""

    def __init__(self, plan: Script, admin: str) -> None:
        self._plan = plan
        self.numbers = frozenset(who.number for who in plan.absent)
        self._admin = admin
        self._logins: dict[int, Login] = {}
        self._owners: dict[str, int] = {}

    async def settle_in(self, stage: Stage, actors: list[Actor]) -> None:
        """Register, come into the rooms, say what they want, and go. `stage.groups` is made here."""
        await _each(list(self._plan.absent), lambda who: self._register(who, stage))
        people = {actor.number: actor.phone.login.person for actor in actors}
        people |= {number: login.person for number, login in self._logins.items()}
        founder = actors[0].phone.login
        for number, group in enumerate(self._plan.groups, 1):
            others = [people[member] for member in group if people[member] != founder.person]
            room = await founder.rest.create_room("group", f"group {number}", others)
            stage.groups.append(room.id)
        await _each(list(self._plan.absent), lambda who: self._choose(who, stage, people))

    @asynccontextmanager
    async def watched(self, stage: Stage) -> AsyncIterator[Handsets]:
        """What their phones get, looked at all the time: the mocks remember a bounded number."""
        rooms = {stage.place(number): number for number in range(len(stage.groups) + 1)}
        async with httpx.AsyncClient(base_url=self._admin, timeout=15.0) as http:
            phones = Handsets(http, self._owners, rooms)
            await phones.skip()
            async with asyncio.TaskGroup() as group:
                watching = group.create_task(_watch(phones))
                try:
                    yield phones
                finally:
                    watching.cancel()

    async def judged(self, stage: Stage, phones: Handsets, progress: Progress) -> Verdict:
        """When all that is wanted has rung, or long should have, and nothing comes any more."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + RING_WITHIN_S
        quiet_since, count = loop.time(), -1
        while True:
            found = verdict(self._plan.absent, stage.said, phones.rang, phones.strangers)
            now = loop.time()
            if found.pushes != count:
                quiet_since, count = now, found.pushes
            is_over = not found.missing or now > deadline
            if is_over and now > quiet_since + QUIET_S:
                return found
            progress.show(found.wanted - found.missing, found.wanted, "waiting for pushes")
            await asyncio.sleep(LOOK_EVERY_S)

    async def _register(self, who: Absent, stage: Stage) -> None:
        account = Account(who.handle, PASSWORD, who.nick[:64])
        login = Login(account, Rest(stage.http, Random(who.number)))
        await login.register()
        await login.token()
        token = f"{who.number:08x}" * 8 if who.provider == "apns" else f"phone:{who.handle:_>24}"
        device = {
            "install": account.install,
            "provider": who.provider,
            "topic": TOPIC if who.provider == "apns" else PROJECT,
            "token": token,
            "locale": "en",
            "zone": "Europe/Berlin",
        }
        await login.rest.change("PUT", "/v1/me/push", device)
        self._logins[who.number], self._owners[token] = login, who.number

    async def _choose(self, who: Absent, stage: Stage, people: dict[int, UUID]) -> None:
        rest = self._logins[who.number].rest
        await rest.join(stage.room)
        await rest.change("PATCH", "/v1/me/push/wishes", {"level": who.wish})
        for room, chosen in zip((0, who.group), who.chosen, strict=True):
            if chosen is not None:
                said = {"until_ms": _FOREVER_MS} if chosen == "muted" else {"level": chosen}
                await rest.change("PUT", f"/v1/rooms/{stage.place(room)}/mute", said)
        if who.blocks is not None:
            await rest.change("PUT", f"/v1/me/blocks/{people[who.blocks]}")


async def _watch(phones: Handsets) -> None:
    while True:
        await phones.look()
        await asyncio.sleep(LOOK_EVERY_S)


async def _each(waiting: list[Absent], do: Callable[[Absent], Awaitable[None]]) -> None:
    async def work() -> None:
        while waiting:
            await do(waiting.pop())

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(work())
