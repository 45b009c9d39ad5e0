"""The load's processes, as a benchmark sees them: they go online once, then make one step after another.

Owns the processes, that none is left behind, and adding up what they measured. Must never make load itself.
"""

from __future__ import annotations

import asyncio
import sys
from array import array
from asyncio.subprocess import Process
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from time import monotonic
from typing import Final, NamedTuple
from uuid import UUID

from loadtest.bench import orders
from loadtest.bench.orders import (
    Connected,
    Failed,
    Online,
    Order,
    Plan,
    Result,
    Seat,
    Stall,
    Stalled,
    Step,
)
from loadtest.percentiles import percentile

STARTS_AFTER_S: Final = 0.25
"""A step begins so long after it was ordered: every process has it by then."""

ENDS_WITHIN_S: Final = 20.0
STALLS_WITHIN_S: Final = 10.0
GONE_WITHIN_S: Final = 5.0
WORKER: Final = "loadtest.bench.worker"
_PIPE_BYTES: Final = 2**26


class LoadError(Exception):
    """The load could not be made; the message says why."""


class Load(NamedTuple):
    """What a benchmark asks of a crew: see `orders.Step`."""

    rate_per_s: float
    warm_s: float
    run_s: float
    timed: bool = False
    sharp: bool = False
    every: int = 1
    text_bytes: int = 128
    apart: UUID | None = None


class Measured(NamedTuple):
    """What all processes measured in one step; times in ms, ascending."""

    run_s: float
    offered: int
    acked: int
    delivered: int
    unanswered: int
    refused: dict[int, int]
    lost_sockets: int
    ack_ms: Sequence[float]
    late_ms: Sequence[float]
    same_ms: Sequence[float]
    cross_ms: Sequence[float]
    after_ms: Sequence[float]
    apart_ms: Sequence[float]

    @property
    def failed(self) -> int:
        """Posts that were not acked."""
        return self.unanswered + sum(self.refused.values())

    @property
    def clean(self) -> bool:
        """Whether every post was acked and no socket ended."""
        return not self.failed and not self.lost_sockets


class Crew:
    """Processes that are online."""

    def __init__(self, processes: Sequence[Process]) -> None:
        self._processes = processes

    @property
    def pids(self) -> list[int]:
        """Of the load's processes."""
        return [process.pid for process in self._processes]

    async def make(self, load: Load, measuring: Callable[[float, float], None]) -> Measured:
        """Run one step. `measuring` is told when its measured part begins and ends (CLOCK_MONOTONIC)."""
        start_at = monotonic() + STARTS_AFTER_S
        share = load.rate_per_s / len(self._processes)
        for number, process in enumerate(self._processes):
            offset_s = number / load.rate_per_s if load.rate_per_s else 0.0
            step = Step(
                share,
                start_at + offset_s,
                load.warm_s,
                load.run_s,
                load.text_bytes,
                timed=load.timed,
                sharp=load.sharp,
                every=load.every,
                apart=load.apart,
            )
            _order(process, step)
        from_s = start_at + load.warm_s
        measuring(from_s, from_s + load.run_s)
        async with asyncio.timeout(STARTS_AFTER_S + load.warm_s + load.run_s + ENDS_WITHIN_S):
            results = [await _result(process) for process in self._processes]
        return _sum(results, load.run_s)

    async def ask(self, order: Callable[[int], Order], within_s: float) -> list[orders.Report]:
        """Order something of each process, by number, and wait for what they report."""
        for number, process in enumerate(self._processes):
            _order(process, order(number))
        async with asyncio.timeout(within_s):
            return [await _report(process) for process in self._processes]

    async def stall(self) -> int:
        """Those whose seats say so stop reading; how many they are."""
        reports = await self.ask(lambda _: Stall(), STALLS_WITHIN_S)
        return sum(report.sockets for report in reports if isinstance(report, Stalled))


@asynccontextmanager
async def online(
    hubs: list[str],
    shares: Sequence[Sequence[Seat]],
    run: str,
    opens_per_s: float,
    connected: Callable[[int], None],
    program: str = WORKER,
) -> AsyncIterator[Crew]:
    """Start one process of `program` per share of seats and wait until all their sockets are live."""
    async with asyncio.TaskGroup() as tasks:
        starting = [tasks.create_task(_start(program)) for _ in shares]
    processes = [task.result() for task in starting]
    try:
        counts = [0] * len(shares)
        for number, (process, seats) in enumerate(zip(processes, shares, strict=True)):
            _order(process, Plan(number, run, hubs, list(seats), opens_per_s / len(shares)))

        async def wait(number: int) -> None:
            while not isinstance(report := await _report(processes[number]), Online):
                assert isinstance(report, Connected), "nothing was asked for yet"
                counts[number] = report.sockets
                connected(sum(counts))

        async with asyncio.TaskGroup() as tasks:
            for number in range(len(shares)):
                tasks.create_task(wait(number))
        yield Crew(processes)
    finally:
        for process in processes:
            await _end(process)


async def _start(program: str) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        program,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_PIPE_BYTES,
    )


async def _end(process: Process) -> None:
    if process.returncode is not None:
        return
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(GONE_WITHIN_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _order(process: Process, order: Order) -> None:
    assert process.stdin is not None
    process.stdin.write(orders.written(order))


async def _report(process: Process) -> orders.Report:
    assert process.stdout is not None
    try:
        report = await orders.next_report(process.stdout)
    except asyncio.IncompleteReadError:
        raise LoadError("a process of the load ended by itself") from None
    if isinstance(report, Failed):
        raise LoadError(f"a process of the load gave up: {report.reason}")
    return report


async def _result(process: Process) -> Result:
    report = await _report(process)
    assert isinstance(report, Result), "one answer per step"
    return report


def _sum(results: Sequence[Result], run_s: float) -> Measured:
    refused: Counter[int] = Counter()
    for result in results:
        refused.update(result.refused)
    return Measured(
        run_s,
        sum(result.offered for result in results),
        sum(result.acked for result in results),
        sum(result.delivered for result in results),
        sum(result.unanswered for result in results),
        dict(refused),
        sum(result.lost_sockets for result in results),
        _ordered_ms(result.ack_us for result in results),
        _ordered_ms(result.late_us for result in results),
        _ordered_ms(result.same_us for result in results),
        _ordered_ms(result.cross_us for result in results),
        _ordered_ms(result.after_us for result in results),
        _ordered_ms(result.apart_us for result in results),
    )


def _ordered_ms(parts: Iterable[bytes]) -> Sequence[float]:
    merged = array("I")
    for part in parts:
        merged.frombytes(part)
    return [us / 1_000 for us in sorted(merged)]


def shown(ordered_ms: Sequence[float], share: float) -> float:
    """A percentile as it is printed."""
    return round(percentile(ordered_ms, share), 2)
