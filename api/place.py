"""Handlers about where I am: fixes that a phone sends without a socket, and the fences that it may watch.

Owns the bodies of these routes. Must never log or keep a position.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, field

from api.route import Call
from muster.errors import Refused
from muster.fences import Fences, WatchedFences
from muster.ids import RoomId
from muster.place import Crossing, Fix
from muster.placing import Placing
from muster.point import Latitude, Longitude
from proto.codes import Code
from proto.limits import CROSSINGS, FIXES
from proto.place import PlacePhase, Verdict

_Ms = Annotated[int, Meta(ge=0, le=2**53 - 1)]


class NewFix(Struct, frozen=True):
    """Where a phone was, in degrees (WGS 84), within `accuracy_m` with 68 %; `mock`: an app made it up."""

    lat: float
    lon: float
    accuracy_m: float
    at_ms: _Ms
    speed_mps: float | None = None
    mock: bool = False


class NewCrossing(Struct, frozen=True):
    """The phone's own region monitoring says that it came into the fence of this event, or went out of it."""

    room: RoomId
    is_enter: bool
    at_ms: _Ms


class NewPlaces(Struct, frozen=True):
    """What has gathered, in any order; at least one of either."""

    fixes: Annotated[list[NewFix], Meta(max_length=FIXES)] = field(default_factory=list)
    crossings: Annotated[list[NewCrossing], Meta(max_length=CROSSINGS)] = field(
        default_factory=list
    )


class EventStanding(Struct, frozen=True):
    """How I stand with an event now. pending: on the way in or out, not believed yet."""

    room: RoomId
    phase: PlacePhase


class PlacesJudged(Struct, frozen=True):
    """A verdict on each, in the order given, and the events that I was judged for."""

    fixes: list[Verdict]
    crossings: list[Verdict]
    events: list[EventStanding]


class About(Struct, frozen=True):
    """Where I am about; two decimals are enough."""

    lat: Latitude
    lon: Longitude


class PlaceHandlers:
    """The routes about where I am."""

    def __init__(self, placing: Placing, fences: Fences) -> None:
        self._placing = placing
        self._fences = fences

    async def place(self, call: Call) -> PlacesJudged:
        new = call.body(NewPlaces)
        if not (new.fixes or new.crossings):
            raise Refused(Code.bad_request, "send a fix or a crossing")
        fixes = [Fix(f.lat, f.lon, f.accuracy_m, f.at_ms, f.speed_mps, f.mock) for f in new.fixes]
        crossings = [Crossing(c.room, c.is_enter, c.at_ms) for c in new.crossings]
        verdicts, events = await self._placing.judged(call.me, [*fixes, *crossings])
        return PlacesJudged(
            verdicts[: len(fixes)],
            verdicts[len(fixes) :],
            [EventStanding(RoomId(event.room), event.phase) for event in events],
        )

    async def fences(self, call: Call) -> WatchedFences:
        about = call.query(About)
        return await self._fences.near(call.me, about.lat, about.lon)
