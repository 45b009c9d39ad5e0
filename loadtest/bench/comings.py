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
from collections.abc import Sequence
from random import Random
from typing import Final
from uuid import UUID

from loadtest.bench.sockets import Refused
from loadtest.bench.visitor import Visitor

DEVICES: Final = 2
BACK_WITHIN_S: Final = 8.0
"""Well within the grace time of 15 s, for the way back takes its time too."""

AWAY_S: Final = (3.0, 6.0)
TRIES: Final = 20


class Comer:
    """One person: their tokens, one per device, and the sockets they have."""

    def __init__(self, person: UUID, tokens: Sequence[str]) -> None:
        self.person = person
        self.tokens = tokens
        self.sockets: list[Visitor | None] = [None] * len(tokens)
        self.hubs = [0] * len(tokens)
        self.busy = False
        self.left = False

    @property
    def is_there(self) -> bool:
        """Whether any device is connected."""
        return any(socket is not None and socket.open for socket in self.sockets)


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

    async def come(self, comer: Comer, device: int) -> None:
        """Connect one device, to any hub that is open; again until it is in."""
        for _ in range(TRIES):
            hub = self._random.choice([n for n in range(len(self._hubs)) if n not in self.closed])
            try:
                comer.sockets[device] = await Visitor.enter(comer.tokens[device], self._hubs[hub])
                comer.hubs[device] = hub
                self.changes += 1
                return
            except (OSError, Refused):
                await asyncio.sleep(0.2 + 0.3 * self._random.random())
        raise Refused("a device does not come in", again=False)

    async def story(self) -> None:
        """Something happens to somebody."""
        comer = self._random.choice(self.people)
        if comer.busy or any(socket is None for socket in comer.sockets):
            return
        comer.busy = True
        try:
            kind = self._random.choices(("tunnel", "switch", "leave"), (6, 3, 1))[0]
            if kind == "tunnel":
                devices = self._random.choice(([0], [1], [0, 1]))
                await self._away(comer, devices, (0.3, BACK_WITHIN_S), clean=False)
            elif kind == "switch":
                device = self._random.randrange(DEVICES)
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
        async with asyncio.TaskGroup() as tasks:
            for comer in self.people:
                for device in range(DEVICES):
                    if comer.hubs[device] != hub or comer.sockets[device] is None:
                        continue
                    lost, comer.sockets[device] = comer.sockets[device], None
                    if lost is not None:
                        lost.drop()
                    if self._random.random() < staying:
                        tasks.create_task(self._back(comer, device))
        for comer in self.people:
            if not comer.is_there:
                self.turns[comer.person] += 1

    async def _back(self, comer: Comer, device: int) -> None:
        await asyncio.sleep(self._random.uniform(0.3, BACK_WITHIN_S))
        await self.come(comer, device)

    def there(self) -> set[UUID]:
        """Everybody who is there."""
        return {comer.person for comer in self.people if comer.is_there}
