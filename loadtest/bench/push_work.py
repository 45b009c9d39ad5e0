"""Whole pushers against the mocks: what a push costs, how soon a phone has it, and whether all arrive.

Three parts on one Muster with real Postgres and Redis, one pusher per provider, the mocks, and nobody connected:

- A backlog. The pushers stand still (SIGSTOP) while a message is committed in every group, then bring it all: from then
  until their queues are empty all processor time is theirs. `worker_per_s_core` is of both pushers' processes together;
  `per_s` is as it went, and the mocks, one process, may be the ceiling of it.
- Open loop. So many messages a second; `p50_ms` and the others are from a message's commit to the mock's receipt.
- Faults. Both services end connections every 1,000 requests, and answer 503, refuse, reset, cut off and drop requests.
  `ambiguous`: pushes sent again because nobody knows whether the first attempt arrived. `repeated`: pushes that took
  effect once more; `duplicated`: those of them beyond the ambiguous.

Owns these figures, `lost` over all parts. Must never take for arrived what no mock has noted.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from random import Random
from time import monotonic
from typing import Final, NamedTuple

import httpx
from prometheus_client.parser import text_string_to_metric_families

from loadtest.bench import costs
from loadtest.bench.push_crowd import Crowd, Mark, crowd
from loadtest.bench.push_seen import Seen
from loadtest.mocks.kit import PORTS
from loadtest.percentiles import spread_ms
from loadtest.ports import reserved_ports
from loadtest.progress import Progress
from loadtest.stack import ROOMY, Stack, muster_up
from muster.push_device import Provider
from muster.push_queue import Depth, PushQueue
from muster.stores.redis.push_queue import push_queue_at
from muster.telemetry import configure_logging

WARM: Final = 100
"""Groups in which something is said before: tokens, connections and plans are there when it counts."""

EVERY_S: Final = 0.25
DRAINED_WITHIN_S: Final = 240.0
AT_ONCE: Final = 500
"""Messages on their way to Postgres."""

QUIET_S: Final = 2.5
"""Longer than a burst: what was rung before delays nothing."""

_US: Final = 1e6
_SERVICES: Final = ("apns", "fcm")
_GOAWAYS: Final = {"goaway_every": 1_000}
_FAULTS: Final = (
    {"kind": "answer", "status": 503, "reason": "ServiceUnavailable"},
    {"kind": "empty", "status": 500},
    {"kind": "reset", "code": "REFUSED_STREAM"},
    {"kind": "reset", "code": "INTERNAL_ERROR", "taken": True},
    {"kind": "slow", "delay_ms": 1_000},
    {"kind": "cut"},
    {"kind": "drop", "taken": True},
    {"kind": "goaway", "how": "announced"},
)
ROUNDS: Final = 5
"""Each fault so often, a quarter of a second apart."""


class Scene(NamedTuple):
    """What the parts work with. `expected`: every push there is to be, and its message's commit, Unix ms."""

    stack: Stack
    people: Crowd
    seen: Seen
    mocks: httpx.AsyncClient
    queues: tuple[PushQueue, ...]
    expected: dict[Mark, int]
    progress: Progress
    pusher_port: int


async def measured(args: argparse.Namespace) -> dict[str, object]:
    """The figures, by the names that the JSON has."""
    configure_logging("push", "warning")
    async with _scene(args) as scene:
        await _said(scene, min(WARM, args.groups))
        await _until_drained(scene)
        await asyncio.sleep(QUIET_S)
        figures = await _backlog(scene)
        figures |= await _timed(scene, args.rate, args.seconds)
        if args.faulty:
            await _through_faults(scene, args.faulty)
        await scene.seen.look()
        ambiguous = await _ambiguous(scene)
        scene.progress.end()
        repeated = scene.seen.repeats
        figures |= {
            "expected": len(scene.expected),
            "lost": len(scene.expected.keys() - scene.seen.times.keys()),
            "repeated": repeated,
            "ambiguous": ambiguous,
            "duplicated": max(0, repeated - ambiguous),
        }
        return figures


@asynccontextmanager
async def _scene(args: argparse.Namespace) -> AsyncIterator[Scene]:
    progress = Progress()
    progress.show(0, 1, "starting Muster")
    async with AsyncExitStack() as open_:
        page = open_.enter_context(reserved_ports(PORTS))
        pusher = open_.enter_context(reserved_ports(len(_SERVICES)))
        settings = {
            **ROOMY,
            "MUSTER_PUSHES": "mock",
            "MUSTER_MOCK_PUSH_PORT": str(page),
            "MUSTER_PUSHER_PORT": str(pusher),
        }
        stack = await open_.enter_async_context(muster_up(1, settings))
        people = await open_.enter_async_context(
            crowd(
                stack,
                args.people,
                args.groups,
                Random(args.seed),
                lambda share: progress.show(share, 1, "people"),
            )
        )
        mocks = await open_.enter_async_context(
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{page}", timeout=30)
        )
        rng = random.Random()  # spreads retries, hides nothing
        url = stack.found.redis_url
        queues = tuple(push_queue_at(url, False, provider, rng) for provider in Provider)
        for queue in queues:
            open_.push_async_callback(queue.close)
        yield Scene(stack, people, Seen(mocks), mocks, queues, {}, progress, pusher)


async def _backlog(scene: Scene) -> dict[str, object]:
    pids = scene.stack.pids
    pushers = [pid for name, pid in pids.items() if name.startswith("pusher")]
    known = len(scene.expected)
    for pid in pushers:
        os.kill(pid, signal.SIGSTOP)
    try:
        await _said(scene, len(scene.people.groups))
        before = costs.processor_s(pids)
    finally:
        for pid in pushers:
            os.kill(pid, signal.SIGCONT)
    began = monotonic()
    await _until_drained(scene)
    passed_s, after = monotonic() - began, costs.processor_s(pids)
    pushes = len(scene.expected) - known
    us = {name: (after[name] - before[name]) * _US / pushes for name in pids}
    ours = sum(cost for name, cost in us.items() if name.startswith("pusher"))
    return {
        "worker_per_s_core": round(_US / ours),
        "worker_cpu_us_per_push": round(ours, 1),
        "postgres_cpu_us_per_push": round(us["postgres"], 1),
        "redis_cpu_us_per_push": round(us["redis"], 1),
        "mock_cpu_us_per_push": round(us["mock push"], 1),
        "pushes": pushes,
        "worker_per_s": round(pushes / passed_s),
    }


async def _said(scene: Scene, messages: int) -> None:
    """One in each of the first so many groups, as fast as they are committed."""
    left = iter(range(messages))

    async def speak() -> None:
        for number in left:
            scene.expected.update(await scene.people.say(number))
            scene.progress.show(number, messages, "committing")

    async with asyncio.TaskGroup() as tasks:
        for _ in range(min(AT_ONCE, messages)):
            tasks.create_task(speak())


async def _timed(scene: Scene, rate: float, seconds: float) -> dict[str, object]:
    """Messages at their times, whatever became of those before."""
    await asyncio.sleep(QUIET_S)
    messages = round(rate * seconds)
    timed: dict[Mark, int] = {}

    async def speak(number: int) -> None:
        timed.update(await scene.people.say(number % len(scene.people.groups)))

    began = monotonic()
    async with asyncio.TaskGroup() as tasks:
        for number in range(messages):
            await asyncio.sleep(max(0.0, began + number / rate - monotonic()))
            tasks.create_task(speak(number))
            scene.progress.show(number, messages, "timing")
    scene.expected.update(timed)
    await _until_drained(scene)
    first_ms = scene.seen.first_ms
    took_ms = sorted(float(first_ms[mark] - at) for mark, at in timed.items() if mark in first_ms)
    return {"timed": len(timed), **spread_ms(took_ms)}


async def _through_faults(scene: Scene, messages: int) -> None:
    await asyncio.sleep(QUIET_S)
    for service in _SERVICES:
        _checked(await scene.mocks.put(f"/weather/{service}", json=_GOAWAYS))
    rounds = 0

    async def break_something() -> None:
        nonlocal rounds
        if rounds < ROUNDS:
            rounds += 1
            for service in _SERVICES:
                for fault in _FAULTS:
                    _checked(await scene.mocks.post(f"/faults/{service}", json=fault))

    await break_something()
    await _said(scene, min(messages, len(scene.people.groups)))
    await _until_drained(scene, break_something)


async def _until_drained(
    scene: Scene, meanwhile: Callable[[], Awaitable[None]] | None = None
) -> None:
    """Return once all that is expected was received and the queues are empty, or when that takes too long."""
    until = monotonic() + DRAINED_WITHIN_S
    while monotonic() < until:
        await scene.seen.look()
        arrived = len(scene.seen.times)
        scene.progress.show(arrived, len(scene.expected), "pushing")
        if arrived >= len(scene.expected) and not await _left(scene):
            return
        if meanwhile is not None:
            await meanwhile()
        await asyncio.sleep(EVERY_S)


async def _left(scene: Scene) -> int:
    """Jobs that are not over."""
    depths: list[Depth] = [await queue.depth() for queue in scene.queues]
    return sum(depth.due + sum(depth.waiting) + depth.taken for depth in depths)


async def _ambiguous(scene: Scene) -> int:
    """Second attempts that providers took, as the pushers count them."""
    total = 0.0
    for number in range(len(_SERVICES)):
        page = _checked(
            await scene.mocks.get(f"http://127.0.0.1:{scene.pusher_port + number}/metrics")
        )
        for family in text_string_to_metric_families(page.text):
            for sample in family.samples:
                if sample.name == "muster_push_accepted_total" and sample.labels["sure"] == "no":
                    total += sample.value
    return round(total)


def _checked(answer: httpx.Response) -> httpx.Response:
    answer.raise_for_status()
    return answer
