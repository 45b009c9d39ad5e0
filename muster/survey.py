"""The survey: a process's index of venues, kept true.

    start: all of the next hours --> Venues <-- one, read again whenever the control log says that its event changed

Owns when venues are read. A change is in force within the two seconds of the control log; the whole is read again
every RELOAD_S, so that events of tomorrow are there when their doors open. Must never judge.
"""

from __future__ import annotations

import asyncio
from typing import Final

from muster.clock import Clock
from muster.errors import Refused
from muster.ground import Ground
from muster.ids import RoomId
from muster.telemetry import get_logger
from muster.terms import Terms
from muster.venue import VenueStore
from muster.venues import Venues
from proto.entry import EntryKind
from proto.frames import Entry

AHEAD_MS: Final = 6 * 3_600_000
"""Venues whose doors open within so long are known; phones are told their fences before."""

RELOAD_S: Final = 600.0
AGAIN_S: Final = 1.0


class Survey:
    """One process's."""

    def __init__(self, store: VenueStore, clock: Clock, terms: Terms) -> None:
        self._store = store
        self._clock = clock
        self._terms = terms
        self._changed: dict[RoomId, None] = {}
        self._woken = asyncio.Event()
        self._log = get_logger()
        self.venues = Venues(terms)

    def control(self, entry: Entry) -> None:
        """An entry of the control log."""
        if entry.kind is EntryKind.event and entry.body.room is not None:
            self._changed[RoomId(entry.body.room)] = None
            self._woken.set()

    async def load(self) -> None:
        """Read all anew. Raises `Refused`."""
        now_ms = self._clock.now_ms()
        self._changed.clear()
        venues = Venues(self._terms)
        for venue in await self._store.venues(now_ms, now_ms + AHEAD_MS):
            try:
                venues.put(venue)
            except Refused:
                self._log.warning("fence_unusable", room=str(venue.room))
        self.venues = venues

    async def find(self, room: RoomId) -> Ground | None:
        """A ground, as it is known or else as Postgres has it. Raises `Refused`: `unavailable`."""
        return self.venues.get(room) or await self._read(room)

    async def run(self) -> None:
        """Keep it true until cancelled."""
        loop = asyncio.get_running_loop()
        reload_at = loop.time() + RELOAD_S
        while True:
            try:
                async with asyncio.timeout_at(reload_at):
                    await self._woken.wait()
            except TimeoutError:
                pass
            self._woken.clear()
            try:
                if loop.time() >= reload_at:
                    await self.load()
                    reload_at = loop.time() + RELOAD_S
                await self.catch_up()
            except Refused as refused:
                self._log.warning("venues_unread", code=refused.code.name)
                self._woken.set()
                await asyncio.sleep(AGAIN_S)

    async def catch_up(self) -> None:
        """Read what has changed. Raises `Refused`: it is changed still."""
        while self._changed:
            room = next(iter(self._changed))
            del self._changed[room]
            try:
                await self._read(room)
            except Refused:
                self._changed[room] = None
                raise

    async def _read(self, room: RoomId) -> Ground | None:
        venue = await self._store.venue(room)
        if venue is None:
            self.venues.remove(room)
            return None
        return self.venues.put(venue)
