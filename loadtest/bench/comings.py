"""People with two devices each who come and go, and what is true of them meanwhile.

    tunnel    a device breaks off and is back within the grace time: nobody is to hear of it
    switch    one device says goodbye while the other stays: nor of this
    leave     both say goodbye, and come back later: they went, and they came

Owns these stories, one per person at a time, and the truth: who is there, and how often anybody should have heard of
a change. Must never look at what was told.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from random import Random
from time import monotonic
from typing import Final
from uuid import UUID

from loadtest.bench.sockets import Refused
from loadtest.bench.visitor import Visitor

DEVICES: Final = 2
BACK_WITHIN_S: Final = 8.0
"""Well within the grace time of 15 s, for the way back takes its time too."""

AWAY_S: Final = (3.0, 6.0)
TRIES: Final = 20
LET_IN_WITHIN_S: Final = 5.0
"""So long a device waits for a hub; one that is stopped takes connections, and never says a word."""


class Comer:
    """One person: their tokens, one per device, and the sockets they have."""

    def __init__(self, person: UUID, tokens: Sequence[str]) -> None:
        self.person = person
        self.tokens = tokens
        self.sockets: list[Visitor | None] = [None] * len(tokens)
        self.hubs = [0] * len(tokens)
        self.busy = False
        self.left = False
        self.returning = 0
        self.moved_at = 0.0

    @property
    def is_connected(self) -> bool:
        """Whether all devices are."""
        return all(socket is not None and socket.open for socket in self.sockets)

    @property
    def is_there(self) -> bool:
        """Whether any device is connected, or on its way back within the grace time."""
        if self.returning:
            return True
        return any(socket is not None and socket.open for socket in self.sockets)

    @contextmanager
    def back_soon(self) -> Iterator[None]:
        """Whatever breaks off meanwhile is back in time."""
        self.returning += 1
        try:
            yield
        finally:
            self.returning -= 1

    @contextmanager
    def moving(self) -> Iterator[None]:
        """Something happens at once that may change whether they are there; `moved_at` is when it last did."""
        before = self.is_there
        yield
        if self.is_there is not before:
            self.moved_at = monotonic()


class Comings:
    """All people of a run."""

    def __init__(self, people: list[Comer], hubs: Sequence[str], random: Random) -> None:
        self.people = people
        self.turns: Counter[UUID] = Counter()
        self.changes = 0
        self._hubs = hubs
        self._random = random
        self.closed: set[int] = set()
        """Hubs that nobody goes to."""
        self._entering: dict[asyncio.Timeout, int] = {}

    async def come(self, comer: Comer, device: int) -> None:
        """Connect one device, to any hub that is open; again until it is in."""
        for _ in range(TRIES):
            hub = self._random.choice([n for n in range(len(self._hubs)) if n not in self.closed])
            try:
                visitor = await self._enter(comer.tokens[device], hub)
            except (OSError, Refused):
                await asyncio.sleep(0.2 + 0.3 * self._random.random())
                continue
            if not visitor.open:
                continue  # its hub died meanwhile
            with comer.moving():
                comer.sockets[device], comer.hubs[device] = visitor, hub
            self.changes += 1
            return
        raise Refused("a device does not come in", again=False)

    async def _enter(self, token: str, hub: int) -> Visitor:
        """Raises OSError, of which a TimeoutError is one, or `Refused`."""
        deadline = asyncio.timeout(LET_IN_WITHIN_S)
        try:
            async with deadline:
                self._entering[deadline] = hub
                return await Visitor.enter(token, self._hubs[hub])
        finally:
            self._entering.pop(deadline, None)

    async def story(self) -> None:
        """Something happens to somebody."""
        comer = self._random.choice(self.people)
        if comer.busy or not comer.is_connected:
            return
        comer.busy = True
        try:
            kind = self._random.choices(("tunnel", "switch", "leave"), (6, 3, 1))[0]
            if kind == "tunnel":
                devices = self._random.choice(([0], [1], [0, 1]))
                with comer.back_soon():
                    await self._away(comer, devices, (0.3, BACK_WITHIN_S), clean=False)
            elif kind == "switch":
                device = self._random.randrange(DEVICES)
                with comer.back_soon():
                    await self._away(comer, [device], (0.3, BACK_WITHIN_S), clean=True)
            elif not comer.left:  # who goes again and again is believed less and less
                comer.left = True
                self.turns[comer.person] += 2
                await self._away(comer, [0, 1], AWAY_S, clean=True)
        finally:
            comer.busy = False

    async def _away(
        self, comer: Comer, devices: Sequence[int], for_s: tuple[float, float], *, clean: bool
    ) -> None:
        with comer.moving():
            for device in devices:
                socket, comer.sockets[device] = comer.sockets[device], None
                if socket is not None:
                    self.changes += 1
                    if clean:
                        socket.goodbye()
                    else:
                        socket.drop()
        await asyncio.sleep(self._random.uniform(*for_s))
        for device in devices:
            await self.come(comer, device)

    async def bereft(self, hub: int, staying: float) -> None:
        """A hub has died: so many of its devices come back elsewhere, the others stay away."""
        self.closed.add(hub)
        for deadline, entered in self._entering.items():
            if entered == hub:
                deadline.reschedule(asyncio.get_running_loop().time())
        async with asyncio.TaskGroup() as tasks:
            for comer in self.people:
                lost = self._lost_by(comer, hub)
                for device in lost:
                    if self._random.random() < staying:
                        comer.returning += 1
                        tasks.create_task(self._back(comer, device))
                if lost and not comer.is_there and not comer.busy:
                    comer.moved_at = monotonic()
                    self.turns[comer.person] += 1

    def _lost_by(self, comer: Comer, hub: int) -> list[int]:
        """Break off the devices that are on this hub."""
        lost = []
        for device, socket in enumerate(comer.sockets):
            if socket is not None and comer.hubs[device] == hub:
                lost.append(device)
                comer.sockets[device] = None
                socket.drop()
        return lost

    async def _back(self, comer: Comer, device: int) -> None:
        try:
            await asyncio.sleep(self._random.uniform(0.3, BACK_WITHIN_S))
            await self.come(comer, device)
        finally:
            comer.returning -= 1

    def there(self) -> set[UUID]:
        """Everybody who is there."""
        return {comer.person for comer in self.people if comer.is_there}

    def steady(self, for_s: float) -> set[UUID]:
        """Everybody who neither came nor went for so long."""
        before = monotonic() - for_s
        return {comer.person for comer in self.people if comer.moved_at < before}
