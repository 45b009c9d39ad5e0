"""One run of one scenario, from the first account to the record that the checker judges.

    people come -> traffic -> the attack -> traffic -> quiet -> final reads

Owns the order and its deadlines, which are on progress: a slow machine makes a run longer, never different. Must never
judge, and must never do anything twice because it failed once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import monotonic
from typing import Final

from loadtest.client.rest import Rest
from loadtest.torture.crowd import AT_ONCE, Crowd, crowd
from loadtest.torture.final import Truth, read_fresh
from loadtest.torture.history import Run
from loadtest.torture.http import http_to
from loadtest.torture.journal import Writer
from loadtest.torture.mock_phones import MockPhones
from loadtest.torture.recorder import Recorder
from loadtest.torture.scenario import Scenario, Stage
from loadtest.torture.traffic import Traffic
from loadtest.torture.world import World

ENOUGH_WITHIN_S: Final = 90.0
ANSWERED_WITHIN_S: Final = 40.0
QUIET_WITHIN_S: Final = 40.0
LOOK_EVERY_S: Final = 0.1
READ_WITHIN_S: Final = 10.0

Note = Callable[[int, str], None]
"""Told how much is acked, and what goes on."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the record begins with, apart from the scenario."""

    seed: int
    commit: str
    machine: str


@dataclass(frozen=True, slots=True)
class Played:
    """How a run went, before anybody judges it."""

    acked: int
    seconds: float
    complaints: tuple[str, ...]


async def play(scenario: Scenario, world: World, header: Header, path: Path, note: Note) -> Played:
    """Run it once on a stack that is up and whole; the record goes to `path`."""
    started = monotonic()
    with Writer(path) as writer:
        recorder = Recorder(writer)
        random = Random(f"{scenario.name} {header.seed}")
        writer.write(
            Run(
                t=recorder.now(),
                commit=header.commit,
                scenario=scenario.name,
                seed=header.seed,
                machine=header.machine,
                minimum_acked=scenario.minimum,
                recover_within_s=scenario.recover_within_s,
                push_within_s=scenario.push_within_s,
            )
        )
        size = scenario.size
        people = crowd(size, world.hub_urls, world.api_urls, recorder, random)
        async with people as everybody, _truth(world, everybody) as truth:
            traffic = Traffic(everybody, random, scenario.per_s, scenario.mix)
            phones = MockPhones(world, recorder, everybody.away)
            stage = Stage(world, everybody, traffic, truth, phones)
            stage.random = Random(f"attack {scenario.name} {header.seed}")
            async with phones.watched():
                await _storm(scenario, stage, note)
                note(recorder.acked, "waiting until it is quiet")
                behind = await _quiet(everybody, truth)
                note(recorder.acked, "waiting for phones to ring")
                await phones.settled(truth, scenario.push_within_s)
            note(recorder.acked, "final reads")
            await _last_look(world, everybody, truth, recorder, random)
            recorder.end()
            complaints = [*stage.complaints, *everybody.stopped]
            if behind:
                few = "; ".join(behind[:3])
                complaints.append(f"{len(behind)} times a device lacks what is there: {few}")
            return Played(recorder.acked, monotonic() - started, tuple(complaints))


async def _storm(scenario: Scenario, stage: Stage, note: Note) -> None:
    """Traffic, the attack in its middle, and as much afterwards as shows that all is well again."""
    recorder = stage.recorder
    async with asyncio.TaskGroup() as tasks:
        going = tasks.create_task(stage.traffic.run())
        telling = tasks.create_task(_tell(recorder, scenario, note))
        await stage.acks(scenario.before)
        async with asyncio.timeout(scenario.attack_within_s):
            await scenario.attack(stage)
        await stage.acks(scenario.after)
        await stage.until(lambda: recorder.acked >= scenario.minimum, ENOUGH_WITHIN_S)
        stage.traffic.end()
        _, unanswered = await asyncio.wait({going}, timeout=ANSWERED_WITHIN_S)
        for task in unanswered:
            task.cancel()
        telling.cancel()


async def _tell(recorder: Recorder, scenario: Scenario, note: Note) -> None:
    while True:
        note(recorder.acked, scenario.does)
        await asyncio.sleep(LOOK_EVERY_S)


async def _quiet(everybody: Crowd, truth: Truth) -> list[str]:
    """Until every device holds what it may; the (device, room) that do not in the end."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + QUIET_WITHIN_S
    while True:
        behind = everybody.behind(await truth.heads(), await truth.present())
        if not behind or loop.time() >= deadline:
            return behind
        await asyncio.sleep(LOOK_EVERY_S)


async def _last_look(
    world: World, everybody: Crowd, truth: Truth, recorder: Recorder, random: Random
) -> None:
    """The truth, then what each person is shown who comes in anew."""
    await truth.dump(recorder)
    async with AsyncExitStack() as exits:
        pools = [
            await exits.enter_async_context(http_to(url, READ_WITHIN_S)) for url in world.api_urls
        ]
        waiting = list(enumerate(everybody.guests))

        async def work() -> None:
            while waiting:
                number, guest = waiting.pop()
                await read_fresh(guest, Rest(pools[number % len(pools)], random), recorder)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(work())


@asynccontextmanager
async def _truth(world: World, everybody: Crowd) -> AsyncIterator[Truth]:
    rooms = [place.room for place in everybody.places]
    rooms += [guest.person for guest in everybody.guests]
    rooms += [away.person for away in everybody.away]
    truth = Truth(world.database_url, rooms)
    try:
        yield truth
    finally:
        await truth.close()
