"""Rows about keeping order: reports, silences, bans, the audit, and what people agree to.

Owns their order: they are matched as they stand.
"""

from __future__ import annotations

from api import agreements, moderation, staff
from api.route import Done, Limit, Route
from muster.agreements import Documents, Mine
from muster.audit import AuditPage
from muster.reports import Report, ReportPage
from muster.sanctions import BanPage, SilencePage
from proto.codes import Code

_ROOM = "/v1/rooms/{room}"
_SETTLES = (Code.not_found, Code.conflict)


def of_staff(to: staff.StaffHandlers) -> list[Route]:
    """Reporting, and what support and admins do about accounts."""
    write = Limit.write
    return [
        Route("POST", "/v1/reports", to.report, "Report a person or a message", staff.Reported, 201,
              staff.NewReport, limit=write, refuses=(Code.not_found,)),
        Route("PUT", "/v1/people/{person}/ban", to.ban, "Ban somebody", body=staff.Why, bare=True,
              limit=write),
        Route("DELETE", "/v1/people/{person}/ban", to.unban, "Lift a ban", limit=write),
        Route("POST", "/v1/people/{person}/revoke", to.revoke, "End all sessions of somebody",
              limit=write),
    ]  # fmt: skip


def of_queue(to: moderation.QueueHandlers) -> list[Route]:
    """The queue of reports, and what was done."""
    write = Limit.write
    return [
        Route("GET", "/v1/reports", to.all, "Reports, the oldest first: those nobody is done with",
              ReportPage, query=moderation.ReportQuery),
        Route("POST", "/v1/reports/{report}/take", to.take, "Look at a report", Report,
              body=moderation.Take, limit=write, refuses=_SETTLES),
        Route("POST", "/v1/reports/{report}/resolve", to.resolve,
              "Do something about a report, and be done with it", Report,
              body=moderation.Resolve, limit=write, refuses=_SETTLES),
        Route("POST", "/v1/reports/{report}/close", to.close, "Be done with a report",
              limit=write, refuses=_SETTLES),
        Route("GET", _ROOM + "/reports", to.of_room, "Reports of what was said in a room",
              ReportPage, query=moderation.ReportQuery),
        Route("POST", _ROOM + "/reports/{report}/take", to.take_of_room,
              "Look at a report of a room", Report, body=moderation.Take, limit=write,
              refuses=_SETTLES),
        Route("POST", _ROOM + "/reports/{report}/resolve", to.resolve_of_room,
              "Do something in the room about a report, and be done with it", Report,
              body=moderation.Resolve, limit=write, refuses=_SETTLES),
        Route("GET", "/v1/audit", to.audit, "What moderators and staff did, the newest first",
              AuditPage, query=moderation.AuditQuery),
    ]  # fmt: skip


def of_sanctions(to: moderation.SanctionHandlers) -> list[Route]:
    """Silences, and bans from rooms."""
    write, silence = Limit.write, _ROOM + "/members/{person}/silence"
    ban, everywhere = _ROOM + "/bans/{person}", "/v1/people/{person}/silence"
    return [
        Route("GET", _ROOM + "/silences", to.silences, "Who may write nothing here, and until when",
              SilencePage, query=moderation.Sanctions),
        Route("PUT", silence, to.silence, "Let a member write nothing until a time", Done,
              body=moderation.Silence, limit=write),
        Route("DELETE", silence, to.unsilence, "Let a silenced member write", Done, limit=write),
        Route("GET", _ROOM + "/bans", to.bans, "Who may not come in, the latest first", BanPage,
              query=moderation.Sanctions),
        Route("PUT", ban, to.ban, "Put somebody out, and keep them out", Done,
              body=moderation.Ban, limit=write),
        Route("DELETE", ban, to.unban, "Let somebody who was put out come again", Done, limit=write),
        Route("PUT", everywhere, to.silence_everywhere,
              "Let somebody write nothing anywhere until a time", body=moderation.Silence,
              limit=write),
        Route("DELETE", everywhere, to.unsilence_everywhere, "Let somebody write again",
              limit=write),
    ]  # fmt: skip


def of_agreements(to: agreements.AgreementHandlers) -> list[Route]:
    """The terms and the privacy policy."""
    return [
        Route("GET", "/v1/agreements", to.current, "Terms and privacy policy now in force",
              Documents),
        Route("GET", "/v1/me/agreements", to.mine, "What I have accepted, and have still to", Mine),
        Route("POST", "/v1/me/agreements", to.accept, "Accept what is in force", Mine,
              body=agreements.Accept, limit=Limit.write, refuses=(Code.conflict,)),
    ]  # fmt: skip
