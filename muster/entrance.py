"""The entrance: people check in and out, by their own word, by the code that hosts show, or by a host.

Owns who may do that, and how far each is believed. That it is written once, and only while the event is open, Postgres
sees to (visit_v1). To check in is a deed: it needs no leave to use anybody's place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol

from msgspec import Struct

from muster import entry_codes
from muster.attendance import Confidence, Edge, Marker, Source
from muster.clock import Clock
from muster.errors import Refused
from muster.ids import PersonId, RoomId
from muster.permission import PRESENT, Action, Relation, RoomKind, may
from muster.telemetry import get_logger
from muster.visits import Visits
from proto.codes import Code

_log: Final = get_logger()


class Footing(NamedTuple):
    """What somebody is to an event. `knows`: they may know of it; `is_listed`: on its roster, or of its room.

    `secret`: one of the event's own, where the release before may have made codes by it; `secret_makes`: it may make
    them still, and believes no others.
    """

    kind: RoomKind
    relation: Relation
    knows: bool
    is_listed: bool
    is_event: bool
    secret: bytes | None
    secret_makes: bool


class FootingStore(Protocol):
    """Where that is read. Raises `Refused`: `unavailable`."""

    async def footing(self, room: RoomId, person: PersonId) -> Footing | None:
        """None: there is no such room."""
        ...

    async def tells(self, room: RoomId, host: PersonId, person: PersonId) -> bool:
        """Whether this host is told of somebody's latest visit, with the name."""
        ...


class MyVisit(Struct, frozen=True, gc=False):
    """The latest visit. `left_ms`: null while it lasts. `fresh`: this request changed something."""

    entered_ms: int
    left_ms: int | None
    source: Source
    confidence: Confidence
    fresh: bool


def no_such_event() -> Refused:
    """One answer for an event that is not there and one that is not for this person."""
    return Refused(Code.not_found, "no such event, or it is not for you")


def known(footing: Footing | None) -> Footing:
    """Somebody who may know of the event. Raises `Refused`: `not_found`."""
    if footing is None or not footing.knows:
        raise no_such_event()
    return footing


def is_host(footing: Footing) -> bool:
    """Whether they run the event."""
    return footing.is_event and may(Action.host, footing.kind, footing.relation)


def host(footing: Footing | None) -> Footing:
    """A host of the event. Raises `Refused`, as the room's log would."""
    if footing is None:
        raise no_such_event()
    if is_host(footing):
        return footing
    inside = footing.relation in PRESENT or footing.relation is Relation.invited
    if inside and not may(Action.host, footing.kind, footing.relation):
        raise Refused(Code.permission_denied, "your role in this room does not allow that")
    raise no_such_event()


def _nothing_to_end() -> Refused:
    return Refused(Code.not_found, "there is no visit that could end")


class Entrance:
    """Lets people in and out."""

    def __init__(
        self,
        visits: Visits,
        store: FootingStore,
        clock: Clock,
        secrets: Callable[[], Sequence[bytes]],
        marker: Marker | None = None,
    ) -> None:
        """`secrets`: the first makes codes, all are believed. `marker` is told of everybody who checks in or out."""
        self._secrets = secrets
        self._visits = visits
        self._store = store
        self._clock = clock
        self._marker = marker

    async def check_in(
        self, room: RoomId, person: PersonId, code: str | None, client_id: str
    ) -> MyVisit:
        """I am here; `code`: and this is what the QR code at the door says. Raises `Refused`."""
        footing = known(await self._store.footing(room, person))
        now_ms = self._clock.now_ms()
        source, confidence = Source.hand, Confidence.low
        if code is not None:
            secrets = [*self._secrets(), *filter(None, [footing.secret])]
            entry_codes.check(code, room, secrets, now_ms)
            source, confidence = Source.qr, Confidence.high
        edge = Edge(room, person, True, now_ms, source, confidence)
        return await self._done(edge, client_id)

    async def check_out(self, room: RoomId, person: PersonId, client_id: str) -> MyVisit:
        """I leave. Raises `Refused`: `not_found` where I never was."""
        known(await self._store.footing(room, person))
        now_ms = self._clock.now_ms()
        edge = Edge(room, person, False, now_ms, Source.hand, Confidence.low)
        return await self._done(edge, client_id)

    async def move(
        self, room: RoomId, by: PersonId, person: PersonId, is_enter: bool, client_id: str
    ) -> MyVisit:
        """A host checks somebody of the roster in, or out: out only whom they are told of. Raises `Refused`."""
        host(await self._store.footing(room, by))
        theirs = await self._store.footing(room, person)
        if theirs is None or not theirs.is_listed:
            raise Refused(Code.not_found, "they are not on this event's roster")
        edge = Edge(room, person, is_enter, self._clock.now_ms(), Source.host, Confidence.high)
        if await self._store.tells(room, by, person):
            return await self._done(edge, client_id, by)
        # Whether somebody is there of whom a host is told nothing must not show in what the host's deed answers.
        if not is_enter:
            raise _nothing_to_end()
        await self._done(edge, client_id, by)
        return MyVisit(edge.at_ms, None, edge.source, edge.confidence, True)

    async def code(self, room: RoomId, person: PersonId) -> tuple[str, int, int]:
        """What the QR code says now, when the next one does, until when it is good. Raises `Refused`."""
        footing = host(await self._store.footing(room, person))
        secret = footing.secret if footing.secret_makes else None
        return entry_codes.code_at(room, secret or self._secrets()[0], self._clock.now_ms())

    async def _done(self, edge: Edge, client_id: str, by: PersonId | None = None) -> MyVisit:
        recorded = await self._visits.deed(edge, client_id, by)
        if self._marker is not None and recorded.is_open == edge.is_enter:
            await self._mark(self._marker, edge)
        last = await self._visits.last(edge.room, edge.person)
        if last is None:
            raise _nothing_to_end()
        return MyVisit(
            last.entered_ms, last.left_ms, last.source, last.confidence, recorded.is_fresh
        )

    async def _mark(self, marker: Marker, edge: Edge) -> None:
        """Attendance stands already: where the place is not marked, the next fix judges it."""
        try:
            await marker.marked(edge.room, edge.person, edge.is_enter, edge.source, edge.at_ms)
        except Refused as refused:
            _log.warning("place not marked", code=refused.code.name)
