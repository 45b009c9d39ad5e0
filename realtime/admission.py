"""Admitting people, and looking up what they ask for: one query for everybody who came in a tick.

A person is registered as pending first, and then memberships and heads are read in one statement; what the
lanes bring meanwhile of rooms nobody was in is noted, so that a head that is already old is filled at once.
Owns the pending people, the memberships to be read again, and those that somebody waits for. Must never answer before
the query did, and never ask once per person: a hub that dies sends another one thousands within a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from muster.errors import Refused, unavailable
from muster.ids import PersonId, RoomId
from muster.membership import HubReader, Membership, People
from muster.telemetry import get_logger

PEOPLE_PER_QUERY: Final = 500
PAIRS_PER_QUERY: Final = 5_000
RETRY_S: Final = 0.3
MEANWHILE_ROOMS: Final = 200_000
"""Rooms noted during one query; beyond it the note is dropped and the next head check finds what was missed."""

Pairs = Sequence[tuple[PersonId, RoomId]]
Admit = Callable[[Iterable[PersonId], People, dict[bytes, int]], None]
Join = Callable[[Iterable[tuple[PersonId, RoomId]], list[Membership], dict[bytes, int]], None]


class Admissions:
    """People waiting to be admitted, and memberships waiting to be read."""

    def __init__(self, reader: HubReader, admit: Admit, join: Join) -> None:
        """`admit` and `join` are the hub's: put these people, or these memberships, in place."""
        self._reader = reader
        self._admit = admit
        self._join = join
        self._people: dict[PersonId, asyncio.Future[None]] = {}
        self._pairs: set[tuple[PersonId, RoomId]] = set()
        self._asked: list[tuple[Pairs, asyncio.Future[list[Membership]]]] = []
        self._meanwhile: dict[bytes, int] | None = None
        self._woken = asyncio.Event()
        self._log = get_logger()

    async def admitted(self, person: PersonId) -> None:
        """Return once this person's rooms are in place. Raises `Refused`."""
        waiting = self._people.get(person)
        if waiting is None:
            waiting = self._people[person] = asyncio.get_running_loop().create_future()
            self._woken.set()
        await asyncio.shield(waiting)

    async def memberships(self, pairs: Pairs) -> list[Membership]:
        """These memberships, as they are no earlier than now. Raises `Refused`."""
        answer: asyncio.Future[list[Membership]] = asyncio.get_running_loop().create_future()
        self._asked.append((pairs, answer))
        self._woken.set()
        return await answer

    def read_again(self, person: PersonId, room: RoomId) -> None:
        """Something was told of this membership whose beginning is not known here."""
        self._pairs.add((person, room))
        self._woken.set()

    def note(self, room: bytes, seq: int) -> None:
        """The log of a room that nobody here is in goes up to `seq` at least."""
        noted = self._meanwhile
        if noted is not None and seq > noted.get(room, 0) and len(noted) < MEANWHILE_ROOMS:
            noted[room] = seq

    async def run(self) -> None:
        """Read until cancelled."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            while self._people or self._pairs or self._asked:
                self._meanwhile = {}
                await self._read_people()
                await self._read_pairs()
                await self._read_asked()
            self._meanwhile = None

    async def _read_people(self) -> None:
        people = dict(list(self._people.items())[:PEOPLE_PER_QUERY])
        if not people:
            return
        for person in people:
            del self._people[person]
        try:
            found = await self._reader.people(list(people))
        except Refused as refused:
            for waiting in people.values():
                _refuse(waiting, refused)
        except asyncio.CancelledError:
            for waiting in people.values():
                _refuse(waiting, unavailable("the hub"))
            raise
        else:
            self._admit(people, found, self._meanwhile or {})
            for waiting in people.values():
                if not waiting.done():
                    waiting.set_result(None)

    async def _read_pairs(self) -> None:
        pairs = set(list(self._pairs)[:PEOPLE_PER_QUERY])
        if not pairs:
            return
        self._pairs -= pairs
        try:
            memberships = await self._reader.memberships(pairs)
        except Refused as refused:
            self._log.warning("memberships_unread", code=refused.code.name, count=len(pairs))
            self._pairs |= pairs
            await asyncio.sleep(RETRY_S)
        else:
            self._join(pairs, memberships, self._meanwhile or {})

    async def _read_asked(self) -> None:
        """Everybody's questions as one, up to a bound, which one alone may pass."""
        asked: list[tuple[Pairs, asyncio.Future[list[Membership]]]] = []
        pairs: dict[tuple[PersonId, RoomId], None] = {}
        while self._asked and (not asked or len(pairs) + len(self._asked[0][0]) <= PAIRS_PER_QUERY):
            asked.append(self._asked.pop(0))
            pairs.update(dict.fromkeys(asked[-1][0]))
        if not asked:
            return
        try:
            found = await self._reader.memberships(list(pairs))
        except Refused as refused:
            for _, answer in asked:
                _refuse(answer, refused)
        except asyncio.CancelledError:
            for _, answer in asked:
                _refuse(answer, unavailable("the hub"))
            raise
        else:
            read = {(membership.person, membership.room): membership for membership in found}
            for wanted, answer in asked:
                if not answer.done():
                    answer.set_result([read[pair] for pair in wanted if pair in read])


def _refuse(waiting: asyncio.Future[Any], why: Refused) -> None:
    if not waiting.done():
        waiting.set_exception(why)
        # Nobody may be waiting any more: then this is not news.
        waiting.exception()
