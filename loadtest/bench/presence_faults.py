"""What happens to a hub, or to Redis, while people come and go, and how long it is before all is seen as it is.

Owns these faults: a hub is killed, a hub is stopped beyond its lease and woken, Redis forgets everything. Must never
judge what was told (loadtest/bench/sight.py).
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import redis.asyncio as redis

from loadtest.bench.comings import Comings
from loadtest.bench.sight import Sight
from loadtest.stack import Stack

WITHIN_S: Final = 90.0
SWEPT_S: Final = 38.0
"""Longer than a lease and its sweep: what comes of them has come by then."""

FLUSHED_S: Final = 15.0
WOKEN_S: Final = 20.0
"""Whatever a hub that woke still believes, it has said by then, and its grace time is over."""

STAYING: Final = 0.5
"""The share of a lost hub's devices that come back elsewhere; the others stay away."""

Fault = Callable[[Stack, Comings, Sight], Awaitable[float | None]]


async def kill(stack: Stack, comings: Comings, sight: Sight) -> float | None:
    """A hub dies, and half of its devices stay away."""
    await stack.kill_hub(1)
    return await _bereft(comings, sight)


async def flush(stack: Stack, comings: Comings, sight: Sight) -> float | None:  # noqa: ARG001  # one of several
    """Redis forgets everything."""
    async with redis.Redis.from_url(stack.found.redis_url, protocol=2) as client:
        await client.flushall()
    return await sight.converges(FLUSHED_S, WITHIN_S)


async def stop(stack: Stack, comings: Comings, sight: Sight) -> float | None:
    """A hub is stopped beyond its lease; half of its devices come back elsewhere, and then it wakes."""
    stack.signal_hub(1, signal.SIGSTOP)
    try:
        sight.leave(0, len(stack.hub_urls))
        stopped_s = await _bereft(comings, sight)
    finally:
        stack.signal_hub(1, signal.SIGCONT)
    woken_s = await sight.converges(WOKEN_S, WITHIN_S)
    return None if stopped_s is None or woken_s is None else max(stopped_s, woken_s)


async def _bereft(comings: Comings, sight: Sight) -> float | None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(comings.bereft(0, STAYING))
        converged = tasks.create_task(sight.converges(SWEPT_S, WITHIN_S))
    return converged.result()


FAULTS: Final[Mapping[str, Fault]] = {"kill": kill, "flush": flush, "stop": stop}
