"""Handlers about rooms: making, reading, changing, and the list of mine.

Owns the bodies of these routes. Must never change a room but by an op.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal
from uuid import UUID, uuid5

from msgspec import UNSET, Meta, Struct, UnsetType

from api.limits import Limits
from api.route import Call, Page, Reply
from muster import submit
from muster.errors import Refused
from muster.ids import RoomId
from muster.media import Purpose, picture_of, unfit_picture
from muster.people import unknown_person
from muster.permission import RoomKind
from muster.rooms import (
    SLOW_MOST_S,
    PublicRoomPage,
    Room,
    RoomPage,
    Rooms,
    check_title,
    check_topic,
    new_room,
    room_id,
)
from muster.sessions import Submitter
from proto.codes import Code
from proto.entry import Body

_Line = Annotated[str, Meta(max_length=1_000)]
_MY_ROOMS_MOST: Final = 500
_PEOPLE_PER_WRITE: Final = 5
"""Putting so many into a new room costs the database what another write does."""


class NewRoom(Struct, frozen=True):
    """A room to make: `direct` with a `peer`, or any other kind with a title and its first `people`."""

    kind: Literal["direct", "group", "public", "announcement"]
    title: _Line = ""
    topic: Annotated[str, Meta(max_length=4_000)] = ""
    peer: UUID | None = None
    people: Annotated[list[UUID], Meta(max_length=1_000)] = []


class ChangeRoom(Struct, frozen=True):
    """What is absent stays; a `picture` of null takes it away. `slow_s`: members wait so long between two messages."""

    title: _Line | None = None
    topic: Annotated[str, Meta(max_length=4_000)] | None = None
    history: Literal["all", "from_join"] | None = None
    archived: bool | None = None
    picture: UUID | UnsetType | None = UNSET
    slow_s: Annotated[int, Meta(ge=0, le=SLOW_MOST_S)] | None = None


class MyRooms(Struct, frozen=True):
    """A page of my rooms."""

    limit: Annotated[int, Meta(ge=1, le=_MY_ROOMS_MOST)] = 100
    cursor: Annotated[str, Meta(max_length=200)] | None = None


class RoomHandlers:
    """The routes about rooms."""

    def __init__(self, rooms: Rooms, writer: Submitter, limits: Limits) -> None:
        self._rooms = rooms
        self._writer = writer
        self._limits = limits

    async def create(self, call: Call) -> Reply:
        wanted = call.body(NewRoom)
        people = wanted.people if wanted.peer is None else [*wanted.people, wanted.peer]
        new = new_room(call.me, RoomKind(wanted.kind), wanted.title, wanted.topic, people)
        await self._limits.weigh(call.me, len(new.people) / _PEOPLE_PER_WRITE)
        # The id follows from who asks and the Idempotency-Key: a repeat makes no second room, even
        # if the first request died between the commit and its answer.
        made = RoomId(uuid5(call.me, call.client_id))
        room = room_id(call.me, new, made)
        try:
            outcome = await self._writer.submit(submit.create(call.me, room, call.client_id, new))
        except Refused as refused:
            if refused.code is Code.not_found:
                raise unknown_person() from None
            raise
        found = await self._rooms.room(room, call.me, fresh=True)
        return Reply(found, 201 if outcome.fresh else 200, {"Location": f"/v1/rooms/{room}"})

    async def room(self, call: Call) -> Room:
        return await self._rooms.room(call.room, call.me)

    async def change(self, call: Call) -> Room:
        wanted = call.body(ChangeRoom)
        changes = Body(
            title=None if wanted.title is None else check_title(wanted.title),
            topic=None if wanted.topic is None else check_topic(wanted.topic),
            history=wanted.history,
            archived=wanted.archived,
            picture=picture_of(wanted.picture),
            slow_s=wanted.slow_s,
        )
        if changes == Body():
            raise Refused(
                Code.bad_request,
                "name at least one of title, topic, history, archived, picture, slow_s",
            )
        try:
            await self._writer.submit(submit.settings(call.me, call.room, call.client_id, changes))
        except Refused as refused:
            if refused.code is Code.conflict:
                raise unfit_picture(Purpose.room_picture) from None
            raise
        return await self._rooms.room(call.room, call.me, fresh=True)

    async def mine(self, call: Call) -> RoomPage:
        page = call.query(MyRooms)
        return await self._rooms.of_person(call.me, page.cursor, page.limit)

    async def public(self, call: Call) -> PublicRoomPage:
        page = call.query(Page)
        return await self._rooms.public(page.cursor, page.limit)
