"""Handlers about people: registering, profiles, blocks.

Owns the bodies of these routes. Must never hold a rule about handles or names (muster/people.py).
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from api.route import Call, Page
from muster import cursor, submit
from muster.errors import Refused
from muster.finding import Finding
from muster.ids import PersonId
from muster.media import Purpose, picture_of, unfit_picture
from muster.op import Op
from muster.people import People, Profile, profile_change, unknown_person
from muster.sessions import Submitter
from muster.stores.postgres.people import PostgresPeople
from proto.codes import Code

_Line = Annotated[str, Meta(max_length=1_000)]


class Register(Struct, frozen=True):
    """A new account. The display name is the handle unless one is given."""

    handle: _Line
    password: _Line
    name: _Line | None = None


class Me(Struct, frozen=True):
    """My own profile."""

    id: PersonId
    handle: str
    name: str
    bio: str
    role: str
    picture: UUID | None = None


class ChangeProfile(Struct, frozen=True):
    """What is absent stays; a `picture` of null takes it away."""

    handle: _Line | None = None
    name: _Line | None = None
    bio: Annotated[str, Meta(max_length=4_000)] | None = None
    picture: UUID | UnsetType | None = UNSET


class Blocks(Struct, frozen=True):
    """A page of the people I block."""

    people: list[Profile]
    cursor: str | None


class PeopleHandlers:
    """The routes about people."""

    def __init__(
        self, people: People, finding: Finding, store: PostgresPeople, writer: Submitter
    ) -> None:
        self._people = people
        self._finding = finding
        self._store = store
        self._writer = writer

    async def register(self, call: Call) -> Profile:
        wanted = call.body(Register)
        return await self._people.register(wanted.handle, wanted.password, wanted.name)

    async def me(self, call: Call) -> Me:
        account = await self._people.account(call.me)
        mine = account.profile
        return Me(mine.id, mine.handle, mine.name, mine.bio, account.role.value, mine.picture)

    async def change_me(self, call: Call) -> Me:
        wanted = call.body(ChangeProfile)
        picture = picture_of(wanted.picture)
        change = profile_change(wanted.handle, wanted.name, wanted.bio, picture)
        try:
            await self._writer.submit(submit.profile(call.me, call.client_id, change))
        except Refused as refused:
            if refused.code is Code.conflict and wanted.handle is None:
                raise unfit_picture(Purpose.avatar) from None
            if refused.code is Code.conflict:
                also = " (or the picture is not to be had)" if picture is not None else ""
                raise Refused(Code.conflict, f"this handle is taken{also}") from None
            raise
        return await self.me(call)

    async def person(self, call: Call) -> Profile:
        who = call.path("who", str)
        if who.startswith("@"):
            return await self._finding.by_handle(call.me, call.claims.role, who[1:])
        try:
            person = PersonId(msgspec.convert(who, UUID))
        except msgspec.ValidationError:
            raise unknown_person() from None
        return (await self._people.account(person)).profile

    async def block(self, call: Call) -> None:
        if call.person == call.me:
            raise Refused(Code.bad_request, "nobody blocks themselves")
        await self._about(submit.block(call.me, call.person, call.client_id))

    async def unblock(self, call: Call) -> None:
        await self._about(submit.unblock(call.me, call.person, call.client_id))

    async def _about(self, op: Op) -> None:
        try:
            await self._writer.submit(op)
        except Refused as refused:
            if refused.code is Code.not_found:
                raise unknown_person() from None
            raise

    async def blocks(self, call: Call) -> Blocks:
        page = call.query(Page)
        after = cursor.read(page.cursor)[1] if page.cursor else None
        people = await self._store.blocked_by(call.me, after, page.limit)
        full = len(people) == page.limit
        return Blocks(people, cursor.write(0, people[-1].id) if full else None)
