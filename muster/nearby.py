"""Finding public events: near somewhere, at some time, by the words of their titles.

    position --snapped (muster/grid.py)--> boxes --index--> candidates --exact distance--> a page

The position of whoever asks is snapped to a grid before anything is computed, and never kept: what is answered follows
from the cell. Distances are to the fence, or to the point where there is none, and rounded up to 100 m. Owns what may
be asked, the exact test and how pages follow each other. Must never find what its reader may not: the store leaves out
what is not public, is over, or has a host between whom and the reader there is a block.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from enum import StrEnum
from math import ceil
from typing import Final, NamedTuple, Protocol
from uuid import UUID

from msgspec import Struct

from muster import cursor
from muster.cursor import Place
from muster.errors import Refused
from muster.event_lines import EventLine, EventLineStore
from muster.fence import fence_of
from muster.grid import snapped
from muster.ids import PersonId, RoomId
from muster.plane import Box, boxes
from muster.point import Point, distance_m
from muster.venue import Shape
from proto.codes import Code

RADIUS_LEAST_M: Final = 500
RADIUS_MOST_M: Final = 100_000
ROUNDED_M: Final = 100
WORDS_MOST: Final = 10

BATCH: Final = 100
LOOKED_MOST: Final = 1_000
"""Candidates that one request is measured against: of a fence of few corners some 0.1 ms each."""

_SLACK: Final = 1.001
"""A map is flat, and the Earth is not: candidates are looked for a little farther."""


class Order(StrEnum):
    """The first to start first, or the nearest first."""

    start = "start"
    distance = "distance"


class Asked(NamedTuple):
    """What is looked for: what is on at some time from `from_ms` to before `to_ms` (None: ever)."""

    near: Point | None
    radius_m: int
    from_ms: int
    to_ms: int | None
    words: str | None
    order: Order
    cursor: str | None
    limit: int


class Span(NamedTuple):
    """Candidates: with a part in these boxes (None: anywhere), at that time, all words in the title."""

    boxes: list[Box] | None
    from_ms: int
    to_ms: int | None
    words: list[str]


class Candidate(NamedTuple):
    """An event that may be near."""

    room: RoomId
    starts_at_ms: int
    point: Point | None
    fence: Shape | None


class FoundEvent(Struct, frozen=True, gc=False):
    """An event that was found. `distance_m`: from the cell I am in, in steps of 100; 0 within its fence."""

    event: EventLine
    distance_m: int | None


class FoundPage(Struct, frozen=True, gc=False):
    """A page of what was found. It may hold less than was asked for, or nothing, and yet have a cursor."""

    found: list[FoundEvent]
    cursor: str | None


class NearbyStore(Protocol):
    """Where candidates are found, by index."""

    async def candidates(
        self, reader: PersonId, span: Span, after: tuple[int, UUID] | None, limit: int
    ) -> list[Candidate]:
        """Those after (starts_at_ms, id), in that order."""
        ...


class _Measured(NamedTuple):
    distance_m: int | None
    starts_at_ms: int
    room: RoomId


class Nearby:
    """Finds events for somebody."""

    def __init__(self, store: NearbyStore, lines: EventLineStore) -> None:
        self._store = store
        self._lines = lines

    async def find(self, reader: PersonId, asked: Asked) -> FoundPage:
        """A page. Raises `Refused`: `bad_request` where the question makes no sense, `limit_exceeded` where too much
        is near to be put in the order of distance.
        """
        here = None if asked.near is None else snapped(asked.near)
        span = _span(asked, here)
        if here is None or asked.order is Order.start:
            found, then = await self._by_start(reader, asked, span, here)
        else:
            found, then = await self._by_distance(reader, asked, span, here)
        lines = await self._lines.lines(reader, [each.room for each in found])
        # What was changed between the two reads is left out.
        there = [
            FoundEvent(lines[each.room], each.distance_m) for each in found if each.room in lines
        ]
        return FoundPage(there, then)

    async def _by_start(
        self, reader: PersonId, asked: Asked, span: Span, here: Point | None
    ) -> tuple[list[_Measured], str | None]:
        after = cursor.read(asked.cursor) if asked.cursor else None
        found: list[_Measured] = []
        for _ in range(LOOKED_MOST // BATCH):
            batch = await self._store.candidates(reader, span, after, BATCH)
            for candidate in batch:
                after = (candidate.starts_at_ms, candidate.room)
                found += _measured([candidate], here, asked.radius_m)
                if len(found) == asked.limit:
                    return found, cursor.write(*after)
            if len(batch) < BATCH:
                return found, None
        return found, None if after is None else cursor.write(*after)

    async def _by_distance(
        self, reader: PersonId, asked: Asked, span: Span, here: Point
    ) -> tuple[list[_Measured], str | None]:
        begin = cursor.read_place(asked.cursor) if asked.cursor else None
        candidates = await self._store.candidates(reader, span, None, LOOKED_MOST + 1)
        if len(candidates) > LOOKED_MOST:
            raise Refused(
                Code.limit_exceeded, "too much is near: ask for a smaller radius or a shorter time"
            )
        found: list[_Measured] = []
        for at in range(0, len(candidates), BATCH):
            found += _measured(candidates[at : at + BATCH], here, asked.radius_m)
            await asyncio.sleep(0)  # others are served too
        found.sort(key=_place)
        if begin is not None:
            place = (begin.seq, begin.at_ms, begin.room)
            found = [each for each in found if _place(each) > place]
        page = found[: asked.limit]
        if len(found) <= asked.limit:
            return page, None
        away_m, starts_at_ms, room = _place(page[-1])
        return page, cursor.write_place(Place(starts_at_ms, room, away_m))


def _place(each: _Measured) -> tuple[int, int, UUID]:
    return each.distance_m or 0, each.starts_at_ms, each.room


def _span(asked: Asked, here: Point | None) -> Span:
    if asked.order is Order.distance and here is None:
        raise Refused(Code.bad_request, "the order of distance needs a place to be near to")
    if asked.to_ms is not None and asked.to_ms <= asked.from_ms:
        raise Refused(Code.bad_request, "a time to look at ends after it begins")
    words = re.findall(r"\w+", asked.words or "")
    if asked.words is not None and not words:
        raise Refused(Code.bad_request, "name at least one word to look for")
    around = None if here is None else boxes(here, asked.radius_m * _SLACK)
    return Span(around, asked.from_ms, asked.to_ms, words[:WORDS_MOST])


def _measured(
    candidates: Iterable[Candidate], here: Point | None, radius_m: int
) -> list[_Measured]:
    """Those within the radius, with how far they are."""
    found = []
    for room, starts_at_ms, point, fence in candidates:
        if here is None:
            found.append(_Measured(None, starts_at_ms, room))
            continue
        away_m = away(here, point, fence)
        if away_m is not None and away_m <= radius_m:
            found.append(_Measured(ceil(away_m / ROUNDED_M) * ROUNDED_M, starts_at_ms, room))
    return found


def away(here: Point, point: Point | None, fence: Shape | None) -> float | None:
    """Metres to an event's fence, or to its point; None: it is nowhere."""
    if fence is not None:
        return max(0.0, fence_of(fence).distance_m(here.lat, here.lon))
    return None if point is None else distance_m(here, point)
