"""Finding again all that is owed, when a queue or the lanes may have lost some of it.

    doubt, overflow, a queue that was lost, every while --> want() --> Postgres, page by page --> the queue

Owns when that is done. It may be done without need: what is owed is judged when it is due, and what is settled is not
found. Must never be done twice at once, nor hold up what is new.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Final, NoReturn

from prometheus_client import CollectorRegistry, Counter

from muster.errors import Refused
from muster.owed import Candidate, Key, OwedStore
from muster.push_device import Provider
from muster.push_queue import Priority, PushQueue, Unreachable, Wish
from muster.telemetry import get_logger

PAGE: Final = 500
EVERY_S: Final = 600.0
"""Also without any reason, so that a fault of ours costs minutes and not a message."""

AGAIN_AFTER_S: Final = 5.0
LOOK_EVERY_S: Final = 1.0
SPREAD_MS: Final = 2_000


class Rebuild:
    """One provider's."""

    def __init__(
        self,
        provider: Provider,
        store: OwedStore,
        queue: PushQueue,
        registry: CollectorRegistry,
        rng: random.Random,
    ) -> None:
        self._provider = provider
        self._store = store
        self._queue = queue
        self._rng = rng
        self._wanted = asyncio.Event()
        self._wanted.set()  # who starts does not know what happened before
        self.unreadable: set[int] = set()
        self.on_lost: Callable[[], None] = _nobody
        self._done = Counter(
            "muster_push_rebuilds", "Times all that is owed was looked for", registry=registry
        )

    def want(self) -> None:
        """Something may have been lost."""
        self._wanted.set()

    async def run(self) -> NoReturn:
        """Rebuild when wanted, while lanes cannot be read, and every while, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(AGAIN_AFTER_S if self.unreadable else EVERY_S):
                    await self._wanted.wait()
            except TimeoutError:
                pass
            self._wanted.clear()
            try:
                await self.rebuild()
            except (Refused, Unreachable) as error:
                get_logger().warning("owed_not_rebuilt", error=type(error).__name__)
                self._wanted.set()
            await asyncio.sleep(AGAIN_AFTER_S * (0.75 + self._rng.random() / 2))

    async def watch(self) -> NoReturn:
        """Look every second whether the queue was lost, until cancelled."""
        is_known = False
        while True:
            try:
                is_lost = await self._queue.is_lost()
            except Unreachable:
                self.want()
            else:
                if is_lost:
                    self.want()
                if is_lost and is_known:  # the first time it only says that nobody knows
                    get_logger().warning("push_queue_lost")
                    self.on_lost()
                is_known = True
            await asyncio.sleep(LOOK_EVERY_S)

    async def rebuild(self) -> int:
        """Put all that may be owed into the queue, spread over two seconds; how much it was."""
        after: Key | None = None
        total = 0
        while True:
            found = await self._store.unsettled(self._provider, after, PAGE)
            if not found:
                break
            now_ms = await self._queue.now_ms()
            await self._queue.put(
                [
                    Wish(
                        candidate.key, _priority(candidate), now_ms + self._rng.randrange(SPREAD_MS)
                    )
                    for candidate in found
                ]
            )
            total += len(found)
            after = found[-1].key
        self._done.inc()
        if total:
            get_logger().info("owed_rebuilt", count=total)
        return total


def _priority(candidate: Candidate) -> Priority:
    if candidate.is_read:
        return Priority.silent
    return Priority.urgent if candidate.urgent else Priority.ordinary


def _nobody() -> None:
    """Nobody else is to know."""
