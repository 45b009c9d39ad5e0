"""The crowd: how many are at an event now, and whom of them somebody may know.

Nobody is told of who is there by default sharing alone: neither a name nor a number, or whoever draws a fence around a
home would learn who comes to it. Hosts have the names of who shares with this event, and how many these are; of ghosts,
and of who took back what they shared, a number made as that of all others is. It is made so that nobody can watch it
change by one person:

- It counts who shares (ghosts, and who shares nothing, are no business of a guest's), and of them who was vouched for:
  by a fix, the code at the door or a host. Who only says so from a sofa is not in it, so nobody fills a room with
  accounts of their own to see whether it then has one more.
- Below K there is none, and above it is rounded down to a multiple of K: 5 to 9 people are one answer, so who comes or
  goes changes it once in five times, and whoever asks cannot know which of the five times it was.
- It is as of the last of fixed moments, WINDOW_MS apart, the same for all who ask and however often: nobody learns when
  within half a minute it was that a number rose, nor has more samples by asking more.

Names are those that each one's own setting `events` lets the reader see; a block hides both from each other, in what is
exact as well. Owns these rules. Must never say where in the place somebody is.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, NamedTuple, Protocol
from uuid import UUID

from msgspec import Struct

from muster import cursor
from muster.clock import Clock
from muster.entrance import FootingStore, is_host, known
from muster.ids import PersonId, RoomId

K: Final = 5
WINDOW_MS: Final = 30_000
ROOMS_KEPT: Final = 1_000
"""Events whose number is remembered for its window."""


class PersonHere(Struct, frozen=True, gc=False):
    """Somebody who is there. `entered_ms` for hosts alone; `is_contact`: of the reader's."""

    id: PersonId
    handle: str
    name: str
    picture: UUID | None
    is_contact: bool
    entered_ms: int | None


class Here(Struct, frozen=True, gc=False):
    """Who is there. `count`: as of `as_of_ms` and rounded down, null where it is too small; for hosts: whom they are
    told by name, and `unnamed`.

    `unnamed`: for hosts, how many are in no page of `people`, as of `as_of_ms` and rounded down, null where it is too
    small. A page may be short; the last is the one whose `cursor` is null.
    """

    count: int | None
    as_of_ms: int
    unnamed: int | None
    people: list[PersonHere]
    cursor: str | None


class Number(NamedTuple):
    """How many are there whom a host is told by name, and how many were at some moment whom no host is."""

    named: int
    unnamed: int


class CrowdStore(FootingStore, Protocol):
    """Where it is read. Everything raises `Refused`: `unavailable`."""

    async def number(self, room: RoomId, reader: PersonId, at_ms: int) -> Number:
        """Who is there now, with a name, and who was at that time, without one."""
        ...

    async def vouched(self, room: RoomId, at_ms: int) -> int:
        """How many who share and were vouched for were there at that time."""
        ...

    async def named(
        self, room: RoomId, reader: PersonId, after: UUID, limit: int
    ) -> list[PersonHere]:
        """Whom a host is told of, by id."""
        ...

    async def friendly(
        self, room: RoomId, reader: PersonId, after: tuple[int, UUID], limit: int
    ) -> tuple[list[PersonHere], PersonId | None]:
        """Whom a guest is told of: their contacts (0), then others (1), each by id, after this place.

        And up to whom of the others was looked, where not all were.
        """
        ...


def shown(count: int) -> int | None:
    """What is told of a number of people without names."""
    return count - count % K if count >= K else None


def moment(now_ms: int) -> int:
    """As of when such a number is told."""
    return now_ms // WINDOW_MS * WINDOW_MS


def _next(people: list[PersonHere], looked: PersonId | None, limit: int) -> str | None:
    """Behind the last who was found; where the page is not full, behind the last who was looked at."""
    if len(people) == limit:
        last = people[-1]
        return cursor.write(0 if last.is_contact else 1, last.id)
    return None if looked is None else cursor.write(1, looked)


class Crowd:
    """Says who is there."""

    def __init__(self, store: CrowdStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._numbers: OrderedDict[RoomId, tuple[int, int | None]] = OrderedDict()

    async def here(self, room: RoomId, reader: PersonId, at: str | None, limit: int) -> Here:
        """A page. Raises `Refused`: `not_found`."""
        footing = known(await self._store.footing(room, reader))
        after = cursor.read(at) if at else (0, UUID(int=0))
        if is_host(footing):
            as_of_ms = moment(self._clock.now_ms())
            named, others = await self._store.number(room, reader, as_of_ms)
            people = await self._store.named(room, reader, after[1], limit)
            more = cursor.write(0, people[-1].id) if len(people) == limit else None
            unnamed = shown(others)
            return Here(named + (unnamed or 0), as_of_ms, unnamed, people, more)
        as_of_ms, told = await self._told(room)
        people, looked = await self._store.friendly(room, reader, after, limit)
        return Here(told, as_of_ms, None, people, _next(people, looked, limit))

    async def _told(self, room: RoomId) -> tuple[int, int | None]:
        """As of which moment, and what guests are told until the next."""
        as_of_ms = moment(self._clock.now_ms())
        kept = self._numbers.get(room)
        if kept is None or kept[0] < as_of_ms:
            count = shown(await self._store.vouched(room, as_of_ms))
            kept = self._numbers.get(room)
            if kept is None or kept[0] < as_of_ms:
                kept = as_of_ms, count
                self._numbers[room] = kept
        self._numbers.move_to_end(room)
        while len(self._numbers) > ROOMS_KEPT:
            self._numbers.popitem(last=False)
        return kept
