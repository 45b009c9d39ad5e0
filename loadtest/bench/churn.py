"""People coming and going at a rate, for as long as it takes.

Owns the rate: connects and disconnects a minute, made up of stories (loadtest/bench/comings.py). Must never look at
what anybody is told of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Final

from loadtest.bench.comings import Comings

STORIES_EVERY_S: Final = 0.05
CHANGES_AT_ONCE: Final = 1.5
"""Of a story, when it begins: one or two devices go. They come back later."""

AHEAD_S: Final = 0.5
"""So that the rate is the least that is reached, not the most."""

BUSY_SHARE: Final = 0.5
"""With more of all people under way stories would find nobody to happen to."""


class Churn:
    """One stretch of it. Everybody who went has come back when it ends."""

    def __init__(self, comings: Comings, per_minute: float) -> None:
        self._comings = comings
        self._per_s = per_minute / 60
        self._before = comings.changes
        self._began_at = monotonic()
        self._stopped = asyncio.Event()

    @property
    def changes(self) -> int:
        """Connects and disconnects so far."""
        return self._comings.changes - self._before

    @property
    def passed_s(self) -> float:
        """Since it began."""
        return monotonic() - self._began_at

    def stop(self) -> None:
        """No new stories."""
        self._stopped.set()

    async def run(self) -> None:
        """Until stopped, and all stories have ended."""
        most = max(1, int(BUSY_SHARE * len(self._comings.people)))
        told: set[asyncio.Task[None]] = set()
        async with asyncio.TaskGroup() as tasks:
            while not self._stopped.is_set():
                owed = (self._per_s * (self.passed_s + AHEAD_S) - self.changes) / CHANGES_AT_ONCE
                for _ in range(min(round(owed), most - len(told))):
                    story = tasks.create_task(self._comings.story())
                    told.add(story)
                    story.add_done_callback(told.discard)
                await asyncio.sleep(STORIES_EVERY_S)


@asynccontextmanager
async def coming_and_going(comings: Comings, per_minute: float) -> AsyncIterator[Churn]:
    """While this lasts; at its end all who are under way arrive."""
    churn = Churn(comings, per_minute)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(churn.run())
        try:
            yield churn
        finally:
            churn.stop()
