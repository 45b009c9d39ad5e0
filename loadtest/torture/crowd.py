"""Everybody of one run: accounts, rooms, devices online, and whether they have what they should have.

Owns the phones' tasks. Everything is made by REST, as people do. Must never look into Postgres: truth.py does.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from typing import Final, TypeVar
from uuid import UUID

from loadtest.client.phone import Stopped
from loadtest.torture.away import AwayPerson
from loadtest.torture.device import Device
from loadtest.torture.guest import Guest
from loadtest.torture.http import http_to
from loadtest.torture.recorder import Recorder

AT_ONCE: Final = 12
ONLINE_WITHIN_S: Final = 30.0
BLOCK_EVERY: Final = 5
"""So many-th of those who are away hides somebody."""

REST_WITHIN_S: Final = 5.0
"""Of one request: an api answers within 2 s, and what a link swallowed is asked again."""

P = TypeVar("P")


@dataclass(frozen=True, slots=True)
class Size:
    """How many of everything. `second`: every so many-th person has two devices. `away`: so many more who have no
    socket, each in a group and a public room with the others, every other one in a direct room as well.
    """

    people: int = 20
    second: int = 3
    groups: int = 5
    group_members: int = 8
    publics: int = 2
    public_members: int = 10
    directs: int = 3
    away: int = 0


@dataclass(slots=True)
class Place:
    """A room of the run. `owner` made it; `members` are those who are meant to be in."""

    room: UUID
    kind: str
    owner: Guest
    members: list[Guest]
    newest: int = 0
    moving: set[str] = field(default_factory=set)
    """Handles of those who come or go just now."""


class Crowd:
    """See the module."""

    def __init__(
        self, guests: list[Guest], places: list[Place], away: Sequence[AwayPerson] = ()
    ) -> None:
        self.guests = guests
        self.places = places
        self.away = away
        self.stopped: list[str] = []
        self._running: list[asyncio.Task[None]] = []

    @property
    def devices(self) -> list[Device]:
        """All of them."""
        return [device for guest in self.guests for device in guest.devices]

    @property
    def kicks(self) -> int:
        """How many were put out so far."""
        return sum(guest.kicks for guest in self.guests)

    @property
    def outstanding(self) -> int:
        """Deeds that have no answer yet."""
        return sum(guest.outstanding for guest in self.guests)

    def forget(self) -> None:
        """What anybody knew of seqs means nothing any more: the log is another."""
        for place in self.places:
            place.newest = 0
        for guest in self.guests:
            guest.said.clear()

    def come_online(self, tasks: asyncio.TaskGroup, devices: Sequence[Device]) -> None:
        """Phones that run until `leave` or the end."""
        self._running += [tasks.create_task(self._run(device)) for device in devices]

    async def _run(self, device: Device) -> None:
        try:
            await device.phone.run()
        except Stopped as stopped:
            self.stopped.append(f"{device.person}: {stopped}")

    async def online(self, devices: Sequence[Device], within_s: float = ONLINE_WITHIN_S) -> None:
        """Wait until they are. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            for device in devices:
                await device.phone.online.wait()

    async def leave(self) -> None:
        """Everybody goes."""
        for device in self.devices:
            await device.leave()

    def end(self) -> None:
        """Whoever is still here is gone."""
        for task in self._running:
            task.cancel()

    def behind(self, heads: dict[UUID, int], present: set[tuple[UUID, UUID]]) -> list[str]:
        """Every (device, room) that does not hold what is there, in words; `present` is who is in which room."""
        found = []
        for device in self.devices:
            for room, head in heads.items():
                at = device.phone.rooms.positions.at(room)
                away = device.connection is None
                if (room, device.person) in present and (away or (at or 0) < head):
                    where = "away" if away else f"at {at}"
                    found.append(f"{device.id} in {room} is {where} of {head}")
        return found


@asynccontextmanager
async def crowd(
    size: Size,
    hub_urls: Sequence[str],
    api_urls: Sequence[str],
    recorder: Recorder,
    random: Random,
) -> AsyncIterator[Crowd]:
    """People in rooms, everybody online."""
    run = secrets.token_hex(3)
    async with AsyncExitStack() as exits:
        pools = [await exits.enter_async_context(http_to(url, REST_WITHIN_S)) for url in api_urls]
        guests = [
            Guest(
                f"torture_{run}_{number}",
                pools[number % len(pools)],
                list(hub_urls),
                recorder,
                random.getrandbits(32),
            )
            for number in range(size.people)
        ]
        away = [
            AwayPerson(
                f"away_{run}_{number}",
                pools[number % len(pools)],
                recorder,
                number,
                random.getrandbits(32),
            )
            for number in range(size.away)
        ]
        await _each(guests, lambda n, g: g.register(2 if n % size.second == 0 else 1, n))
        await _each(away, lambda _, person: person.register())
        places = await _rooms(size, guests, away, random)
        places += await _apart(places, away, random)
        made = Crowd(guests, places, away)
        async with asyncio.TaskGroup() as tasks:
            made.come_online(tasks, made.devices)
            try:
                await made.online(made.devices)
                yield made
            finally:
                with suppress(TimeoutError):
                    async with asyncio.timeout(REST_WITHIN_S):
                        await made.leave()
                made.end()


async def _each(people: Sequence[P], do: Callable[[int, P], Awaitable[None]]) -> None:
    waiting = list(enumerate(people))

    async def work() -> None:
        while waiting:
            number, guest = waiting.pop()
            await do(number, guest)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(AT_ONCE):
            tasks.create_task(work())


async def _rooms(
    size: Size, guests: list[Guest], away: Sequence[AwayPerson], random: Random
) -> list[Place]:
    places = []
    counts = {"group": size.groups, "public": size.publics}
    plan = [("group", size.group_members)] * size.groups
    plan += [("public", size.public_members)] * size.publics
    plan += [("direct", 2)] * size.directs
    for number, (kind, count) in enumerate(plan):
        owner, *others = random.sample(guests, min(count, len(guests)))
        people = [guest.person for guest in others]
        quiet = away[number % counts[kind] :: counts[kind]] if kind in counts else ()
        room = await owner.create(kind, f"room {number}", people + [each.person for each in quiet])
        places.append(Place(room, kind, owner, [owner, *others]))
        for each in quiet:
            each.rooms[room] = kind
    return places


async def _apart(
    places: Sequence[Place], away: Sequence[AwayPerson], random: Random
) -> list[Place]:
    """Direct rooms of those who are away, with somebody from their group; and whom they want to hear nothing of."""
    made = []
    for number, person in enumerate(away):
        [group] = [
            place for place in places if place.kind == "group" and place.room in person.rooms
        ]
        peer, other = random.sample(group.members, 2)
        if number % 2 == 0:
            room = await person.begin_direct(peer.person)
            made.append(Place(room, "direct", peer, [peer]))
        if number % BLOCK_EVERY == 1:
            await person.block(other.person)
    return made
