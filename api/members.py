"""Handlers about who is in a room: inviting, joining, leaving, kicking, roles, and mutes.

Owns the bodies of these routes. Whether any of it is allowed is judged by Postgres, under the room's lock.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from api.route import Call, Done, Page
from muster import submit
from muster.op import Op
from muster.permission import Relation
from muster.rooms import MemberPage, Rooms
from muster.sessions import Submitter
from proto.entry import Body

_YEAR_2100_MS = 4_102_444_800_000


class ChangeRole(Struct, frozen=True):
    """What somebody is from now on."""

    role: Literal["member", "moderator", "owner"]


class Mute(Struct, frozen=True):
    """Until when a room is silent for me (0 or null: it is not), and what it may tell me of at all.

    `level` `default`: nothing is chosen; then it is `all` in direct rooms and groups, else `mentions`.
    """

    until_ms: Annotated[int, Meta(ge=0, le=_YEAR_2100_MS)] | None = None
    level: Literal["all", "mentions", "none", "default"] | None = None


class MemberHandlers:
    """The routes about members."""

    def __init__(self, rooms: Rooms, writer: Submitter) -> None:
        self._rooms = rooms
        self._writer = writer

    async def members(self, call: Call) -> MemberPage:
        page = call.query(Page)
        return await self._rooms.members(call.room, call.me, page.cursor, page.limit)

    async def invite(self, call: Call) -> Done:
        return await self._do(submit.invite(call.me, call.room, call.person, call.client_id))

    async def join(self, call: Call) -> Done:
        return await self._do(submit.join(call.me, call.room, call.client_id))

    async def leave(self, call: Call) -> Done:
        return await self._do(submit.leave(call.me, call.room, call.client_id))

    async def kick(self, call: Call) -> Done:
        return await self._do(submit.kick(call.me, call.room, call.person, call.client_id))

    async def role(self, call: Call) -> Done:
        to = Relation(call.body(ChangeRole).role)
        return await self._do(submit.role(call.me, call.room, call.person, to, call.client_id))

    async def mute(self, call: Call) -> None:
        wanted = call.body(Mute)
        changes = Body(room=call.room, muted_until_ms=wanted.until_ms or None, level=wanted.level)
        await self._writer.submit(submit.mute(call.me, call.client_id, changes))

    async def _do(self, op: Op) -> Done:
        outcome = await self._writer.submit(op)
        return Done(outcome.room, outcome.seq, outcome.msg_no, outcome.at_ms, outcome.fresh)
