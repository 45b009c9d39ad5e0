"""What somebody wants others to see of them, and how their contacts are: the same as the socket tells, by request.

Owns the settings of presence and the bulk query for contacts. Must never say who is there by itself: the roll does,
and where it does not answer nothing is known, which is not offline.
"""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple, Protocol
from uuid import UUID

from msgspec import Struct

from muster.acquaintance import AcquaintanceReader
from muster.clock import Clock
from muster.errors import Refused
from muster.ids import PersonId
from muster.people import unknown_person
from muster.presence import (
    ABSENT,
    STATUS_CHARS,
    STATUS_EMOJI_CHARS,
    Profile,
    may_see,
    packed,
    rounded,
    told,
)
from muster.roll import Roll, Unreachable
from proto.codes import Code
from proto.shapes import PresenceState


class Status(Struct, frozen=True, gc=False):
    """What I want seen. Times in Unix milliseconds, when it ends by itself; 0: there is none."""

    invisible: bool
    busy_until_ms: int
    text: str
    emoji: str
    text_until_ms: int


class StatusChange(NamedTuple):
    """A change of it; what is `None` stays."""

    invisible: bool | None = None
    busy_until_ms: int | None = None
    text: str | None = None
    emoji: str | None = None
    text_until_ms: int | None = None


class Known(NamedTuple):
    """One contact: what they want seen, and when they were last seen."""

    person: bytes
    profile: Profile
    seen_ms: int | None


class ContactPresence(Struct, frozen=True, gc=False):
    """How one contact is. `seen_at_ms` is rounded, and null for who is there, or whom I may not see."""

    person: UUID
    state: PresenceState
    busy_until_ms: int
    text: str
    emoji: str
    text_until_ms: int
    seen_at_ms: int | None


class ContactsPresence(Struct, frozen=True, gc=False):
    """How my contacts are. Not `known`: who is there is not known just now, and nobody is shown as if they were."""

    known: bool
    people: list[ContactPresence]


class StatusStore(AcquaintanceReader, Protocol):
    """Where it is kept."""

    async def change(self, person: PersonId, change: StatusChange) -> None: ...

    async def contacts(self, person: PersonId) -> list[Known]:
        """Accepted contacts, but for those between whom and `person` there is a block."""
        ...


class Statuses:
    """Reads and changes it."""

    def __init__(self, store: StatusStore, roll: Roll, clock: Clock) -> None:
        self._store = store
        self._roll = roll
        self._clock = clock

    async def mine(self, person: PersonId) -> Status:
        """What I want seen. Raises `Refused`: `not_found`."""
        profile = await self._profile(person)
        return Status(
            profile.invisible,
            profile.busy_until_ms,
            profile.text,
            profile.emoji,
            profile.text_until_ms,
        )

    async def change(self, person: PersonId, change: StatusChange) -> Status:
        """Change it, and let every hub know. Raises `Refused`: `bad_request`, `too_large`."""
        check(change)
        await self._store.change(person, change)
        profile = await self._profile(person)
        with suppress(Unreachable):  # hubs read it anew when they say again what was lost
            await self._roll.show(person.bytes, packed(profile))
        return await self.mine(person)

    async def contacts(self, person: PersonId) -> ContactsPresence:
        """How my contacts are now."""
        known = await self._store.contacts(person)
        try:
            looked = await self._roll.look([contact.person for contact in known])
        except Unreachable:
            return ContactsPresence(known=False, people=[])
        now_ms = self._clock.now_ms()
        people = []
        for contact in known:
            record = looked.records.get(contact.person, ABSENT)
            # Postgres' word of what they want seen is the newest.
            record = record._replace(profile=contact.profile)
            allowed = may_see(contact.profile.circle, contact=True, mates=True)
            shown = told(record, now_ms, allowed=allowed)
            seen_ms = None
            if shown.state == "offline" and allowed and contact.seen_ms is not None:
                seen_ms = rounded(contact.seen_ms, now_ms)
            people.append(
                ContactPresence(UUID(bytes=contact.person), *shown, seen_at_ms=seen_ms)  # type: ignore[arg-type]  # a PresenceState
            )
        return ContactsPresence(known=True, people=people)

    async def _profile(self, person: PersonId) -> Profile:
        found = (await self._store.profiles([person.bytes])).get(person.bytes)
        if found is None:
            raise unknown_person()
        return found


def check(change: StatusChange) -> None:
    """Raises `Refused`: `bad_request` where nothing is named or a NUL is in it, `too_large`."""
    if change == StatusChange():
        raise Refused(
            Code.bad_request,
            "name at least one of invisible, busy_until_ms, text, emoji, text_until_ms",
        )
    for value, most in ((change.text, STATUS_CHARS), (change.emoji, STATUS_EMOJI_CHARS)):
        if value is not None and len(value) > most:
            raise Refused(Code.too_large, f"a status has at most {most} characters here")
        if value is not None and "\x00" in value:
            raise Refused(Code.bad_request, "a status holds a NUL character")
