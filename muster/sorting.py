"""Sorts new words into the search index, so that no commit has to.

    a commit puts its words on a short list -> somebody looks after the list about every second -> the index

Owns when that is done, and that it is done a part at a time, each well within a statement's time. Must never be needed
for a right answer: a search reads the lists too, and where nobody sorts, Postgres does in the end.
"""

from __future__ import annotations

import asyncio
import random
from typing import Final, NoReturn, Protocol

from muster.errors import Refused
from muster.telemetry import get_logger

PARTS: Final = 16
"""As many as `entries` has partitions; another number only makes unequal parts."""

EVERY_S: Final = 1.0
"""For all parts together. 10,000 messages a second make lists that cost a search some milliseconds."""

AWAY_S: Final = 10.0
_log = get_logger()


class SortStore(Protocol):
    """Where the lists are."""

    async def sort(self, part: int, parts: int) -> int | None:
        """Sort in one part; pages sorted, None while somebody else is at it. Raises `Refused`: `unavailable`."""
        ...


class Sorting:
    """Goes round the parts of the index; any number of processes may."""

    def __init__(self, store: SortStore, rng: random.Random) -> None:
        self._store = store
        self._rng = rng

    async def run(self) -> NoReturn:
        """Until cancelled. A store that is away is asked again."""
        part = 0
        while True:
            await asyncio.sleep(EVERY_S / PARTS * (0.75 + self._rng.random() / 2))
            try:
                await self._store.sort(part, PARTS)
            except Refused as refused:
                _log.warning("search index not sorted", code=refused.code.name)
                await asyncio.sleep(AWAY_S * (0.75 + self._rng.random() / 2))
            part = (part + 1) % PARTS
