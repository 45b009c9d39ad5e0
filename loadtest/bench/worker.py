"""One of the load's processes: `python -m loadtest.bench.worker`, started by crew.py.

Owns its sockets and the making of its share of the posts. Reads orders, writes reports (orders.py), prints nothing
else. Must never slow down because the server does.
"""

from __future__ import annotations

import asyncio
import gc
import random
import sys
from time import monotonic
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

import uvloop

from loadtest.bench import orders, wire
from loadtest.bench.limits import open_many_files
from loadtest.bench.orders import (
    Connected,
    Failed,
    Online,
    Plan,
    Report,
    Result,
    Seat,
    Stall,
    Stalled,
    Step,
)
from loadtest.bench.schedule import OpenLoop
from loadtest.bench.sockets import STALLED_BYTES, BenchSocket, Refused, connected
from loadtest.bench.tally import Tally
from proto.codec import MSGPACK
from proto.frames import Entry, Error

LIVE_WITHIN_S: Final = 30.0
TRIES: Final = 10
TRY_AGAIN_S: Final = 1.0
OPENS_PER_BREATH: Final = 20
TOLD_EVERY: Final = 100
TICK_S: Final = 0.001
"""Posts that fall due within a tick leave together; they are counted from their own time all the same."""

ANSWERED_WITHIN_S: Final = 3.0
"""After the last post; the server answers everything within 2 s."""

_MARK: Final = "~"


class Crowd:
    """The sockets of one process."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._hubs = [(str(url.hostname), int(url.port or 0)) for url in map(urlsplit, plan.hubs)]
        self._random = random.Random(plan.worker)
        self._sockets: list[BenchSocket] = []
        self._tally: Tally | None = None
        self._apart: UUID | None = None
        self._answered = asyncio.Event()
        self._first_request = 0

    async def open(self) -> None:
        """Bring every seat's socket live. Raises `Refused` when one cannot be."""
        async with asyncio.TaskGroup() as tasks:
            for number, seat in enumerate(self._plan.seats, start=1):
                tasks.create_task(self._open(seat))
                if number % OPENS_PER_BREATH == 0:
                    await asyncio.sleep(OPENS_PER_BREATH / self._plan.opens_per_s)

    def stall(self) -> int:
        """Those who are to stop reading do so, and are passed over from now on; how many."""
        stopping = [each for each in self._sockets if each.seat.stalls]
        for each in stopping:
            each.timed = False
            each.stall()
        self._sockets = [each for each in self._sockets if not each.seat.stalls]
        return len(stopping)

    async def run(self, step: Step) -> Result:
        """Make one step's posts and wait for their answers."""
        loop = OpenLoop(step.rate_per_s, step.start_at, step.warm_s + step.run_s)
        tally = self._tally = Tally(step, loop)
        self._apart = step.apart
        for number, socket in enumerate(self._sockets):
            socket.timed = step.timed and number % step.every == 0
        while (due := loop.next_at()) is not None:
            wait_s = due - monotonic()
            if step.sharp:
                wait_s = int(max(0.0, wait_s) * 1_000) / 1_000  # the rest of a millisecond is spun
            await asyncio.sleep(wait_s if step.sharp else max(wait_s, TICK_S))
            for number in loop.due(monotonic()):
                self._post(number, loop.due_at(number), step)
                tally.left(number, monotonic())
        ended_at = step.start_at + step.warm_s + step.run_s
        await asyncio.sleep(max(0.0, ended_at - monotonic()))
        try:
            async with asyncio.timeout(ANSWERED_WITHIN_S):
                while not tally.complete:
                    self._answered.clear()
                    await self._answered.wait()
        except TimeoutError:
            pass  # what has no answer by now counts as unanswered
        self._tally = None
        self._first_request += loop.total
        return tally.result(sum(not socket.open for socket in self._sockets))

    def _post(self, number: int, due: float, step: Step) -> None:
        socket = self._random.choice(self._sockets)
        said = ""
        if step.timed:
            said = f"{_MARK}{int(due * 1e6)} {socket.seat.hub} {self._plan.worker} {number} "
        request = self._first_request + number + 1
        socket.post(
            request,
            self._random.choice(socket.rooms),
            f"{self._plan.run}-{self._plan.worker}-{request}",
            said.ljust(step.text_bytes, "."),
        )

    async def _open(self, seat: Seat) -> None:
        for tries_left in reversed(range(TRIES)):
            try:
                self._sockets.append(await self._opened(seat))
                break
            except (OSError, Refused) as refused:
                if not tries_left or (isinstance(refused, Refused) and not refused.again):
                    raise
                await asyncio.sleep(TRY_AGAIN_S * (0.5 + self._random.random()))
        if len(self._sockets) % TOLD_EVERY == 0:
            tell(Connected(len(self._sockets)))

    async def _opened(self, seat: Seat) -> BenchSocket:
        host, port = self._hubs[seat.hub]
        loop = asyncio.get_running_loop()
        _, socket = await loop.create_connection(
            lambda: BenchSocket(seat, self._heard, host, port),
            sock=await connected(host, port, STALLED_BYTES if seat.stalls else 0),
        )
        async with asyncio.timeout(LIVE_WITHIN_S):
            await socket.live
        return socket

    def _heard(self, socket: BenchSocket, messages: list[bytes]) -> None:
        tally = self._tally
        if tally is None:
            return
        now = monotonic()
        entries = 0
        for message in messages:
            kind = message[1]
            if kind == wire.ENTRY:
                entries += 1
                if socket.timed:
                    self._arrived(tally, socket, message, now)
            elif kind == wire.ACK:
                number = wire.request_of(message) - 1 - self._first_request
                if number >= 0:
                    tally.acked(number, now)
            elif kind == wire.ERROR:
                error = MSGPACK.decode_server(message)
                if isinstance(error, Error) and error.id > self._first_request:
                    tally.refused(error.code)
        if entries:
            tally.delivered(entries, now)
        if tally.complete:
            self._answered.set()

    def _arrived(self, tally: Tally, socket: BenchSocket, message: bytes, now: float) -> None:
        entry = MSGPACK.decode_server(message)
        if not isinstance(entry, Entry):
            return
        text = entry.body.text
        if text is not None and text.startswith(_MARK):
            due_us, hub, worker, number, _ = text[1:].split(" ", 4)
            across, apart = int(hub) != socket.seat.hub, entry.room == self._apart
            tally.arrived(int(due_us) / 1e6, now, across=across, apart=apart)
            if int(worker) == self._plan.worker:
                tally.heard(int(number), now)


def tell(report: Report) -> None:
    """Write a report; the parent always reads."""
    sys.stdout.buffer.write(orders.written(report))
    sys.stdout.buffer.flush()


async def work() -> None:
    """Follow orders until there are no more."""
    reader = asyncio.StreamReader(limit=2**26)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    try:
        plan = await orders.next_order(reader)
        assert isinstance(plan, Plan), "the plan comes first"
        crowd = Crowd(plan)
        await crowd.open()
        gc.collect()
        gc.freeze()
        gc.disable()  # a pause of the load would look like one of the server
        tell(Online())
        while True:
            match await orders.next_order(reader):
                case Step() as step:
                    tell(await crowd.run(step))
                case Stall():
                    tell(Stalled(crowd.stall()))
                case Plan():
                    raise AssertionError("there is one plan")
    except asyncio.IncompleteReadError:
        return
    except ExceptionGroup as failed:
        tell(Failed(str(failed.exceptions[0]) or repr(failed.exceptions[0])))


def main() -> None:
    """As many sockets as the system allows; until the input ends."""
    open_many_files()
    uvloop.run(work())


if __name__ == "__main__":
    main()
