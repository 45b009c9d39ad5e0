"""Fetches by REST what a socket does not replay.

Owns the queue of ranges and the walk over pages. Must never decide what is missing (positions.py
does).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final
from uuid import UUID

import httpx

from loadtest.client.positions import Range
from loadtest.client.rest import Page, Rest, RestError
from proto.codes import Code

PAGE: Final = 100
AGAIN_AFTER_S: Final = 1.0

Fetched = Callable[[UUID, int, Page], None]
"""Called with a room, the seq after which something was missing, and a page that is cut to what was."""


class Fetcher:
    """One range at a time; each is fetched however long it takes."""

    def __init__(self, rest: Rest, fetched: Fetched, lost: Callable[[UUID], None]) -> None:
        self._rest = rest
        self._fetched = fetched
        self._lost = lost
        self._ranges: asyncio.Queue[Range] = asyncio.Queue()

    def add(self, missing: Range) -> None:
        """Fetch this after all that is asked for already; a room's ranges never overlap."""
        self._ranges.put_nowait(missing)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._fetch(await self._ranges.get())

    async def _fetch(self, missing: Range) -> None:
        room, after = missing.room, missing.from_seq - 1
        while after < missing.to_seq:
            try:
                page = await self._rest.history(room, after=after, limit=PAGE)
            except RestError as problem:
                if problem.code in (Code.not_found, Code.permission_denied):
                    self._lost(room)
                    return
                await asyncio.sleep(AGAIN_AFTER_S)
                continue
            except httpx.TransportError:
                await asyncio.sleep(AGAIN_AFTER_S)
                continue
            if page.to_seq <= after:
                await asyncio.sleep(AGAIN_AFTER_S)  # a replica that is behind
                continue
            page.to_seq = min(page.to_seq, missing.to_seq)
            page.entries = [item for item in page.entries if item.seq <= page.to_seq]
            self._fetched(room, after, page)
            after = page.to_seq
