"""Handlers about trouble: making reports, and what staff do about people's accounts.

Owns the bodies of these routes. Must never tell a person that they were reported.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from api.route import Call
from muster import moderation, submit
from muster.acting import Acting
from muster.errors import Refused
from muster.ids import PersonId, RoomId
from muster.people import People
from muster.reports import Reason, Reports
from muster.sessions import Sessions
from proto.codes import Code
from proto.entry import Seq


class NewReport(Struct, frozen=True):
    """A `person`, or a message: `room` and `seq`."""

    reason: Reason
    person: UUID | None = None
    room: UUID | None = None
    seq: Seq | None = None
    note: Annotated[str, Meta(max_length=4_000)] = ""


class Why(Struct, frozen=True):
    """Why staff do it: for the audit."""

    reason: Annotated[str, Meta(max_length=2_000)] = ""


class Reported(Struct, frozen=True):
    """Staff will see it."""

    id: UUID


class StaffHandlers:
    """The routes about reports, bans and revocation."""

    def __init__(
        self, reports: Reports, people: People, sessions: Sessions, acting: Acting
    ) -> None:
        self._reports = reports
        self._people = people
        self._sessions = sessions
        self._acting = acting

    async def report(self, call: Call) -> Reported:
        new = call.body(NewReport)
        if new.person is not None and new.room is None and new.seq is None:
            about = PersonId(new.person)
            return Reported(await self._reports.about_person(call.me, about, new.reason, new.note))
        if new.person is None and new.room is not None and new.seq is not None:
            room = RoomId(new.room)
            return Reported(
                await self._reports.about_message(call.me, room, new.seq, new.reason, new.note)
            )
        raise Refused(Code.bad_request, "name a `person`, or a message by `room` and `seq`")

    async def ban(self, call: Call) -> None:
        await self._people.may_act(call.claims.role, call.person)
        why = moderation.measure(call.body(Why).reason)
        await self._acting.do(moderation.ban(call.me, call.person, call.client_id, why))

    async def unban(self, call: Call) -> None:
        await self._people.may_act(call.claims.role, call.person)
        await self._acting.do(submit.unban(call.me, call.person, call.client_id))

    async def revoke(self, call: Call) -> None:
        await self._people.may_act(call.claims.role, call.person)
        await self._sessions.end(call.me, call.person, None)
