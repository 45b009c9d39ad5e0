"""Handlers about finding messages again: search and pins.

Owns the queries of these routes. Pinning walks the same way as posting: op, writer.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from api.route import Call, Done
from muster import submit
from muster.ids import RoomId
from muster.op import Outcome
from muster.pins import PinList, Pins
from muster.search import HITS_MOST, QUERY_CHARS, HitPage, Search
from muster.sessions import Submitter


class Words(Struct, frozen=True):
    """What to look for: words, "a phrase", `or`, -not. In one room, or in all of mine."""

    q: Annotated[str, Meta(min_length=1, max_length=QUERY_CHARS)]
    room: UUID | None = None
    before: Annotated[str, Meta(max_length=200)] | None = None
    limit: Annotated[int, Meta(ge=1, le=HITS_MOST)] = 20


class FindingHandlers:
    """The routes about search and pins."""

    def __init__(self, search: Search, pins: Pins, writer: Submitter) -> None:
        self._search = search
        self._pins = pins
        self._writer = writer

    async def search(self, call: Call) -> HitPage:
        asked = call.query(Words)
        room = None if asked.room is None else RoomId(asked.room)
        return await self._search.find(call.me, asked.q, room, asked.before, asked.limit)

    async def pins(self, call: Call) -> PinList:
        return await self._pins.of_room(call.room, call.me)

    async def pin(self, call: Call) -> Done:
        op = submit.pin(call.me, call.room, call.path("seq", int), call.client_id)
        return _done(await self._writer.submit(op))

    async def unpin(self, call: Call) -> Done:
        op = submit.unpin(call.me, call.room, call.path("seq", int), call.client_id)
        return _done(await self._writer.submit(op))


def _done(outcome: Outcome) -> Done:
    return Done(outcome.room, outcome.seq, outcome.msg_no, outcome.at_ms, outcome.fresh)
