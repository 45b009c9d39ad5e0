"""Handlers for the app's own servers, which come with a service key: people, rooms, members, messages.

Owns the bodies of these routes. What is done here is done by ops like everybody's (muster/mandate.py). Must never let
a key act as a member of the staff: whoever has a service role logs in by themselves.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Literal
from uuid import UUID, uuid5

from msgspec import Meta, Struct

from api.limits import Limits
from api.messages import NewMessage, check
from api.route import Call, Done, Reply
from muster import mandate, submit
from muster.arrivals import Arrivals, ExternalStore, NewGrant
from muster.errors import Refused
from muster.ids import NOBODY, PersonId, RoomId
from muster.op import Op
from muster.people import Account, profile_change, unknown_person
from muster.permission import Relation, RoomKind, ServiceRole
from muster.rooms import FIRST_PEOPLE, check_title, check_topic, new_room
from muster.sessions import Submitter
from muster.stores.postgres.people import PostgresPeople
from proto import frames
from proto.codes import Code
from proto.entry import Body

_Line = Annotated[str, Meta(max_length=1_000)]
_PEOPLE_PER_WRITE = 5
"""As for the rooms that people make (api/rooms.py)."""


class UpsertPerson(Struct, frozen=True):
    """Somebody of the app's. `handle` is a wish, heard when the person is made; what is absent stays as it is."""

    handle: _Line = ""
    name: _Line | None = None
    bio: Annotated[str, Meta(max_length=4_000)] | None = None
    active: bool | None = None


class AppPerson(Struct, frozen=True):
    """Somebody, and what the app calls them. Who is not `active` is logged out and shut out."""

    id: PersonId
    external: str
    handle: str
    name: str
    bio: str
    active: bool


class UpsertRoom(Struct, frozen=True):
    """A room of the app's. `kind`, `owner` and the first `people` are heard when it is made."""

    kind: Literal["group", "public", "announcement"]
    title: _Line
    owner: UUID
    topic: Annotated[str, Meta(max_length=4_000)] = ""
    people: Annotated[list[UUID], Meta(max_length=FIRST_PEOPLE)] = []
    archived: bool | None = None


class AppRoom(Struct, frozen=True):
    """A room, and what the app calls it."""

    id: RoomId
    external: str


class Place(Struct, frozen=True):
    """What somebody shall be in a room; absent: in it, as whatever they are."""

    role: Literal["member", "moderator", "owner"] | None = None


class AppMessage(NewMessage, frozen=True):
    """A message of the app's: of the system, or of a `sender` with a name."""

    sender: _Line = ""


class AdopterHandlers:
    """The routes for service keys."""

    def __init__(
        self,
        arrivals: Arrivals,
        externals: ExternalStore,
        people: PostgresPeople,
        writer: Submitter,
        limits: Limits,
    ) -> None:
        self._arrivals = arrivals
        self._externals = externals
        self._people = people
        self._writer = writer
        self._limits = limits

    async def person(self, call: Call) -> AppPerson:
        external, account = await self._known(call)
        return _shown(external, account)

    async def upsert_person(self, call: Call) -> Reply:
        wanted = call.body(UpsertPerson)
        external = call.path("external", str)
        change = profile_change(None, wanted.name or None, wanted.bio or "")
        arrived = await self._arrivals.meet(
            ("", external), wanted.handle, change.name or "", change.bio or ""
        )
        account = await self._account(arrived.person)
        if not arrived.fresh and _differs(account, wanted):
            op = submit.profile(
                arrived.person, call.client_id, profile_change(None, wanted.name, wanted.bio)
            )
            await self._writer.submit(op)
        if wanted.active is not None and wanted.active is account.banned:
            _no_staff(account)
            client_id = f"{'un' if wanted.active else ''}ban:{call.client_id}"[:64]
            shut = submit.unban if wanted.active else submit.ban
            await self._writer.submit(shut(NOBODY, arrived.person, client_id))
        shown = _shown(external, await self._account(arrived.person))
        return Reply(shown, 201 if arrived.fresh else 200)

    async def grant(self, call: Call) -> NewGrant:
        _, account = await self._known(call)
        _no_staff(account)
        if account.banned:
            raise Refused(Code.permission_denied, "this account is banned")
        return await self._arrivals.grant(account.profile.id)

    async def upsert_room(self, call: Call) -> Reply:
        wanted = call.body(UpsertRoom)
        external = call.path("external", str)
        room, owner = mandate.app_room(external), PersonId(wanted.owner)
        await self._all_known([wanted.owner, *wanted.people])
        await self._limits.weigh_key(call.key.id, len(wanted.people) / _PEOPLE_PER_WRITE)
        new = new_room(owner, RoomKind(wanted.kind), wanted.title, wanted.topic, [])
        made = await self._writer.submit(submit.create(owner, room, f"app:{room}", new))
        if not made.fresh:
            changes = Body(
                title=check_title(wanted.title),
                topic=check_topic(wanted.topic),
                archived=wanted.archived,
            )
            await self._writer.submit(mandate.change(room, _derived(call, room, "is"), changes))
        if made.fresh or wanted.archived is not True:
            await self._all(
                [
                    mandate.bring_in(room, person, _derived(call, person, "in"))
                    for person in map(PersonId, dict.fromkeys(wanted.people))
                ]
            )
        return Reply(AppRoom(room, external), 201 if made.fresh else 200)

    async def set_member(self, call: Call) -> Done:
        role = call.body(Place).role
        await self._all_known([call.person])
        op = mandate.bring_in(call.room, call.person, _derived(call, call.person, "in"))
        done = await self._do(op)
        if role is None:
            return done
        client_id = _derived(call, call.person, "rank")
        return await self._do(mandate.rank(call.room, call.person, Relation(role), client_id))

    async def remove_member(self, call: Call) -> Done:
        client_id = _derived(call, call.person, "out")
        return await self._do(mandate.put_out(call.room, call.person, client_id))

    async def post(self, call: Call) -> Reply:
        new = call.body(AppMessage)
        check(new.meta)
        frame = frames.Post(
            0,
            call.room,
            new.client_id,
            new.text,
            mentions=new.mentions,
            here=new.here,
            reply_to=new.reply_to,
            attachments=new.attachments,
            meta=new.meta,
        )
        done = await self._do(mandate.post(frame, new.sender))
        return Reply(done, 201 if done.fresh else 200)

    async def _do(self, op: Op) -> Done:
        outcome = await self._writer.submit(op)
        return Done(outcome.room, outcome.seq, outcome.msg_no, outcome.at_ms, outcome.fresh)

    async def _all(self, ops: list[Op]) -> None:
        """All of them, in as few commits as it takes; the first refusal is raised when all are answered."""
        for done in await asyncio.gather(*map(self._writer.submit, ops), return_exceptions=True):
            if isinstance(done, BaseException):
                raise done

    async def _known(self, call: Call) -> tuple[str, Account]:
        external = call.path("external", str)
        person = await self._externals.find("", external)
        if person is None:
            raise unknown_person()
        return external, await self._account(person)

    async def _account(self, person: PersonId) -> Account:
        account = await self._people.account(person)
        if account is None:
            raise unknown_person()
        return account

    async def _all_known(self, people: list[UUID]) -> None:
        """A log is made with its person: somebody who is not there cannot be put anywhere."""
        if len(await self._people.known(people)) < len({*people}):
            raise unknown_person()


def _derived(call: Call, about: UUID, what: str) -> str:
    """The client id of one op among several of a request: the same when the request is repeated."""
    return str(uuid5(call.key.id, f"{call.client_id}:{what}:{about}"))


def _differs(account: Account, wanted: UpsertPerson) -> bool:
    profile = account.profile
    return (wanted.name is not None and wanted.name.strip() != profile.name) or (
        wanted.bio is not None and wanted.bio.strip() != profile.bio
    )


def _no_staff(account: Account) -> None:
    if account.role is not ServiceRole.user:
        raise Refused(Code.permission_denied, "this person has a service role: no key acts on them")


def _shown(external: str, account: Account) -> AppPerson:
    profile = account.profile
    return AppPerson(
        profile.id, external, profile.handle, profile.name, profile.bio, not account.banned
    )
