"""Handlers about what a phone begins with and follows up: sync, notices, drafts.

Owns the bodies of these routes. Must never make up what the self log does not say.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from api.route import Call
from muster import submit
from muster.drafts import DraftStore, RoomDraft
from muster.ids import self_room
from muster.notices import NoticePage, NoticeStore, page_of
from muster.people import unknown_person
from muster.rooms import Rooms
from muster.sessions import Submitter
from muster.stores.postgres.sync import PostgresMoments
from muster.sync import Sync, Wanted, sync
from proto.entry import Seq, Text

_Cursor = Annotated[str, Meta(max_length=200)]
_Ms = Annotated[int, Meta(ge=0, le=2**53 - 1)]


class Since(Struct, frozen=True):
    """`since`: `seq` of the answer I hold, of this `generation`, as of its `server_time_ms`. Without it: everything."""

    since: Seq | None = None
    generation: UUID | None = None
    at_ms: _Ms | None = None
    cursor: _Cursor | None = None
    limit: Annotated[int, Meta(ge=1, le=500)] = 100


class MyNotices(Struct, frozen=True):
    """A page of notices; `since` a seq of my self log, only those after it."""

    since: Seq = 0
    cursor: _Cursor | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50


class SeenNotices(Struct, frozen=True):
    """A seq of my self log: the `notice` up to which I have seen them."""

    seq: Seq


class NewDraft(Struct, frozen=True):
    """What I have begun to write; an empty text is no draft."""

    text: Text
    reply_to: Seq | None = None


class PhoneHandlers:
    """The routes about a phone's beginning."""

    def __init__(
        self,
        moments: PostgresMoments,
        notices: NoticeStore,
        drafts: DraftStore,
        rooms: Rooms,
        writer: Submitter,
    ) -> None:
        self._moments = moments
        self._notices = notices
        self._drafts = drafts
        self._rooms = rooms
        self._writer = writer

    async def sync(self, call: Call) -> Sync:
        asked = call.query(Since)
        wanted = Wanted(asked.since, asked.generation, asked.at_ms, asked.cursor, asked.limit)
        async with self._moments.of(call.me) as moment:
            found = await sync(moment, call.me, wanted)
        if found is None:
            raise unknown_person()
        return found

    async def notices(self, call: Call) -> NoticePage:
        page = call.query(MyNotices)
        return await page_of(self._notices, call.me, page.since, page.cursor, page.limit)

    async def read_notices(self, call: Call) -> None:
        seq = call.body(SeenNotices).seq
        await self._writer.submit(submit.read(call.me, self_room(call.me), seq))

    async def draft(self, call: Call) -> RoomDraft:
        await self._rooms.room(call.room, call.me, fresh=True)
        return await self._drafts.draft(call.me, call.room) or RoomDraft(call.room)

    async def keep_draft(self, call: Call) -> None:
        new = call.body(NewDraft)
        op = submit.draft(call.me, call.room, call.client_id, new.text, new.reply_to)
        await self._writer.submit(op)

    async def drop_draft(self, call: Call) -> None:
        await self._writer.submit(submit.draft(call.me, call.room, call.client_id, None, None))
