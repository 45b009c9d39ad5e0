"""Calendars that follow somebody's events by an address of their own.

    make -> /v1/calendars/{code}, asked for by a calendar without a token -> what I host, go or may go to

A calendar cannot log in, so the address is the secret: 256 random bits, of which only a hash is kept. There is one per
person; a new one ends the one before, and so does taking it back. Owns these addresses and what is behind them. Must
never put a code into a log, nor into an answer a second time.
"""

from __future__ import annotations

import base64
from hashlib import sha256
from typing import Final, Protocol

from msgspec import Struct

from muster.clock import Clock
from muster.errors import not_found
from muster.events import Event, EventState
from muster.icalendar import CalendarEvent, calendar
from muster.ids import PersonId, Random

EVENTS_MOST: Final = 500
PAST_DAYS: Final = 90
_CODE_BYTES: Final = 32


class CalendarAddress(Struct, frozen=True, gc=False):
    """Where a calendar reads my events, below the address of this service. Its repr hides it."""

    path: str

    def __repr__(self) -> str:
        return "CalendarAddress()"


class CalendarStore(Protocol):
    """Where addresses are kept, and read. Everything raises `Refused`: `unavailable`."""

    async def keep(self, person: PersonId, code_hash: bytes) -> None:
        """The one address of this person from now on."""
        ...

    async def forget(self, person: PersonId) -> None: ...

    async def events(self, code_hash: bytes) -> list[CalendarEvent] | None:
        """Events of whose address this is, the latest first, at most EVENTS_MOST; None: nobody's."""
        ...


class Calendars:
    """Makes addresses, and answers by them."""

    def __init__(self, store: CalendarStore, clock: Clock, random: Random) -> None:
        self._store = store
        self._clock = clock
        self._random = random

    async def make(self, person: PersonId) -> CalendarAddress:
        """A new address; one that was made before leads nowhere from now on."""
        code = base64.urlsafe_b64encode(
            self._random.getrandbits(8 * _CODE_BYTES).to_bytes(_CODE_BYTES)
        ).rstrip(b"=")
        await self._store.keep(person, _hash(code.decode()))
        return CalendarAddress(f"/v1/calendars/{code.decode()}")

    async def take_back(self, person: PersonId) -> None:
        """No address any more."""
        await self._store.forget(person)

    async def read(self, code: str) -> bytes:
        """The calendar behind an address. Raises `Refused`: `not_found`."""
        events = await self._store.events(_hash(code))
        if events is None:
            raise not_found()
        return calendar(events, self._clock.now_ms())

    def one(self, event: Event) -> bytes:
        """One event, for somebody who may see it."""
        shown = CalendarEvent(
            event.id,
            event.version,
            event.title,
            event.about,
            event.starts_at_ms,
            event.ends_at_ms,
            event.place_name,
            event.address,
            event.point,
            event.state is EventState.cancelled,
        )
        return calendar([shown], self._clock.now_ms())


def _hash(code: str) -> bytes:
    return sha256(code.encode()).digest()
