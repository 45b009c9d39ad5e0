"""One of the load's processes whose people come back: `python -m loadtest.bench.returners`, started by crew.py.

Owns its people and the making of its share of the posts, an open loop: what is due while somebody is away is sent when
they are back. Reads orders, writes reports (orders.py), prints nothing else.
"""

from __future__ import annotations

import asyncio
import gc
import random
import resource
import sys
from array import array
from collections.abc import Callable
from time import monotonic
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

import uvloop

from loadtest.bench import orders
from loadtest.bench.orders import Compare, Compared, Connected, Failed, Online, Plan, Step, Watched
from loadtest.bench.returner import Returner
from loadtest.bench.schedule import OpenLoop
from loadtest.bench.worker import OPENS_PER_BREATH, TICK_S, TOLD_EVERY, tell

ONLINE_WITHIN_S: Final = 120.0
ANSWERED_WITHIN_S: Final = 15.0
"""After the last post: whoever said it may just have lost their socket."""

ARRIVED_WITHIN_S: Final = 5.0
LOOK_EVERY_S: Final = 0.02


class Party:
    """The people of one process."""

    def __init__(self, plan: Plan, tasks: asyncio.TaskGroup) -> None:
        self._plan = plan
        self._tasks = tasks
        self._random = random.Random(plan.worker)
        hubs = [(str(url.hostname), int(url.port or 0)) for url in map(urlsplit, plan.hubs)]
        self._people = [
            Returner(seat, hubs, random.Random(self._random.getrandbits(64))) for seat in plan.seats
        ]

    async def open(self) -> None:
        """Bring everybody online."""
        for number, person in enumerate(self._people, start=1):
            self._tasks.create_task(person.stay())
            if number % OPENS_PER_BREATH == 0:
                await asyncio.sleep(OPENS_PER_BREATH / self._plan.opens_per_s)
        async with asyncio.timeout(ONLINE_WITHIN_S):
            for number, person in enumerate(self._people, start=1):
                await person.live.wait()
                if number % TOLD_EVERY == 0:
                    tell(Connected(number))
        for person in self._people:
            person.refusals = 0
            person.absences.clear()

    async def run(self, step: Step) -> Watched:
        """Make one step's posts and wait for their answers."""
        loop = OpenLoop(step.rate_per_s, step.start_at, step.warm_s + step.run_s)
        while (due := loop.next_at()) is not None:
            await asyncio.sleep(max(due - monotonic(), TICK_S))
            for number in loop.due(monotonic()):
                self._post(number, step.text_bytes)
        await self._until(lambda: not self._waiting(), ANSWERED_WITHIN_S)
        heads: dict[UUID, int] = {}
        for person in self._people:
            for room, seq in person.heads.items():
                heads[room] = max(seq, heads.get(room, 0))
        told = {room.bytes: seq for room, seq in heads.items()}
        return Watched(loop.total, self._waiting(), told)

    async def compare(self, order: Compare) -> Compared:
        """Wait a moment for what is on its way, then say what is missing, and what came twice."""
        heads = {UUID(bytes=room): seq for room, seq in order.heads.items()}

        def missing() -> int:
            return sum(person.diary.missing(heads) for person in self._people)

        await self._until(lambda: not missing(), ARRIVED_WITHIN_S)
        absences = array("d")
        for person in self._people:
            for gone_at, back_at in person.absences:
                absences.extend((gone_at, back_at))
        people = self._people
        twice = sum(max(0, len(seqs) - 1) for person in people for seqs in person.own.values())
        return Compared(
            missing() + sum(person.diary.lost for person in people),
            twice + sum(person.diary.duplicated for person in people),
            sum(not person.live.is_set() for person in people),
            sum(person.refusals for person in people),
            absences.tobytes(),
        )

    @property
    def fault(self) -> str | None:
        """What went wrong for good with anybody."""
        return next((person.fault for person in self._people if person.fault is not None), None)

    def _post(self, number: int, text_bytes: int) -> None:
        person = self._random.choice(self._people)
        client_id = f"{self._plan.run}-{self._plan.worker}-{number}"
        person.own[client_id] = set()
        person.post(self._random.choice(person.rooms), client_id, "." * text_bytes)

    def _waiting(self) -> int:
        return sum(len(person.waiting) for person in self._people)

    async def _until(self, so: Callable[[], bool], within_s: float) -> None:
        """Wait for `so()`, for so long at most."""
        ends_at = monotonic() + within_s
        while not so() and monotonic() < ends_at:  # noqa: ASYNC110  # looking is all there is
            await asyncio.sleep(LOOK_EVERY_S)


async def work() -> None:
    """Follow orders until there are no more."""
    reader = asyncio.StreamReader(limit=2**26)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    try:
        async with asyncio.TaskGroup() as tasks:
            plan = await orders.next_order(reader)
            assert isinstance(plan, Plan), "the plan comes first"
            party = Party(plan, tasks)
            await party.open()
            gc.collect()
            gc.freeze()
            gc.disable()  # a pause of the load would look like one of the server
            tell(Online())
            while True:
                order = await orders.next_order(reader)
                if isinstance(order, Step):
                    tell(await party.run(order))
                elif isinstance(order, Compare):
                    fault = party.fault
                    tell(await party.compare(order) if fault is None else Failed(fault))
    except* asyncio.IncompleteReadError:
        pass  # the benchmark is done with us
    except* Exception as failed:  # noqa: BLE001  # whatever it is, the benchmark says it
        tell(Failed(str(failed.exceptions[0]) or repr(failed.exceptions[0])))


def main() -> None:
    """As many sockets as the system allows; until the input ends."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    uvloop.run(work())


if __name__ == "__main__":
    main()
