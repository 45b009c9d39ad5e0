"""The phones of those who are away, as the mocks of the providers saw them ring.

Owns the way from the mocks' diary to the record, and the scripting of the mocks. Must never judge, and never leave
out a push because it is not understood.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from time import monotonic_ns, time_ns
from typing import Any, Final
from uuid import UUID

import httpx
import msgspec
from msgspec import Struct

from loadtest.torture.away import AwayPerson
from loadtest.torture.final import Truth
from loadtest.torture.metrics import ANSWER_WITHIN_S, sum_of
from loadtest.torture.push_history import ProviderName, Pushed, Unsure
from loadtest.torture.recorder import Recorder
from loadtest.torture.server import Server
from loadtest.torture.world import World

LOOK_EVERY_S: Final = 0.5
MOST: Final = 2_000
LOUD: Final = frozenset({"group", "direct"})
ACCEPTED: Final = "muster_push_accepted_total"
LINGER_S: Final = 2.0
"""Whatever may still come twice has come by then."""


class _Entry(Struct):
    number: int
    at_ms: int
    service: str
    token: str
    taken: bool
    body: str


class _About(Struct):
    kind: str
    room_id: UUID
    seq: int


class MockPhones:
    """Of one run; of a stack without mocks there are none."""

    def __init__(self, world: World, recorder: Recorder, away: Sequence[AwayPerson]) -> None:
        self.recorder = recorder
        self._world = world
        self._away = away
        self._after = 0
        self._held: dict[tuple[str, UUID], int] = {}
        self._offset_ns = monotonic_ns() - time_ns()

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Write down what comes while inside, and all that has come by the end of it."""
        if not self._away:
            yield
            return
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(self._watch())
            try:
                yield
            finally:
                watching.cancel()
        await self._look()
        for pusher in self._world.pushers:
            if pusher.up:
                await self.ask(pusher)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            await self._look()

    async def _look(self) -> None:
        found = [None]
        while found:
            query = f"/received?after={self._after}&most={MOST}"
            found = msgspec.json.decode(await self.mocks("GET", query), type=list[_Entry])
            for entry in found:
                self._after = entry.number
                if entry.taken:
                    self._take(entry)

    def _take(self, entry: _Entry) -> None:
        provider: ProviderName = "fcm" if entry.service == "fcm" else "apns"
        said: dict[str, Any] = msgspec.json.decode(entry.body)
        about = said["message"]["data"] if provider == "fcm" else said
        what = msgspec.convert(about, _About, strict=False)
        if what.kind != "message":
            return
        held = (entry.token, what.room_id)
        self._held[held] = max(what.seq, self._held.get(held, 0))
        self.recorder.write(
            Pushed(
                t=entry.at_ms * 1_000_000 + self._offset_ns,
                provider=provider,
                token=entry.token,
                room=what.room_id,
                seq=what.seq,
                number=entry.number,
            )
        )

    async def settled(self, truth: Truth, within_s: float) -> bool:
        """Wait until every phone rang for the newest of what it is owed, or that long; whether it did."""
        if not self._away:
            return True
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within_s
        newest = await truth.newest()
        while self.behind(newest) and loop.time() < deadline:  # noqa: ASYNC110  # only looking tells
            await asyncio.sleep(LOOK_EVERY_S)
        await asyncio.sleep(LINGER_S)
        return not self.behind(newest)

    def behind(self, newest: Sequence[tuple[UUID, UUID, int]]) -> int:
        """How many (phone, room) did not ring yet for the newest message (room, author, seq) that is owed there."""
        return sum(
            self._held.get((token, room), 0) < seq
            for person in self._away
            for room, author, seq in newest
            if person.rooms.get(room) in LOUD and author not in person.hidden
            for token in person.tokens
        )

    async def ask(self, pusher: Server) -> None:
        """Write down how often this process is unsure, as it says; one that does not answer says nothing."""
        with suppress(httpx.TransportError):
            count = await sum_of([pusher], ACCEPTED, sure="no")
            self.recorder.write(
                Unsure(
                    t=self.recorder.now(),
                    process=f"{pusher.name} {len(pusher.exits)}",
                    provider="fcm" if "fcm" in pusher.name else "apns",
                    count=round(count),
                )
            )

    async def mocks(self, method: str, path: str, body: object = None) -> bytes:
        """Ask the mocks' admin API."""
        assert self._world.mocks_url, "this stack has no mocks"
        url = self._world.mocks_url
        async with httpx.AsyncClient(base_url=url, timeout=ANSWER_WITHIN_S) as http:
            answer = await http.request(method, path, content=msgspec.json.encode(body))
            answer.raise_for_status()
            return answer.content

    async def weather(self, service: str, **weather: object) -> None:
        """All of this service's weather, from now on."""
        await self.mocks("PUT", f"/weather/{service}", weather)

    async def counts(self, service: str) -> dict[str, int]:
        """What this service counted: answers, connections, repeats."""
        every: dict[str, dict[str, int]] = msgspec.json.decode(await self.mocks("GET", "/counts"))
        return every.get(service, {})
