"""Settling: what is final is written down in batches, and only then the job is over.

Owns what waits to be written. Must never say that a job is over before Postgres has what it settled: whoever takes the
job over would ring again.
"""

from __future__ import annotations

import asyncio
from typing import Final, NamedTuple, NoReturn

from muster.errors import Refused
from muster.owed import OwedStore, Settled
from muster.push_device import Provider
from muster.push_queue import Job, Priority, PushQueue, Unreachable, Wish
from muster.telemetry import get_logger
from pushers.pace import PACE, Pace

TOGETHER_S: Final = 0.05
AT_ONCE: Final = 500
RETRY_S: Final = 0.5
WAITING_MOST: Final = 20_000
"""Beyond this Postgres was away for long: jobs are taken over later, and claims say what was sent."""


class _Final(NamedTuple):
    job: Job | None
    settled: Settled | None
    again_ms: int | None
    wish: Wish | None = None


class Settling:
    """One provider's."""

    def __init__(
        self, provider: Provider, store: OwedStore, queue: PushQueue, pace: Pace = PACE
    ) -> None:
        self._provider = provider
        self._store = store
        self._queue = queue
        self._pace = pace
        self._waiting: list[_Final] = []
        self._woken = asyncio.Event()

    def over(self, job: Job, settled: Settled | None, again_ms: int | None = None) -> None:
        """This job is over, or to be looked at again; up to `settled` nothing is owed."""
        if len(self._waiting) < WAITING_MOST:
            self._waiting.append(_Final(job, settled, again_ms))
            self._woken.set()

    def rang(self, settled: Settled, wish: Wish | None = None) -> None:
        """So much is to be known of a job that is nobody's any more; the next is wished for only then, lest whoever
        takes it find the same still owed."""
        if len(self._waiting) < WAITING_MOST:
            self._waiting.append(_Final(None, settled, None, wish))
            self._woken.set()

    async def run(self) -> NoReturn:
        """Write until cancelled."""
        while True:
            await self._woken.wait()
            await asyncio.sleep(TOGETHER_S)
            self._woken.clear()
            while self._waiting:
                batch = self._waiting[:AT_ONCE]
                try:
                    await self.write(batch)
                except (Refused, Unreachable) as error:
                    get_logger().warning("pushes_not_settled", error=type(error).__name__)
                    await asyncio.sleep(RETRY_S)
                else:
                    del self._waiting[: len(batch)]

    async def write(self, batch: list[_Final]) -> None:
        """Postgres first. Raises `Refused` and `Unreachable`: then all of it may be written again."""
        settled = [final.settled for final in batch if final.settled is not None]
        if settled:
            read = await self._store.settle(self._provider, settled)
            if read:
                at_ms = await self._queue.now_ms() + self._pace.read_ms
                await self._queue.put([Wish(key, Priority.silent, at_ms) for key in read])
        wishes = [final.wish for final in batch if final.wish is not None]
        if wishes:
            await self._queue.put(wishes)
        jobs = [(final.job, final.again_ms) for final in batch if final.job is not None]
        again = [(job, again_ms) for job, again_ms in jobs if again_ms is not None]
        if again:
            await self._queue.again(again)
        done = [job for job, again_ms in jobs if again_ms is None]
        if done:
            await self._queue.done(done)
