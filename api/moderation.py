"""Handlers about keeping order: silences, bans from rooms, the queue of reports, and what was done.

Owns the bodies of these routes. Must never judge a room's ranks, and never tell a person that they were reported.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple
from uuid import UUID

from msgspec import Meta, Struct

from api.route import Call, Done
from muster import moderation
from muster.acting import Acting
from muster.audit import AuditPage, AuditStore, Sought, acts_of
from muster.ids import PersonId, RoomId
from muster.op import Op
from muster.people import People
from muster.permission import Action
from muster.reports import Action as ReportAction
from muster.reports import Reason, Report, ReportPage, Reports, Reviewer, State, Wanted
from muster.rooms import Rooms
from muster.sanctions import BanPage, SanctionStore, SilencePage, bans_of, silences_of
from muster.verdicts import Verdict, Verdicts

_YEAR_2100_MS = 4_102_444_800_000
_Until = Annotated[int, Meta(ge=0, le=_YEAR_2100_MS)]
_Reason = Annotated[str, Meta(max_length=2_000)]
_Cursor = Annotated[str, Meta(max_length=200)]
_Limit = Annotated[int, Meta(ge=1, le=200)]


class Silence(Struct, frozen=True):
    """Until when somebody may write nothing, and why: they are told both."""

    until_ms: _Until
    reason: _Reason = ""


class Ban(Struct, frozen=True):
    """Until when somebody may not come in (null: until it is lifted), and why: that is for moderators and staff."""

    until_ms: _Until | None = None
    reason: _Reason = ""


class ReportQuery(Struct, frozen=True):
    """Which reports: of staff's queue also by room."""

    state: State = "unresolved"
    room: UUID | None = None
    subject: UUID | None = None
    reason: Reason | None = None
    limit: _Limit = 50
    cursor: _Cursor | None = None


class Take(Struct, frozen=True):
    """`over`: even where another reviewer has it."""

    over: bool = False


class Resolve(Struct, frozen=True):
    """What is done about it; `until_ms` for silence (needed) and ban; `note` stays with the report."""

    action: ReportAction
    until_ms: _Until | None = None
    reason: _Reason = ""
    note: Annotated[str, Meta(max_length=4_000)] = ""


class AuditQuery(Struct, frozen=True):
    """Which acts: by whom, about whom, in which room, of which name."""

    actor: UUID | None = None
    subject: UUID | None = None
    room: UUID | None = None
    action: Annotated[str, Meta(max_length=64)] | None = None
    limit: _Limit = 50
    cursor: _Cursor | None = None


class Reading(NamedTuple):
    """Where moderators and staff read."""

    rooms: Rooms
    sanctions: SanctionStore
    audit: AuditStore


class SanctionHandlers:
    """The routes about silences and bans."""

    def __init__(self, reading: Reading, people: People, acting: Acting) -> None:
        self._reading = reading
        self._people = people
        self._acting = acting

    async def silences(self, call: Call) -> SilencePage:
        await self._reading.rooms.allowed(call.room, call.me, Action.moderate)
        page = call.query(Sanctions)
        return await silences_of(self._reading.sanctions, call.room, page.cursor, page.limit)

    async def silence(self, call: Call) -> Done:
        wanted = call.body(Silence)
        what = moderation.measure(wanted.reason, wanted.until_ms)
        return await self._do(
            moderation.silence(call.me, call.room, call.person, call.client_id, what)
        )

    async def unsilence(self, call: Call) -> Done:
        what = moderation.measure("")
        return await self._do(
            moderation.unsilence(call.me, call.room, call.person, call.client_id, what)
        )

    async def bans(self, call: Call) -> BanPage:
        await self._reading.rooms.allowed(call.room, call.me, Action.moderate)
        page = call.query(Sanctions)
        return await bans_of(self._reading.sanctions, call.room, page.cursor, page.limit)

    async def ban(self, call: Call) -> Done:
        wanted = call.body(Ban)
        what = moderation.measure(wanted.reason, wanted.until_ms)
        return await self._do(
            moderation.room_ban(call.me, call.room, call.person, call.client_id, what)
        )

    async def unban(self, call: Call) -> Done:
        what = moderation.measure("")
        return await self._do(
            moderation.room_unban(call.me, call.room, call.person, call.client_id, what)
        )

    async def silence_everywhere(self, call: Call) -> None:
        await self._people.may_act(call.claims.role, call.person)
        wanted = call.body(Silence)
        what = moderation.measure(wanted.reason, wanted.until_ms)
        await self._acting.do(
            moderation.silence_everywhere(call.me, call.person, call.client_id, what)
        )

    async def unsilence_everywhere(self, call: Call) -> None:
        await self._people.may_act(call.claims.role, call.person)
        what = moderation.measure("")
        await self._acting.do(
            moderation.unsilence_everywhere(call.me, call.person, call.client_id, what)
        )

    async def _do(self, op: Op) -> Done:
        outcome = await self._acting.do(op)
        return Done(outcome.room, outcome.seq, outcome.msg_no, outcome.at_ms, outcome.fresh)


class Sanctions(Struct, frozen=True):
    """A page of silences or bans."""

    limit: _Limit = 50
    cursor: _Cursor | None = None


class QueueHandlers:
    """The routes about the queue of reports, of a room and of all, and about the audit."""

    def __init__(self, reports: Reports, verdicts: Verdicts, reading: Reading) -> None:
        self._reports = reports
        self._verdicts = verdicts
        self._reading = reading

    async def of_room(self, call: Call) -> ReportPage:
        await self._reading.rooms.allowed(call.room, call.me, Action.moderate)
        return await self._page(call, Reviewer(call.me, call.room))

    async def all(self, call: Call) -> ReportPage:
        return await self._page(call, Reviewer(call.me))

    async def take_of_room(self, call: Call) -> Report:
        await self._reading.rooms.allowed(call.room, call.me, Action.moderate)
        return await self._take(call, Reviewer(call.me, call.room))

    async def take(self, call: Call) -> Report:
        return await self._take(call, Reviewer(call.me))

    async def resolve_of_room(self, call: Call) -> Report:
        await self._reading.rooms.allowed(call.room, call.me, Action.moderate)
        return await self._resolve(call, Reviewer(call.me, call.room))

    async def resolve(self, call: Call) -> Report:
        return await self._resolve(call, Reviewer(call.me))

    async def close(self, call: Call) -> None:
        """As apps of before know it: nothing is done about it, and of two who close it the first did."""
        by, report = Reviewer(call.me), call.path("report", UUID)
        if (await self._reports.one(by, report)).state != "resolved":
            await self._verdicts.pass_on(by, call.claims.role, report, Verdict("dismiss"))

    async def audit(self, call: Call) -> AuditPage:
        wanted = call.query(AuditQuery)
        sought = Sought(
            None if wanted.actor is None else PersonId(wanted.actor),
            None if wanted.subject is None else PersonId(wanted.subject),
            wanted.room,
            wanted.action,
        )
        return await acts_of(self._reading.audit, sought, wanted.cursor, wanted.limit)

    async def _page(self, call: Call, by: Reviewer) -> ReportPage:
        asked = call.query(ReportQuery)
        wanted = Wanted(
            asked.state,
            None if asked.room is None else RoomId(asked.room),
            None if asked.subject is None else PersonId(asked.subject),
            asked.reason,
        )
        return await self._reports.page(by, wanted, asked.cursor, asked.limit)

    async def _take(self, call: Call, by: Reviewer) -> Report:
        over = call.body(Take).over
        return await self._reports.take(by, call.path("report", UUID), over=over)

    async def _resolve(self, call: Call, by: Reviewer) -> Report:
        wanted = call.body(Resolve)
        verdict = Verdict(wanted.action, wanted.until_ms, wanted.reason, wanted.note)
        report = call.path("report", UUID)
        return await self._verdicts.pass_on(by, call.claims.role, report, verdict)
