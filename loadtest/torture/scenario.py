"""What a scenario is, and what it may use while it goes wrong.

Owns the record of faults: `fault` writes its beginning, its end, and what proves that it bit. Must never judge; a fault
without proof is judged void by the checker.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Final
from uuid import UUID

import asyncpg

from loadtest.torture.crowd import Crowd, Size
from loadtest.torture.final import Truth
from loadtest.torture.mock_phones import MockPhones
from loadtest.torture.traffic import Mix, Traffic
from loadtest.torture.world import Shape, World

Proof = dict[str, int | float | str | bool]

PROGRESS_WITHIN_S: Final = 45.0
LOOK_EVERY_S: Final = 0.05
SILENCE_S: Final = 12.0


class Impossible(Exception):
    """This machine cannot show this scenario; the message says what is missing."""


@dataclass(slots=True)
class Ended:
    """What a fault leaves behind: proof, and for a restore the heads that were kept."""

    proof: Proof = field(default_factory=dict)
    kept: dict[UUID, int] | None = None


class Stage:
    """One run, as a scenario sees it."""

    def __init__(
        self, world: World, crowd: Crowd, traffic: Traffic, truth: Truth, phones: MockPhones
    ) -> None:
        self.world = world
        self.crowd = crowd
        self.traffic = traffic
        self.recorder = phones.recorder
        self.truth = truth
        self.phones = phones
        self.random: Random = Random(0)
        self.complaints: list[str] = []
        """What the scenario itself demands and did not find: as bad as anything the checker finds."""

    @asynccontextmanager
    async def fault(self, kind: str, target: str) -> AsyncIterator[Ended]:
        """Something done to the system from here to the end of the block."""
        name, ended = self.recorder.fault(kind, target), Ended()
        try:
            yield ended
        finally:
            self.recorder.healed(name, ended.proof, ended.kept)

    def demand(self, holds: bool, sentence: str) -> None:
        """The scenario's own criterion."""
        if not holds:
            self.complaints.append(sentence)

    def fullest(self) -> int:
        """The number of the hub with the most sockets of phones, from 1."""
        urls = self.world.hub_urls
        sockets = Counter(device.hub for device in self.crowd.devices if device.hub is not None)
        return 1 + max(range(len(urls)), key=lambda n: sockets[urls[n]])

    async def hush(self, after: str) -> None:
        """Everybody falls silent: nothing later points to what was said last, and yet all are to have it soon.

        The time is well under that after which a hub compares all heads whether there is doubt or not.
        """
        await self.quiet()
        behind, loop = await self.behind(), asyncio.get_running_loop()
        deadline = loop.time() + SILENCE_S
        while behind and loop.time() < deadline:
            await asyncio.sleep(LOOK_EVERY_S)
            behind = await self.behind()
        late = f"{len(behind)} last words did not arrive in {SILENCE_S} s {after}"
        self.demand(not behind, f"{late}: {'; '.join(behind[:3])}")
        self.traffic.hush(on=False)

    async def quiet(self) -> None:
        """Nothing more is begun, and what was is answered."""
        self.traffic.hush(on=True)
        await self.until(lambda: not self.crowd.outstanding)

    async def behind(self) -> list[str]:
        """Every (device, room) that does not hold what is there."""
        return self.crowd.behind(await self.truth.heads(), await self.truth.present())

    async def acks(self, more: int, within_s: float = PROGRESS_WITHIN_S) -> int:
        """Wait until so many more entries are acked, or that long; how many were."""
        before = self.recorder.acked
        await self.until(lambda: self.recorder.acked >= before + more, within_s)
        return self.recorder.acked - before

    async def until(self, holds: Callable[[], bool], within_s: float = PROGRESS_WITHIN_S) -> bool:
        """Wait until something holds, or that long; whether it does."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within_s
        while not holds() and loop.time() < deadline:  # noqa: ASYNC110  # only looking tells
            await asyncio.sleep(LOOK_EVERY_S)
        return holds()

    async def a_while(self, least_s: float, most_s: float) -> None:
        """Let a time pass that only the seed knows."""
        await asyncio.sleep(self.random.uniform(least_s, most_s))

    async def sql(self, statement: str, *values: object) -> list[asyncpg.Record]:
        """One statement, past all links."""
        connection = await asyncpg.connect(self.world.database_url)
        try:
            return await connection.fetch(statement, *values)
        finally:
            await connection.close()


@dataclass(frozen=True, slots=True)
class Scenario:
    """A name, what is to be there, and what is done to it.

    `fresh`: every run gets a stack of its own, because this one is not what it was afterwards.
    """

    name: str
    does: str
    attack: Callable[[Stage], Awaitable[None]]
    shape: Shape = field(default_factory=Shape)
    size: Size = field(default_factory=Size)
    mix: Mix = field(default_factory=Mix)
    per_s: float = 300.0
    before: int = 500
    after: int = 700
    minimum: int = 2_500
    recover_within_s: float = 30.0
    push_within_s: float = 0.0
    """After the last fault, and after it was said, what is owed to who is away rings within so long."""
    attack_within_s: float = 120.0
    fresh: bool = False
    needs: Callable[[], str | None] = lambda: None
    """What is missing on this machine, or None."""
