"""Owns keeping one service running: the first start, every restart, the stop.

A service says what to run and how to see that it is ready; the keeper never knows what it is.
A first start that fails is the operator's to hear of; every later end is answered with a restart
after a pause that grows, for ever, and said so.
"""

import asyncio
import random
import time
from contextlib import suppress
from typing import Protocol

from muster.backoff import pause_s
from muster.services.child import Child, Program, Say, ServiceFailedError, how_it_ended
from muster.services.unprivileged import CannotDropRootError

_FIRST_PAUSE_S = 0.2
_MOST_PAUSE_S = 15.0
_STEADY_S = 30.0  # a run this long is no part of a series of failures


class Service(Protocol):
    """Something that can be kept running."""

    @property
    def name(self) -> str: ...

    @property
    def ready_within_s(self) -> float: ...

    @property
    def first_starts(self) -> int:
        """How often a first start is tried: more than once where a port is a guess."""
        ...

    async def program(self) -> Program:
        """Prepare and say what to run; called again for every restart."""
        ...

    async def ready(self) -> bool:
        """Whether it does its work by now; quick, and never raises for a plain 'no'."""
        ...

    async def finish(self) -> None:
        """What remains to be done once, after it was ready for the first time."""
        ...


class Keeper:
    """`start` once, then `keep` as a task, then `stop` once."""

    def __init__(self, service: Service, say: Say, rng: random.Random) -> None:
        self.service = service
        self._say = say
        self._rng = rng
        self._child: Child | None = None
        self._stopping = asyncio.Event()

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child is not None else None

    async def start(self) -> None:
        """The first start, until ready; a `ServiceFailedError` when it cannot be."""
        for attempts_left in reversed(range(self.service.first_starts)):
            try:
                await self._start()
                break
            except ServiceFailedError:
                if not attempts_left:
                    raise
        await self.service.finish()

    async def keep(self) -> None:
        """Restart it whenever it ends, until `stop`."""
        failures = 0
        while self._child is not None and not self._stopping.is_set():
            began = time.monotonic()
            ended = how_it_ended(await self._child.wait())
            if self._stopping.is_set():
                return
            failures = 1 if time.monotonic() - began > _STEADY_S else failures + 1
            pause = pause_s(failures, self._rng, first_s=_FIRST_PAUSE_S, most_s=_MOST_PAUSE_S)
            self._say(f"{self.service.name} {ended}; starting it again in {pause:.1f} s")
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stopping.wait()
                    return
            try:
                await self._start()
                self._say(f"{self.service.name} is back")
            except (ServiceFailedError, CannotDropRootError, OSError) as failure:
                self._say(f"{self.service.name}: {failure}")  # no memory, no file: it may pass

    async def stop(self) -> None:
        """End it and start it no more."""
        self._stopping.set()
        if self._child is not None:
            await self._child.stop()

    def kill(self) -> None:
        """The last resort, when there is no time for an order."""
        self._stopping.set()
        if self._child is not None:
            self._child.kill()

    async def _start(self) -> None:
        program = await self.service.program()
        self._child = child = await Child.start(program)
        if self._stopping.is_set():  # asked while it was being made
            await child.stop()
            return
        try:
            await child.until_ready(self.service.ready, self.service.ready_within_s)
        except ServiceFailedError:
            await child.stop()
            raise
