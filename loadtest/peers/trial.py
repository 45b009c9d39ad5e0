"""One peer under a load: one room of N members, one who speaks, all on this machine.

Owns the server, the processes of the load and that none is left behind. Processor time and memory are those of the
server's process and its descendants, as /proc says. Must never report what it could not measure.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Final, NamedTuple

import msgspec

from loadtest.bench.costs import family, processor_s, resident_kib
from loadtest.peers.orders import Heard, Online, Plan, Step, line
from loadtest.peers.peer import Absent, Peer
from loadtest.percentiles import spread_ms
from loadtest.ports import reserved_ports
from loadtest.progress import Progress

OPENS_PER_S: Final = 1_000.0
WORKERS: Final = 2
TIMED_MEMBERS: Final = 40
STARTS_AFTER_S: Final = 0.25
DRAIN_S: Final = 5.0
"""So long what a server owes at the end is waited for, that its cost and its deliveries are of the same messages."""

SETTLE_S: Final = 0.5
"""A server that was just started, or that just let everybody in, has things to finish before it is weighed."""

ONLINE_WITHIN_S: Final = 60.0
ENDS_WITHIN_S: Final = 20.0
GONE_WITHIN_S: Final = 5.0
LOOK_EVERY_S: Final = 0.25
LEAST_S: Final = 0.1
"""Ten ticks of the clock that /proc counts by; less processor time than that is no figure."""

_LINE_BYTES: Final = 2**26


class TrialError(Exception):
    """A peer that is here could not be measured."""


class Crowd(NamedTuple):
    """The load: so many members, to whom somebody speaks so often."""

    members: int
    rate_per_s: float
    warm_s: float
    run_s: float


class _Bar(NamedTuple):
    progress: Progress
    name: str


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it; `absent` says why nothing did.

    `cpu_us_per_delivery` is None where it was too little to tell. `kept_up` is the share of what was offered that was
    delivered while it was offered. `delay_ms`: from when a message was due to its delivery, by percentile; what never
    came is not in it.
    """

    name: str
    version: str = ""
    absent: str | None = None
    cpu_us_per_delivery: float | None = None
    kib_per_socket: float | None = None
    delivered_per_s: float | None = None
    kept_up: float | None = None
    delay_ms: dict[str, float] = {}
    lost_sockets: int = 0


async def tried(peers: Sequence[Peer], crowd: Crowd, progress: Progress) -> list[Trial]:
    """One after another, the same load on each."""
    return [await _tried(peer, crowd, progress) for peer in peers]


async def _tried(peer: Peer, crowd: Crowd, progress: Progress) -> Trial:
    try:
        version = peer.version()
        return await _measured(peer, version, crowd, progress)
    except (Absent, TrialError) as absent:
        return Trial(name=peer.name, absent=str(absent))
    finally:
        progress.end()


async def _measured(peer: Peer, version: str, crowd: Crowd, progress: Progress) -> Trial:
    async with AsyncExitStack() as exits:
        directory = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="muster-peer-")))
        port = exits.enter_context(reserved_ports(1))
        command = await asyncio.to_thread(peer.command, port, directory)
        server = await exits.enter_async_context(_started(command, directory))
        loads = [await exits.enter_async_context(_load()) for _ in range(1 + WORKERS)]
        await _unless_ended(server, _online(loads[:1], [_plan(peer, port, 0, speaks=True)]))
        await asyncio.sleep(SETTLE_S)
        empty_kib = resident_kib(family(server.pid))
        progress.show(0, 1, f"{peer.name}: {crowd.members:,} members come in")
        shares = [len(range(number, crowd.members, WORKERS)) for number in range(WORKERS)]
        await _online(loads[1:], [_plan(peer, port, share, speaks=False) for share in shares])
        await asyncio.sleep(SETTLE_S)
        heard, spent_s = await _loaded(loads, crowd, server.pid, _Bar(progress, peer.name))
        grown_kib = resident_kib(family(server.pid)) - empty_kib
    return _trial(Trial(name=peer.name, version=version), crowd, heard, spent_s, grown_kib)


def _trial(
    trial: Trial, crowd: Crowd, heard: Sequence[Heard], spent_s: float, grown_kib: int
) -> Trial:
    in_time = sum(part.in_time for part in heard)
    delivered = sum(part.delivered for part in heard)
    offered = crowd.members * crowd.rate_per_s * crowd.run_s
    told = spent_s >= LEAST_S and delivered > 0
    delays_ms = sorted(us / 1_000 for part in heard for us in part.delay_us)
    return msgspec.structs.replace(
        trial,
        cpu_us_per_delivery=round(spent_s / delivered * 1e6, 2) if told else None,
        kib_per_socket=round(grown_kib / crowd.members, 2),
        delivered_per_s=round(in_time / crowd.run_s, 1),
        kept_up=round(min(1.0, in_time / offered), 3),
        delay_ms=spread_ms(delays_ms) if delays_ms else {},
        lost_sockets=sum(part.lost for part in heard),
    )


def _plan(peer: Peer, port: int, members: int, *, speaks: bool) -> Plan:
    every = max(1, members * WORKERS // TIMED_MEMBERS)
    return Plan(
        dialect=peer.dialect,
        port=port,
        members=members,
        speaks=speaks,
        opens_per_s=OPENS_PER_S / WORKERS,
        timed_every=every,
    )


async def _online(loads: Sequence[Process], plans: Sequence[Plan]) -> None:
    for load, plan in zip(loads, plans, strict=True):
        _order(load, plan)
    try:
        async with asyncio.timeout(ONLINE_WITHIN_S):
            for load in loads:
                msgspec.json.decode(await _said(load), type=Online)
    except TimeoutError:
        raise TrialError("it did not let everybody in in time") from None


async def _unless_ended(server: Process, doing: Coroutine[None, None, None]) -> None:
    """Do that, or raise `TrialError` as soon as the server is gone."""

    async def watch() -> None:
        await server.wait()
        raise TrialError("it ended by itself")

    try:
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(watch())
            await doing
            watching.cancel()
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None


async def _loaded(
    loads: Sequence[Process], crowd: Crowd, server: int, bar: _Bar
) -> tuple[list[Heard], float]:
    """What was heard of the measured part, and the server's processor time from its beginning until all had come."""
    if crowd.warm_s:
        await _step(loads, crowd.rate_per_s, crowd.warm_s, bar)
    before_s = processor_s({"": server})[""]
    heard = await _step(loads, crowd.rate_per_s, crowd.run_s, bar)
    return heard, processor_s({"": server})[""] - before_s


async def _step(
    loads: Sequence[Process], rate_per_s: float, run_s: float, bar: _Bar
) -> list[Heard]:
    start_at = monotonic() + STARTS_AFTER_S
    for load in loads:
        _order(load, Step(rate_per_s, start_at, run_s, DRAIN_S))
    while (left_s := start_at + run_s - monotonic()) > 0:
        bar.progress.show(run_s - left_s, run_s, f"speaking to {bar.name}")
        await asyncio.sleep(min(left_s, LOOK_EVERY_S))
    async with asyncio.timeout(DRAIN_S + ENDS_WITHIN_S):  # the load's own bounds are below it
        return [msgspec.json.decode(await _said(load), type=Heard) for load in loads]


def _order(load: Process, order: Plan | Step) -> None:
    assert load.stdin is not None
    load.stdin.write(line(order))


async def _said(load: Process) -> bytes:
    assert load.stdout is not None
    said = await load.stdout.readline()
    if not said:
        raise TrialError("it could not be measured: the load gave up")
    return said


@asynccontextmanager
async def _load() -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "loadtest.peers.load", stdin=PIPE, stdout=PIPE, limit=_LINE_BYTES
    )
    try:
        yield process
    finally:
        await _ended(process)


@asynccontextmanager
async def _started(command: Sequence[str], directory: Path) -> AsyncIterator[Process]:
    complaints = directory / "said"
    with complaints.open("wb") as said:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=DEVNULL, stdout=DEVNULL, stderr=said
        )
    try:
        yield process
    except TrialError as failed:
        lines = complaints.read_text(errors="replace").splitlines()
        raise TrialError(
            f"{failed}; the server said: {lines[-1] if lines else 'nothing'}"
        ) from None
    finally:
        await _ended(process)


async def _ended(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(GONE_WITHIN_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
