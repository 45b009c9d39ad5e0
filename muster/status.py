"""What somebody wants others to see of them, and how others are: the same as the socket tells, by request.

Owns the settings of presence and the bulk queries, for contacts and for anybody. Must never say who is there by
itself: the roll does, and where it does not answer nothing is known, which is not offline.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Final, NamedTuple, Protocol
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
    shown,
    told,
)
from muster.privacy import PrivacyCircle
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
    """Somebody: what they want seen, and when they were last seen."""

    person: bytes
    profile: Profile
    seen_ms: int | None


class OnePresence(Struct, frozen=True, gc=False):
    """How somebody is. `seen_at_ms` is rounded, and null for who is there, or whom I may not see."""

    person: UUID
    state: PresenceState
    busy_until_ms: int
    text: str
    emoji: str
    text_until_ms: int
    seen_at_ms: int | None


class PeoplePresence(Struct, frozen=True, gc=False):
    """How people are. Not `known`: who is there is not known just now, and nobody is shown as if they were."""

    known: bool
    people: list[OnePresence]


NOBODY: Final = Profile(circle=PrivacyCircle.nobody)
"""Of who does not exist."""


class StatusStore(AcquaintanceReader, Protocol):
    """Where it is kept."""

    async def change(self, person: PersonId, change: StatusChange) -> None: ...

    async def contacts(self, person: PersonId) -> list[Known]:
        """Accepted contacts, but for those between whom and `person` there is a block."""
        ...

    async def known(self, people: Collection[bytes]) -> list[Known]:
        """These people, in any order; who does not exist is left out."""
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

    async def contacts(self, person: PersonId) -> PeoplePresence:
        """How my contacts are now."""
        known = await self._store.contacts(person)
        return await self._shown(known, lambda one: _near(one, contact=True))

    async def of(self, me: PersonId, people: Collection[UUID]) -> PeoplePresence:
        """How these people are now, in the order asked for.

        Whom I may not see is like somebody who is not there, and so is who does not exist. I am as I am.
        """
        asked = dict.fromkeys(person.bytes for person in people)
        profiles = {one.person: one for one in await self._store.known(asked)}
        acquaintance = await self._store.acquaintance(me)
        strangers = profiles.keys() - acquaintance.contacts - {me.bytes}
        mates = await self._store.mates(me, strangers) if strangers else frozenset()

        def may(one: Known) -> bool:
            if one.person == me.bytes:
                return True
            contact, mate = one.person in acquaintance.contacts, one.person in mates
            return one.person not in acquaintance.blocked and _near(one, contact=contact, mate=mate)

        known = [profiles.get(person) or Known(person, NOBODY, None) for person in asked]
        return await self._shown(known, may, me=me.bytes)

    async def _shown(
        self, known: Collection[Known], may: Callable[[Known], bool], me: bytes = b""
    ) -> PeoplePresence:
        try:
            looked = await self._roll.look([one.person for one in known])
        except Unreachable:
            return PeoplePresence(known=False, people=[])
        now_ms = self._clock.now_ms()
        people = []
        for one in known:
            record = looked.records.get(one.person, ABSENT)
            # Postgres' word of what they want seen is the newest.
            record = record._replace(profile=one.profile)
            allowed = may(one)
            if one.person == me:
                seen = shown(record.attention, record.profile, now_ms)
            else:
                seen = told(record, now_ms, allowed=allowed)
            seen_ms = None
            if seen.state == "offline" and allowed and one.seen_ms is not None:
                seen_ms = rounded(one.seen_ms, now_ms)
            people.append(
                OnePresence(UUID(bytes=one.person), *seen, seen_at_ms=seen_ms)  # type: ignore[arg-type]  # a PresenceState
            )
        return PeoplePresence(known=True, people=people)

    async def _profile(self, person: PersonId) -> Profile:
        found = (await self._store.profiles([person.bytes])).get(person.bytes)
        if found is None:
            raise unknown_person()
        return found


def _near(one: Known, *, contact: bool, mate: bool = False) -> bool:
    return may_see(one.profile.circle, contact=contact, mates=contact or mate)


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
