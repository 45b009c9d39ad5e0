"""Owns the order services start in, and the reverse order they stop in.

It never knows what the services are (stack.py does), and `stop` returns only when nothing that
was started is left.
"""

import asyncio
import random
from collections.abc import Sequence

from muster.services.child import Say
from muster.services.keeper import Keeper, Service


class Supervisor:
    """Stages of services: each stage starts when the one before it is ready."""

    def __init__(self, group: asyncio.TaskGroup, say: Say, rng: random.Random) -> None:
        self._group = group
        self._say = say
        self._rng = rng
        self._stages: list[list[Keeper]] = []

    async def start(self, services: Sequence[Service]) -> None:
        """Start these together as the next stage, and keep them; return when all are ready."""
        stage = [Keeper(service, self._say, self._rng) for service in services]
        self._stages.append(stage)
        async with asyncio.TaskGroup() as starts:
            for keeper in stage:
                starts.create_task(keeper.start())
        for keeper in stage:
            self._group.create_task(keeper.keep())

    async def stop(self) -> None:
        """Stop the last stage first; within a stage together, so that the slowest is the wait."""
        for stage in reversed(self._stages):
            async with asyncio.TaskGroup() as stops:
                for keeper in stage:
                    stops.create_task(keeper.stop())

    def kill(self) -> None:
        """The last resort, when there is no time for an order. Harmless after `stop`."""
        for stage in self._stages:
            for keeper in stage:
                keeper.kill()

    def pids(self) -> dict[str, int]:
        """Which process each service is just now."""
        keepers = [keeper for stage in self._stages for keeper in stage]
        return {keeper.service.name: keeper.pid for keeper in keepers if keeper.pid is not None}
