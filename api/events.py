"""Handlers about events: what hosts do, what guests answer, and who comes.

Owns the bodies of these routes. What an event must be like is muster/event_rules.py; whether anybody may is judged by
Postgres, under the room's lock.
"""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID, uuid5

from msgspec import UNSET, Meta, Struct, UnsetType

from api.route import Call, Done, Page, Reply
from muster import hosting
from muster.attendance import Sharing
from muster.clock import Clock
from muster.errors import Refused
from muster.event_rules import checked
from muster.events import Answer, Attending, Event, EventChange, Events, JoinsOn
from muster.ids import RoomId
from muster.media import Purpose, unfit_picture
from muster.op import Op
from muster.point import Point
from muster.registration import is_zone
from muster.roster import Roster, RosterPage
from muster.sessions import Submitter
from muster.venue import Shape, Visibility
from proto.codes import Code
from proto.entry import Milliseconds

_Line = Annotated[str, Meta(max_length=1_000)]
_Words = Annotated[str, Meta(max_length=8_000)]
_Zone = Annotated[str, Meta(max_length=64)]


class NewEvent(Struct, frozen=True):
    """An event to make. `doors_at_ms` null: as it starts. A fence without a point gets one: its middle."""

    title: _Line
    starts_at_ms: Milliseconds
    ends_at_ms: Milliseconds
    zone: _Zone
    topic: _Words = ""
    about: _Words = ""
    cover: UUID | None = None
    doors_at_ms: Milliseconds | None = None
    place_name: _Line = ""
    address: _Words = ""
    point: Point | None = None
    fence: Shape | None = None
    visibility: Visibility = Visibility.invited
    capacity: int | None = None
    joins_on: JoinsOn = JoinsOn.answer
    dwell_ms: int | None = None


class ChangeEvent(Struct, frozen=True):
    """What is absent stays; null takes away what may be missing."""

    title: _Line | UnsetType = UNSET
    topic: _Words | UnsetType = UNSET
    about: _Words | UnsetType = UNSET
    cover: UUID | UnsetType | None = UNSET
    doors_at_ms: Milliseconds | UnsetType = UNSET
    starts_at_ms: Milliseconds | UnsetType = UNSET
    ends_at_ms: Milliseconds | UnsetType = UNSET
    zone: _Zone | UnsetType = UNSET
    place_name: _Line | UnsetType = UNSET
    address: _Words | UnsetType = UNSET
    point: Point | UnsetType | None = UNSET
    fence: Shape | UnsetType | None = UNSET
    visibility: Visibility | UnsetType = UNSET
    capacity: int | UnsetType | None = UNSET
    joins_on: JoinsOn | UnsetType = UNSET
    dwell_ms: int | UnsetType | None = UNSET


class MyAnswer(Struct, frozen=True):
    """Whether I come, and what my place may be used for; what is absent stays."""

    answer: Literal["going", "maybe", "no"] | None = None
    sharing: Sharing | None = None


class MyPlace(Struct, frozen=True):
    """What I let public events judge that I am not on the roster of."""

    sharing: Sharing


class RosterRange(Page, frozen=True):
    """A page of a roster; `answer`: only who says that."""

    answer: Answer | None = None


class EventHandlers:
    """The routes about events."""

    def __init__(
        self,
        events: Events,
        roster: Roster,
        writer: Submitter,
        clock: Clock,
        soon_s: float,
        settle_s: float,
    ) -> None:
        """`soon_s` before an event starts its guests are reminded, `settle_s` after a change they are told."""
        self._events = events
        self._roster = roster
        self._writer = writer
        self._clock = clock
        self._soon_ms = round(soon_s * 1000)
        self._settle_ms = round(settle_s * 1000)

    async def create(self, call: Call) -> Reply:
        new = call.body(NewEvent)
        wanted = EventChange(
            title=new.title,
            topic=new.topic,
            about=new.about,
            cover=new.cover,
            doors_at_ms=new.starts_at_ms if new.doors_at_ms is None else new.doors_at_ms,
            starts_at_ms=new.starts_at_ms,
            ends_at_ms=new.ends_at_ms,
            zone=new.zone,
            place_name=new.place_name,
            address=new.address,
            point=new.point,
            fence=new.fence,
            visibility=new.visibility,
            capacity=new.capacity,
            joins_on=new.joins_on,
            dwell_ms=new.dwell_ms,
            soon_ms=self._soon_ms,
        )
        terms = checked(wanted, None, self._clock.now_ms(), is_zone)
        # As in api/rooms.py: a repeat makes no second event.
        room = RoomId(uuid5(call.me, f"event:{call.client_id}"))
        outcome = await self._do(hosting.create(call.me, room, call.client_id, terms), terms)
        event = await self._events.event(room, call.me, fresh=True)
        return Reply(event, 201 if outcome.fresh else 200, {"Location": f"/v1/events/{room}"})

    async def event(self, call: Call) -> Event:
        return await self._events.event(call.room, call.me)

    async def change(self, call: Call) -> Event:
        wanted = _wanted(call.body(ChangeEvent), self._soon_ms, self._settle_ms)
        current = await self._events.now(call.room, call.me)
        if current is not None:
            wanted = checked(wanted, current, self._clock.now_ms(), is_zone)
        await self._do(hosting.change(call.me, call.room, call.client_id, wanted), wanted)
        return await self._events.event(call.room, call.me, fresh=True)

    async def cancel(self, call: Call) -> Done:
        return await self._do(hosting.cancel(call.me, call.room, call.client_id))

    async def end(self, call: Call) -> Done:
        return await self._do(hosting.end(call.me, call.room, call.client_id))

    async def answer(self, call: Call) -> Event:
        said = call.body(MyAnswer)
        if said.answer is None and said.sharing is None:
            raise Refused(Code.bad_request, "name at least one of answer, sharing")
        attending = Attending(said.answer, None if said.sharing is None else said.sharing.value)
        await self._do(hosting.answer(call.me, call.room, call.client_id, attending))
        return await self._events.event(call.room, call.me, fresh=True)

    async def roster(self, call: Call) -> RosterPage:
        page = call.query(RosterRange)
        return await self._roster.page(call.room, call.me, page.answer, page.cursor, page.limit)

    async def invite(self, call: Call) -> Done:
        return await self._do(hosting.invite(call.me, call.room, call.person, call.client_id))

    async def drop(self, call: Call) -> Done:
        return await self._do(hosting.drop(call.me, call.room, call.person, call.client_id))

    async def host(self, call: Call) -> Done:
        return await self._do(
            hosting.host(call.me, call.room, call.person, call.client_id, on=True)
        )

    async def unhost(self, call: Call) -> Done:
        return await self._do(
            hosting.host(call.me, call.room, call.person, call.client_id, on=False)
        )

    async def place(self, call: Call) -> MyPlace:
        return MyPlace(await self._events.sharing(call.me))

    async def share(self, call: Call) -> None:
        said = Attending(sharing=call.body(MyPlace).sharing.value)
        await self._writer.submit(hosting.share(call.me, call.client_id, said))

    async def _do(self, op: Op, terms: EventChange | None = None) -> Done:
        try:
            outcome = await self._writer.submit(op)
        except Refused as refused:
            # Its times have been looked at: what is left to be wrong is the picture.
            if refused.code is Code.bad_request and terms and isinstance(terms.cover, UUID):
                raise unfit_picture(Purpose.room_picture) from None
            raise
        return Done(outcome.room, outcome.seq, outcome.msg_no, outcome.at_ms, outcome.fresh)


def _wanted(body: ChangeEvent, soon_ms: int, settle_ms: int) -> EventChange:
    """Raises `Refused`: `bad_request` where nothing is named."""
    named = {field: getattr(body, field) for field in body.__struct_fields__}
    if all(value is UNSET for value in named.values()):
        raise Refused(Code.bad_request, "name at least one field to change")
    return EventChange(**named, soon_ms=soon_ms, settle_ms=settle_ms)
