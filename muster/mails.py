"""Mails: what is to be sent to somebody, kept until it was.

    add    a row and its job, in one transaction; the address sealed, the word as its hash
    use    a word that somebody brings back, once; a code likewise, within so many tries

Owns which kinds hold a word, how long it is good, and how many mails an address and a person get. Must never send
anything (muster/mailing.py), and never give an address to a log.
"""

from __future__ import annotations

import hmac
from typing import Final, NamedTuple, Protocol
from uuid import UUID

from msgspec import Struct

from muster import mail_word
from muster.clock import Clock
from muster.email import Email
from muster.ids import PersonId, Random, uuid7
from muster.letter import Kind
from muster.mail_word import Word
from muster.sealer import Field, Sealer
from muster.wishes import Wish

JOB: Final = "mail"
FIELD: Final = Field("mails", "to_sealed")
GOOD_S: Final = {Kind.verify: 3_600, Kind.reset: 1_800}
"""How long the words of these kinds are good. A mail without a word is worth sending for LATE_S."""

LATE_S: Final = 7_200
ADDRESS_HOUR: Final = 5
ADDRESS_DAY: Final = 15
PERSON_HOUR: Final = 10
_NO_BOUND: Final = 1_000_000


class Payload(Struct, frozen=True):
    """Of the job that sends it."""

    mail: UUID


class Bounds(NamedTuple):
    """Mails to one address in an hour and in a day, and to one person in an hour."""

    address_hour: int
    address_day: int
    person_hour: int


class NewMail(Struct, frozen=True, gc=False):
    """A mail to be kept. Its repr hides it."""

    id: UUID
    kind: Kind
    language: str
    person: PersonId | None
    email: UUID | None
    to_sealed: bytes
    to_blind: bytes
    about: str
    word_hash: bytes | None
    expires_at_ms: int
    wish: Wish
    bounds: Bounds

    def __repr__(self) -> str:
        return f"NewMail({self.kind.value})"


class Presented(Struct, frozen=True, gc=False):
    """Whose a word is that is good, and for what."""

    mail: UUID
    person: PersonId
    email: UUID | None
    password_no: int


class Tried(NamedTuple):
    """A mail whose code somebody tries; the try is counted."""

    mail: UUID
    expires_at_ms: int


class MailStore(Protocol):
    """Where mails are kept. All raise `Refused`: `unavailable`."""

    async def add(self, new: NewMail) -> bool:
        """With its job; false if there were too many."""
        ...

    async def presented(
        self, mail: UUID, kind: Kind, word_hash: bytes, now_ms: int
    ) -> Presented | None:
        """A word that is not used, not too old, and somebody's."""
        ...

    async def tried(self, email: UUID, person: PersonId, most: int) -> Tried | None:
        """The newest mail by which this address is to be verified, if `most` tries are not over."""
        ...

    async def spend(self, person: PersonId, kind: Kind) -> None:
        """All words of this kind that this person was sent are used."""
        ...


class Mails:
    """Adds mails, and takes their words back."""

    def __init__(self, store: MailStore, sealer: Sealer, clock: Clock, random: Random) -> None:
        self._store = store
        self._sealer = sealer
        self._clock = clock
        self._random = random

    async def add(
        self,
        kind: Kind,
        to: Email,
        language: str,
        *,
        person: PersonId | None = None,
        email: UUID | None = None,
        about: str = "",
    ) -> bool:
        """To be sent; false if this address or person was sent too many of late. Raises `Refused`: `unavailable`."""
        return await self._store.add(
            self.new(kind, to, language, person=person, email=email, about=about)
        )

    def new(
        self,
        kind: Kind,
        to: Email,
        language: str,
        *,
        person: PersonId | None = None,
        email: UUID | None = None,
        about: str = "",
    ) -> NewMail:
        """The same, for a store that keeps it with what it tells of."""
        now_ms = self._clock.now_ms()
        id_ = uuid7(now_ms, self._random)
        good_s = GOOD_S.get(kind)
        said = Word(id_, now_ms + (good_s or LATE_S) * 1_000)
        hashed = mail_word.stored(mail_word.word(self._sealer, kind.value, said))
        asked = kind in (Kind.verify, Kind.owned, Kind.reset)
        # Counted by itself: whoever asks for new passwords needs no name, and must not keep an address from its owner.
        counted = b"reset|" + to.unique if kind is Kind.reset else to.unique
        return NewMail(
            id_,
            kind,
            language,
            person,
            email,
            self._sealer.seal(to.address.encode(), FIELD, id_.bytes),
            self._sealer.blind(counted, FIELD),
            about,
            hashed if good_s else None,
            said.expires_at_ms,
            Wish(JOB, str(id_), None, now_ms, Payload(id_)),
            # What tells of a change is never kept back.
            Bounds(ADDRESS_HOUR, ADDRESS_DAY, PERSON_HOUR)
            if asked
            else Bounds(_NO_BOUND, _NO_BOUND, _NO_BOUND),
        )

    async def presented(self, kind: Kind, text: str) -> Presented | None:
        """Whose this word is, if it is good. Raises `Refused`: `unavailable`."""
        now_ms = self._clock.now_ms()
        said = mail_word.read(self._sealer, kind.value, text, now_ms)
        if said is None:
            return None
        return await self._store.presented(said.mail, kind, mail_word.stored(text), now_ms)

    async def fits(self, email: UUID, person: PersonId, code: str) -> bool:
        """Whether this is the code by which the address is verified; every try counts. Raises `Refused`."""
        tried = await self._store.tried(email, person, mail_word.TRIES)
        if tried is None or tried.expires_at_ms <= self._clock.now_ms():
            return False
        right = mail_word.code(self._sealer, Word(*tried))
        return hmac.compare_digest(right.encode(), code.encode())

    async def spend(self, person: PersonId, kind: Kind) -> None:
        """What this person was sent of this kind is good for nothing any more. Raises `Refused`: `unavailable`."""
        await self._store.spend(person, kind)
