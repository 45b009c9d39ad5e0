"""Promises 3, 4 and 5 on hubs without services, whatever lanes, reader and sockets do, by a seed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from tests.fixtures.logs import logged
from tests.sim.time import JumpingLoop, passing
from tests.sim.world import World

STEPS = 150
ROUNDS = 3


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    """Nothing is logged; the configuration of others comes back after."""
    with logged("error"):
        yield


async def _live(seed: int) -> None:
    async with asyncio.TaskGroup() as running:
        parts = running.create_task(_play(seed))
        await parts


async def _play(seed: int) -> None:
    failures: list[BaseException] = []

    def noticed(_: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        error = context.get("exception")
        failures.append(error if isinstance(error, BaseException) else AssertionError(str(context)))

    asyncio.get_running_loop().set_exception_handler(noticed)

    def sound() -> None:
        if failures:
            raise failures[0]

    class _Over(Exception):
        pass

    try:
        async with asyncio.TaskGroup() as tasks:
            world = World(seed, tasks)
            for _ in range(ROUNDS):
                for _ in range(STEPS):
                    await world.step()
                    sound()
                await world.quiet()
                sound()
                world.check()
            for device in world.devices:
                device.drop()
            await passing(70.0)
            sound()
            world.check_empty()
            raise _Over
    except* _Over:
        pass


@pytest.mark.parametrize("seed", range(20))
def test_every_device_gets_everything_once_in_order_and_nothing_after_it_is_out(seed: int) -> None:
    """Two hubs, twelve devices, a bus that loses, repeats and reorders, a reader that is slow or away."""
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        runner.run(_live(seed))
