"""Rows about events.

Owns their order: they are matched as they stand.
"""

from __future__ import annotations

from api import event_finding, events
from api.route import Done, Limit, Route
from muster.calendars import CalendarAddress
from muster.event_lines import EventPage
from muster.events import Event
from muster.nearby import FoundPage
from muster.roster import RosterPage
from proto.codes import Code

_EVENT = "/v1/events/{room}"
_GUEST = _EVENT + "/roster/{person}"
_HOST = _EVENT + "/hosts/{person}"


def of_events(to: events.EventHandlers) -> list[Route]:
    """Events."""
    write = Limit.write
    return [
        Route("GET", _EVENT, to.event, "An event, and what I have answered", Event, etag=True),
        Route("PUT", _EVENT + "/rsvp", to.answer, "Say whether I come, and what my place is for", Event,
              body=events.MyAnswer, limit=write, refuses=(Code.conflict,)),
        Route("GET", _EVENT + "/roster", to.roster, "Who comes to an event, the first first", RosterPage,
              query=events.RosterRange, etag=True),
        Route("POST", "/v1/events", to.create, "Make an event, and the room of it", Event, 201,
              events.NewEvent, limit=write, refuses=(Code.conflict,)),
        Route("PATCH", _EVENT, to.change, "Change an event", Event, body=events.ChangeEvent, limit=write),
        Route("POST", _EVENT + "/cancel", to.cancel, "Call an event off", Done, limit=write),
        Route("POST", _EVENT + "/end", to.end, "End an event before its time", Done, limit=write),
        Route("PUT", _GUEST, to.invite, "Ask somebody to an event", Done, limit=write, refuses=(Code.limit_exceeded,)),
        Route("DELETE", _GUEST, to.drop, "Put somebody off the roster, and out of the room", Done, limit=write),
        Route("PUT", _HOST, to.host, "Make somebody a host", Done, limit=write),
        Route("DELETE", _HOST, to.unhost, "Make a host a guest again", Done, limit=write),
        Route("GET", "/v1/me/place", to.place, "What I let public events judge", events.MyPlace),
        Route("PUT", "/v1/me/place", to.share, "Say what public events may judge of me",
              body=events.MyPlace, limit=write),
    ]  # fmt: skip


def of_event_finding(to: event_finding.EventFindingHandlers) -> list[Route]:
    """Events, found."""
    return [
        Route("GET", "/v1/events", to.find, "Public events near somewhere, at some time, by title", FoundPage,
              query=event_finding.FindEvents, limit=Limit.find, refuses=(Code.limit_exceeded,)),
        Route("GET", "/v1/me/events", to.mine, "My events: coming, hosted, answered or past", EventPage,
              query=event_finding.MyEvents, etag=True),
    ]  # fmt: skip


def of_calendars(to: event_finding.CalendarHandlers) -> list[Route]:
    """Events, as calendars read them."""
    calendar, mine = "text/calendar", "/v1/me/events/calendar"
    return [
        Route("GET", _EVENT + "/calendar", to.one, "An event, for a calendar", media_type=calendar),
        Route("POST", mine, to.make, "A secret address by which a calendar follows my events; any before it ends",
              CalendarAddress, 201, limit=Limit.secret),
        Route("DELETE", mine, to.take_back, "No calendar follows my events any more", limit=Limit.write),
        Route("GET", "/v1/calendars/{code}", to.read, "My events, for a calendar that has the address",
              limit=Limit.page, media_type=calendar),
    ]  # fmt: skip
