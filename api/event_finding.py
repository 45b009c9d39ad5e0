"""Handlers about finding events: those near somewhere, mine, and both as a calendar reads them.

Owns the queries of these routes. Must never keep a position: it is snapped before anything is asked of it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from api.route import Call, Raw, Reply
from muster import event_lines
from muster.calendars import Calendars
from muster.clock import Clock
from muster.errors import Refused
from muster.event_lines import LINES_MOST, EventLineStore, EventPage, MyList
from muster.events import Events
from muster.icalendar import MEDIA_TYPE
from muster.nearby import RADIUS_LEAST_M, RADIUS_MOST_M, Asked, FoundPage, Nearby, Order
from muster.point import Point
from muster.search import QUERY_CHARS
from proto.codes import Code
from proto.entry import Milliseconds

_Cursor = Annotated[str, Meta(max_length=200)]
_Limit = Annotated[int, Meta(ge=1, le=LINES_MOST)]
_Time = Annotated[Milliseconds, Meta(description="Unix milliseconds")]
_Near = Annotated[
    str,
    Meta(
        pattern=r"^-?[0-9]{1,2}(\.[0-9]{1,15})?,-?[0-9]{1,3}(\.[0-9]{1,15})?$",
        max_length=40,
        description="Latitude, comma, longitude, in degrees (WGS 84)",
        examples=["48.2082,16.3738"],
    ),
]


class FindEvents(Struct, frozen=True):
    """`near`: latitude, comma, longitude. `from`, `to`: Unix milliseconds; without `from` it is now. `q`: how the words
    of titles begin.
    """

    near: _Near | None = None
    radius_m: Annotated[int, Meta(ge=RADIUS_LEAST_M, le=RADIUS_MOST_M)] = 10_000
    since_ms: _Time | None = field(default=None, name="from")
    until_ms: _Time | None = field(default=None, name="to")
    q: Annotated[str, Meta(min_length=1, max_length=QUERY_CHARS)] | None = None
    order: Literal["start", "distance"] = "start"
    cursor: _Cursor | None = None
    limit: _Limit = 20


class MyEvents(Struct, frozen=True):
    """A page of one of my lists."""

    list: Literal["upcoming", "hosting", "going", "maybe", "waitlist", "invited", "past"] = (
        "upcoming"
    )
    cursor: _Cursor | None = None
    limit: _Limit = 50


class EventFindingHandlers:
    """The routes about finding events."""

    def __init__(self, nearby: Nearby, lines: EventLineStore, clock: Clock) -> None:
        self._nearby = nearby
        self._lines = lines
        self._clock = clock

    async def find(self, call: Call) -> FoundPage:
        query = call.query(FindEvents)
        asked = Asked(
            near=None if query.near is None else _point(query.near),
            radius_m=query.radius_m,
            from_ms=self._clock.now_ms() if query.since_ms is None else query.since_ms,
            to_ms=query.until_ms,
            words=query.q,
            order=Order(query.order),
            cursor=query.cursor,
            limit=query.limit,
        )
        return await self._nearby.find(call.me, asked)

    async def mine(self, call: Call) -> EventPage:
        page = call.query(MyEvents)
        return await event_lines.mine(
            self._lines, call.me, MyList(page.list), page.cursor, page.limit
        )


class CalendarHandlers:
    """The routes that calendars read."""

    def __init__(self, events: Events, calendars: Calendars) -> None:
        self._events = events
        self._calendars = calendars

    async def one(self, call: Call) -> Raw:
        event = await self._events.event(call.room, call.me)
        name = {"Content-Disposition": f'attachment; filename="{call.room}.ics"'}
        return Raw(self._calendars.one(event), MEDIA_TYPE, name)

    async def make(self, call: Call) -> Reply:
        address = await self._calendars.make(call.me)
        return Reply(address, 201, {"Location": address.path})

    async def take_back(self, call: Call) -> None:
        await self._calendars.take_back(call.me)

    async def read(self, call: Call) -> Raw:
        return Raw(await self._calendars.read(call.path("code", str)), MEDIA_TYPE)


def _point(near: str) -> Point:
    lat, lon = map(float, near.split(","))
    if abs(lat) > 90 or abs(lon) > 180:
        # Not with the numbers: a message may be kept where it is shown.
        raise Refused(Code.bad_request, "a place is latitude -90 to 90, then longitude -180 to 180")
    return Point(lat, lon)
