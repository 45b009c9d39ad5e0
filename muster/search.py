"""Search: the messages of my rooms that hold these words.

Owns how much may be asked and how pages follow each other. Must never find what its reader may not see: the store cuts
to rooms they are in now, their spans, and whom they do not block.
"""

from __future__ import annotations

import asyncio
from typing import Final, NamedTuple, Protocol

from msgspec import Struct

from muster import cursor
from muster.cursor import Place
from muster.errors import Refused, not_found
from muster.ids import PersonId, RoomId
from proto.codes import Code
from proto.entry import Body

QUERY_CHARS: Final = 200
HITS_MOST: Final = 50
ROOMS_MOST: Final = 1_000
"""Looked through: of somebody in more, those that moved last."""


AT_ONCE: Final = 2
"""Searches of one process: the rest of its few connections is for everything else."""

WAITING_MOST: Final = 20
WITHIN_S: Final = 0.8
"""Well under what ends a statement otherwise (muster/stores/postgres/pool.py), so that the answer says why."""


class Hit(Struct, frozen=True, gc=False):
    """A message that holds the words, as it reads now."""

    room: RoomId
    seq: int
    msg_no: int
    author: PersonId
    client_id: str
    at_ms: int
    body: Body
    edited_seq: int | None


class HitPage(Struct, frozen=True, gc=False):
    """A page of what was found, the newest first; the next page is `before` the cursor."""

    hits: list[Hit]
    cursor: str | None


class Found(NamedTuple):
    """What a query came to. `asked`: whether the words name something to look for; `rooms`: how many were searched."""

    rooms: int
    asked: bool
    hits: list[Hit]


class SearchStore(Protocol):
    """Where messages are found, cut to the reader's rooms, spans and blocks."""

    async def find(
        self, reader: PersonId, words: str, room: RoomId | None, before: Place | None, limit: int
    ) -> Found:
        """The newest `limit` before a place, in all rooms of the reader or in one."""
        ...


class Search:
    """Finds messages for somebody."""

    def __init__(self, store: SearchStore) -> None:
        self._store = store
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def find(
        self, reader: PersonId, words: str, room: RoomId | None, at: str | None, limit: int
    ) -> HitPage:
        """A page. Raises `Refused`: `not_found` for a room they are not in, `bad_request` without a word,
        `limit_exceeded` where the words are too common to be looked through in time.
        """
        before = cursor.read_place(at) if at else None
        found = await self._bounded(reader, words, room, before, limit)
        if room is not None and not found.rooms:
            raise not_found()
        if not found.asked:
            raise Refused(Code.bad_request, "name at least one word to look for")
        last = found.hits[-1] if len(found.hits) == limit else None
        then = cursor.write_place(Place(last.at_ms, last.room, last.seq)) if last else None
        return HitPage(found.hits, then)

    async def _bounded(
        self, reader: PersonId, words: str, room: RoomId | None, before: Place | None, limit: int
    ) -> Found:
        if self._waiting >= WAITING_MOST:
            raise Refused(
                Code.too_many_requests, "many are searching just now", retry_after_ms=2_000
            )
        self._waiting += 1
        try:
            async with self._turns, asyncio.timeout(WITHIN_S):
                return await self._store.find(reader, words, room, before, limit)
        except TimeoutError:
            raise Refused(
                Code.limit_exceeded, "too much holds these words: name more of them, or one room"
            ) from None
        finally:
            self._waiting -= 1
