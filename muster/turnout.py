"""Turnout: who came, for those who run the event: a list, a table to take along, and figures.

Names are of those who share, and of those who shared nothing but checked in by a deed. Of others (ghosts; who took back
what they shared; who is gone from the service) there are numbers in fives, as muster/crowd.py has it, and of who was
there by default sharing alone, or blocks the host, or is blocked, nothing. Owns that, and the form of the table.
Must never be shown to anybody but hosts.
"""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Final, Protocol
from uuid import UUID

from msgspec import Struct

from muster import cursor
from muster.attendance import Confidence, Source
from muster.clock import Clock
from muster.crowd import moment, shown
from muster.entrance import FootingStore, host
from muster.errors import Refused
from muster.ids import PersonId, RoomId
from proto.codes import Code

ROWS_MOST: Final = 20_000
"""Of one table: about 3 MB."""

_ROWS_PER_READ: Final = 1_000
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""With these a spreadsheet takes a word for something to be computed."""

HEAD: Final = (
    "person",
    "handle",
    "name",
    "visits",
    "minutes",
    "arrived",
    "left",
    "evidence",
    "confidence",
)


class Attendee(Struct, frozen=True, gc=False):
    """Somebody who came. `minutes`: of all their visits; `sources`: what spoke for them.

    `left_ms`: null while they are there.
    """

    id: PersonId
    handle: str
    name: str
    visits: int
    minutes: int
    arrived_ms: int
    left_ms: int | None
    sources: list[Source]
    confidence: Confidence


class AttendeePage(Struct, frozen=True, gc=False):
    """People in order of their first arrival. `unnamed`: how many more came, rounded down to fives; null: below."""

    people: list[Attendee]
    unnamed: int | None
    cursor: str | None


class Arrivals(Struct, frozen=True, gc=False):
    """How many people came for the first time in the stretch that begins at `from_ms`."""

    from_ms: int
    people: int


class Peak(Struct, frozen=True, gc=False):
    """The most there were at once, and since when (Unix ms)."""

    people: int
    at_ms: int


class Turnout(Struct, frozen=True, gc=False):
    """Figures of who is named, and of the others in fives: each five, in order of arrival, once they are five.

    `unnamed` is null below five. `median_minutes`: of each one's time there, whoever is there until now. `arrivals`:
    stretches of `every_min` minutes from doors on, without those in which nobody came. `sources`: visits by what spoke
    for them.
    """

    people: int
    visits: int
    present: int
    unnamed: int | None
    peak: Peak | None
    median_minutes: float | None
    every_min: int
    arrivals: list[Arrivals]
    sources: dict[str, int]


class TurnoutStore(FootingStore, Protocol):
    """Where it is read. Everything raises `Refused`: `unavailable`."""

    async def attendees(
        self, room: RoomId, reader: PersonId, now_ms: int, after: tuple[int, UUID], limit: int
    ) -> list[Attendee]:
        """Whom the reader is told of, by first arrival and id, after this place."""
        ...

    async def unnamed(self, room: RoomId, at_ms: int) -> int:
        """How many came until then whom no host is told of by name."""
        ...

    async def figures(self, room: RoomId, reader: PersonId, now_ms: int, at_ms: int) -> Turnout:
        """`at_ms`: as of when the unnamed are looked at."""
        ...


class Attendance:
    """Reads it for hosts. Everything raises `Refused`."""

    def __init__(self, store: TurnoutStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def page(
        self, room: RoomId, reader: PersonId, at: str | None, limit: int
    ) -> AttendeePage:
        """A page of who came."""
        host(await self._store.footing(room, reader))
        now_ms = self._clock.now_ms()
        after = cursor.read(at) if at else _BEGINNING
        people = await self._store.attendees(room, reader, now_ms, after, limit)
        unnamed = shown(await self._store.unnamed(room, moment(now_ms)))
        last = people[-1] if len(people) == limit else None
        more = cursor.write(last.arrived_ms, last.id) if last else None
        return AttendeePage(people, unnamed, more)

    async def table(self, room: RoomId, reader: PersonId) -> bytes:
        """All of them, as CSV in UTF-8. Raises `Refused`: `limit_exceeded` beyond ROWS_MOST people."""
        host(await self._store.footing(room, reader))
        now_ms = self._clock.now_ms()
        out = io.StringIO()
        rows = csv.writer(out)
        rows.writerow(HEAD)
        after, written = _BEGINNING, 0
        while True:
            people = await self._store.attendees(room, reader, now_ms, after, _ROWS_PER_READ)
            rows.writerows(_row(one) for one in people)
            written += len(people)
            if len(people) < _ROWS_PER_READ:
                return out.getvalue().encode()
            if written >= ROWS_MOST:
                sentence = f"more than {ROWS_MOST} people came: read /attendance page by page"
                raise Refused(Code.limit_exceeded, sentence)
            after = people[-1].arrived_ms, people[-1].id

    async def figures(self, room: RoomId, reader: PersonId) -> Turnout:
        """How the event was attended."""
        host(await self._store.footing(room, reader))
        now_ms = self._clock.now_ms()
        return await self._store.figures(room, reader, now_ms, moment(now_ms))


_BEGINNING: Final = (-1, UUID(int=0))


def _row(one: Attendee) -> tuple[object, ...]:
    return (
        one.id,
        _harmless(one.handle),
        _harmless(one.name),
        one.visits,
        one.minutes,
        _when(one.arrived_ms),
        "" if one.left_ms is None else _when(one.left_ms),
        " ".join(one.sources),
        one.confidence.value,
    )


def _harmless(word: str) -> str:
    return f"'{word}" if word.startswith(_FORMULA) else word


def _when(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds")
