"""History pages as they are answered: from memory where that is certain, else from Postgres.

    has a page of it?  no  -> read it, with the view it is true for, and keep it
                       yes -> read the reader's view (a share of one small statement), and answer by it, or read anew

Who asks for a page that is being read already waits until it is kept and then asks for a view: a crowd that opens one
room at once reads it once.

Owns this order. Must never answer from memory by anything but a view that was asked for after the request came.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

import msgspec
from msgspec.structs import replace

from muster.encoded import Encoded
from muster.errors import Refused, not_found, unavailable
from muster.fold import Ask
from muster.gallery import Gallery
from muster.history import History, HistoryPage, Item, Way, Window, page_of
from muster.ids import PersonId, RoomId
from muster.metrics import PageMetrics
from muster.shelf import Shelf, Taken
from muster.views import View, Views

_encode: Final = msgspec.json.Encoder().encode

WITHIN_S: Final = 1.9
"""Waiting for another's reading, for a view and for one's own reading, together."""


class Reads(Protocol):
    """Who answers history pages."""

    async def page(self, room: RoomId, reader: PersonId, ask: Ask) -> Encoded:
        """A page for somebody. Raises `Refused`: `not_found`, `unavailable`."""
        ...


class Viewed(NamedTuple):
    """A page's parts, and the view of the same snapshot. `people`: who put emoji on what it shows; None: too many."""

    window: Window
    items: list[Item]
    view: View
    people: Sequence[PersonId] | None
    at_ms: int


class PageStore(Protocol):
    """Where pages are read."""

    async def viewed(
        self, room: RoomId, reader: PersonId, way: Way, seq: int, limit: int
    ) -> Viewed | None:
        """As `HistoryStore.page`, with what the page is true for. `None`: no such room for them."""
        ...


class Memory(NamedTuple):
    """What a process keeps pages with."""

    shelf: Shelf
    views: Views
    metrics: PageMetrics


class ReadPages:
    """Answers history pages from Postgres alone."""

    def __init__(self, history: History, gallery: Gallery) -> None:
        self._history = history
        self._gallery = gallery

    async def page(self, room: RoomId, reader: PersonId, ask: Ask) -> Encoded:
        """See `Reads`."""
        page = await self._history.page(room, reader, *ask)
        return Encoded(_encode(await _drawn(self._gallery, page)))


class Pages:
    """Answers history pages by way of memory."""

    def __init__(self, store: PageStore, gallery: Gallery, memory: Memory) -> None:
        self._store = store
        self._gallery = gallery
        self._shelf, self._views, self._metrics = memory
        self._reading: dict[tuple[RoomId, Ask], asyncio.Future[bool]] = {}

    async def page(self, room: RoomId, reader: PersonId, ask: Ask) -> Encoded:
        """See `Reads`."""
        try:
            async with asyncio.timeout(WITHIN_S):
                return await self._page(room, reader, ask)
        except TimeoutError:
            raise unavailable("the database") from None

    async def _page(self, room: RoomId, reader: PersonId, ask: Ask) -> Encoded:
        reading = self._reading.get((room, ask))
        if reading is not None and not await asyncio.shield(reading):
            raise unavailable("the database")  # it did not answer them, and would not us
        if self._shelf.has(room, ask):
            view = await self._views.of(room, reader)
            found = None if view is None else self._shelf.take(room, ask, reader, view)
            if found is not None:
                self._metrics.hits.inc()
                return found
        self._metrics.misses.inc()
        return await self._read(room, reader, ask)

    async def _read(self, room: RoomId, reader: PersonId, ask: Ask) -> Encoded:
        place = room, ask
        reading: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._reading.setdefault(place, reading)
        before_s = self._shelf.reading(room)
        answered = True
        try:
            viewed = await self._store.viewed(room, reader, *ask)
            if viewed is None:
                raise not_found()
            self._shelf.told_time(viewed.at_ms, before_s)
            page = page_of(room, *ask, viewed.window, viewed.items)
            page = await _drawn(self._gallery, page)
            return self._shelf.put(Taken(page, viewed.view, viewed.people), ask, reader)
        except Refused as refused:
            answered = not refused.temporary
            raise
        finally:
            self._shelf.read(room)
            reading.set_result(answered)
            if self._reading.get(place) is reading:
                del self._reading[place]


async def _drawn(gallery: Gallery, page: HistoryPage) -> HistoryPage:
    """With how its attachments are drawn."""
    hung = [media for item in page.entries for media in item.body.attachments or ()]
    return replace(page, media=await gallery.infos(page.room, hung)) if hung else page
