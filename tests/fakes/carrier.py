"""A carrier that remembers what it was given and answers as it is told.

`answers` are used up one by one; after them everything is delivered. `hold` keeps whoever sends waiting.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from pushers.outcome import Delivered, Outcome
from pushers.push import Push

WITHIN_S = 20.0


class FakeCarrier:
    """See `pushers.push.Carrier`."""

    def __init__(self, *answers: Outcome) -> None:
        self.sent: list[Push] = []
        self.answers = deque(answers)
        self.hold = asyncio.Event()
        self.hold.set()
        self._came = asyncio.Event()

    async def send(self, push: Push) -> Outcome:
        self.sent.append(push)
        self._came.set()
        await self.hold.wait()
        return self.answers.popleft() if self.answers else Delivered()

    async def run(self) -> None:
        """Nothing has to be kept."""
        await asyncio.Event().wait()

    async def close(self) -> None:
        """Nothing is open."""

    async def until(self, holds: Callable[[list[Push]], bool]) -> None:
        """Return once what was sent is so."""
        async with asyncio.timeout(WITHIN_S):
            while not holds(self.sent):
                self._came.clear()
                await self._came.wait()

    async def until_sent(self, count: int) -> None:
        """Return once so many were."""
        await self.until(lambda sent: len(sent) >= count)
