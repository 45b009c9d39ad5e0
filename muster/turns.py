"""Turns: of what concerns one person, one thing at a time, in the order it came.

Owns who waits for whom within one process. Must never hold anything of people for whom nothing is under way.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager


class Turns:
    """By key."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, tuple[asyncio.Lock, int]] = {}

    def __len__(self) -> int:
        return len(self._under_way)

    @asynccontextmanager
    async def of(self, key: Hashable) -> AsyncIterator[None]:
        """Wait for those before, and keep those after waiting."""
        lock, waiting = self._under_way.get(key, (asyncio.Lock(), 0))
        self._under_way[key] = (lock, waiting + 1)
        try:
            async with lock:
                yield
        finally:
            _, waiting = self._under_way[key]
            if waiting > 1:
                self._under_way[key] = (lock, waiting - 1)
            else:
                del self._under_way[key]
