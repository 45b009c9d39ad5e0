"""Verdicts: somebody is done with a report, by doing something about it.

First the deed, an op that may be repeated (its client id is the report's), then the report is closed: whoever dies in
between finds it unresolved, asks again, and nothing happens twice.
Owns which deed an action is, for a room's moderators and for staff. Must never judge a room's ranks: Postgres does.
"""

from __future__ import annotations

from typing import Final, NamedTuple
from uuid import UUID

from muster import moderation
from muster.acting import Acting
from muster.errors import Refused
from muster.ids import PersonId
from muster.op import Measure, Op
from muster.people import People
from muster.permission import ServiceRole
from muster.reports import Action, Report, Reports, Reviewer, taken
from proto.codes import Code

_ABOUT_SOMEBODY: Final = frozenset({"silence", "ban"})


class Verdict(NamedTuple):
    """What is done, until when, why, and what is noted in the report."""

    action: Action
    until_ms: int | None = None
    reason: str = ""
    note: str = ""


class Verdicts:
    """Carries them out."""

    def __init__(self, reports: Reports, people: People, acting: Acting) -> None:
        self._reports = reports
        self._people = people
        self._acting = acting

    async def pass_on(
        self, by: Reviewer, role: ServiceRole, report: UUID, verdict: Verdict
    ) -> Report:
        """Do it and close the report; as it is then. Raises `Refused`."""
        found = await self._reports.one(by, report)
        if found.state == "resolved" or found.taken_by not in (None, by.person):
            if (found.closed_by, found.action) == (by.person, verdict.action):
                return found
            raise taken()
        what = moderation.measure(verdict.reason, verdict.until_ms)
        if by.room is None and verdict.action in _ABOUT_SOMEBODY:
            await self._people.may_act(role, found.subject)
        op = _deed(by, found, verdict.action, what)
        if op is not None:
            await self._acting.do(op)
        closed = await self._reports.close(by, report, verdict.action, verdict.note)
        self._acting.settled(verdict.action)
        return closed


def _deed(by: Reviewer, report: Report, action: Action, what: Measure) -> Op | None:
    """Raises `Refused`: `bad_request` for what cannot be done about such a report."""
    client_id = f"report:{report.id}:{action}"
    if action == "dismiss":
        return None
    if action == "delete":
        return _deletion(by, report, client_id, what)
    if by.room is None:
        return _by_staff(by.person, report.subject, action, client_id, what)
    do = {
        "kick": moderation.kick,
        "silence": moderation.silence,
        "ban": moderation.room_ban,
    }[action]
    return do(by.person, by.room, report.subject, client_id, what)


def _deletion(by: Reviewer, report: Report, client_id: str, what: Measure) -> Op:
    if report.room is None or report.seq is None:
        raise Refused(Code.bad_request, "this report is about no message")
    if by.room is None:
        return moderation.remove(
            by.person, report.room, report.subject, report.seq, client_id, what
        )
    return moderation.delete(by.person, report.room, report.seq, client_id, what)


def _by_staff(by: PersonId, subject: PersonId, action: Action, client_id: str, what: Measure) -> Op:
    if action == "silence":
        return moderation.silence_everywhere(by, subject, client_id, what)
    if action == "ban":
        return moderation.ban(by, subject, client_id, what)
    raise Refused(Code.bad_request, "staff put nobody out of one room; silence or ban them")
