"""Emails: the address by which a person can be reached, and how it becomes theirs.

    begin     an address that waits; a mail with a link and a code goes there
    confirm   by either of them: from now on it is the person's, and the address before is told
    remove    the address is told, too

An address belongs to whoever has verified it, and to nobody else; an address that waits gives no right at all. Owns
these steps. Must never tell one person that an address is another's: whoever reads its mail is told.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import NamedTuple, Protocol
from uuid import UUID

from msgspec import Struct

from muster.clock import Clock
from muster.email import FIELD, Email, email
from muster.errors import Refused, unavailable
from muster.ids import PersonId, Random, uuid7
from muster.letter import Kind
from muster.mails import Mails, NewMail
from muster.metrics import IdentityMetrics
from muster.sealer import Sealer, Unsealable
from muster.telemetry import get_logger
from proto.codes import Code

_log = get_logger()


class MyEmail(Struct, frozen=True, gc=False):
    """My address, and the one that waits to be verified. Its repr hides them."""

    address: str | None
    pending: str | None

    def __repr__(self) -> str:
        return "MyEmail()"


class Kept(NamedTuple):
    """An address as it lies there."""

    id: UUID
    person: PersonId
    sealed: bytes
    language: str
    verified: bool


class NewEmail(NamedTuple):
    """An address to be kept."""

    id: UUID
    person: PersonId
    sealed: bytes
    blind: bytes
    language: str


class Verified(Enum):
    """What came of verifying."""

    verified = "verified"
    taken = "taken"
    gone = "gone"


Notice = Callable[[Kept], NewMail]
"""What the address before is told."""


class EmailStore(Protocol):
    """Where addresses are kept. All raise `Refused`: `unavailable`."""

    async def of_person(self, person: PersonId) -> list[Kept]: ...

    async def owner(self, blind: bytes) -> PersonId | None:
        """Who has verified this address."""
        ...

    async def put(self, new: NewEmail, mail: NewMail) -> bool:
        """It waits, instead of another that did, and the mail is added; false, and neither: too many mails."""
        ...

    async def verify(self, email_id: UUID, person: PersonId, notice: Notice) -> Verified:
        """And add the notice to the address before, if there was one."""
        ...

    async def adopt(self, new: NewEmail) -> bool:
        """It is verified already; false if it is somebody's, or this person has one."""
        ...

    async def remove(self, person: PersonId, notice: Notice) -> bool:
        """All addresses; false if there was none."""
        ...


class Emails:
    """Keeps addresses."""

    def __init__(
        self,
        store: EmailStore,
        mails: Mails,
        sealer: Sealer,
        metrics: IdentityMetrics,
        clock: Clock,
        random: Random,
    ) -> None:
        self._store = store
        self._mails = mails
        self._sealer = sealer
        self._metrics = metrics
        self._clock = clock
        self._random = random

    async def mine(self, person: PersonId) -> MyEmail:
        """What is kept. Raises `Refused`."""
        kept = {one.verified: one for one in await self._store.of_person(person)}
        found = [self._opened(kept[which]) if which in kept else None for which in (True, False)]
        return MyEmail(*(one.address if one is not None else None for one in found))

    async def begin(self, person: PersonId, address: str, language: str) -> None:
        """A mail goes there. Whoever calls knows who asks. Raises `Refused`."""
        wanted = email(address)
        new = self._new(person, wanted, language)
        owner = await self._store.owner(new.blind)
        if owner == person:
            raise Refused(Code.already_done, "this is your address already")
        if owner is None:
            mail = self._mails.new(Kind.verify, wanted, language, person=person, email=new.id)
        else:
            mail = self._mails.new(Kind.owned, wanted, language, person=person)
        if not await self._store.put(new, mail):
            raise Refused(
                Code.too_many_requests,
                "too many mails were asked for; wait before the next",
                retry_after_ms=3_600_000,
            )
        self._metrics.count("email_asked")

    async def confirm_code(self, person: PersonId, code: str) -> None:
        """The address that waits is the person's. Raises `Refused`: `permission_denied` for a wrong code."""
        waiting = [one for one in await self._store.of_person(person) if not one.verified]
        if not waiting or not await self._mails.fits(waiting[0].id, person, code):
            self._metrics.count("email_wrong")
            raise Refused(
                Code.permission_denied, "this code is wrong or too old, or was tried too often"
            )
        await self._verify(waiting[0].id, person)

    async def confirm_word(self, word: str) -> None:
        """The same by a link, whoever opens it. Raises `Refused`."""
        presented = await self._mails.presented(Kind.verify, word)
        if presented is None or presented.email is None:
            self._metrics.count("email_wrong")
            raise Refused(Code.unauthorized, "this link is unknown, used, or too old")
        await self._verify(presented.email, presented.person)

    async def remove(self, person: PersonId) -> None:
        """No address any more, nor one that waits. Whoever calls knows who asks. Raises `Refused`."""
        if not await self._store.remove(person, self._notice(Kind.removed)):
            raise Refused(Code.not_found, "there is no address")
        self._metrics.count("email_removed")

    async def owner(self, address: Email) -> PersonId | None:
        """Who has verified it. Raises `Refused`: `unavailable`."""
        return await self._store.owner(self._sealer.blind(address.unique, FIELD))

    async def adopt(self, person: PersonId, address: Email, language: str) -> None:
        """Somebody who is trusted with that has verified it; nothing where it is somebody's. Raises `Refused`."""
        if await self._store.adopt(self._new(person, address, language)):
            self._metrics.count("email_verified")

    async def tell(self, person: PersonId, kind: Kind, about: str = "") -> None:
        """A mail to the verified address, if there is one. Raises `Refused`: `unavailable`."""
        for one in await self._store.of_person(person):
            to = self._opened(one) if one.verified else None
            if to is not None:
                await self._mails.add(kind, to, one.language, person=person, about=about)

    async def _verify(self, email_id: UUID, person: PersonId) -> None:
        verified = await self._store.verify(email_id, person, self._notice(Kind.replaced))
        if verified is Verified.taken:
            self._metrics.count("email_taken")
            raise Refused(Code.conflict, "this address belongs to another account by now")
        if verified is Verified.gone:
            raise Refused(Code.unauthorized, "this link is unknown, used, or too old")
        self._metrics.count("email_verified")
        await self._mails.spend(person, Kind.verify)

    def _notice(self, kind: Kind) -> Notice:
        def notice(old: Kept) -> NewMail:
            to = self._opened(old)
            if to is None:
                raise unavailable("the address")
            return self._mails.new(kind, to, old.language, person=old.person)

        return notice

    def _new(self, person: PersonId, address: Email, language: str) -> NewEmail:
        id_ = uuid7(self._clock.now_ms(), self._random)
        sealed = self._sealer.seal(address.address.encode(), FIELD, id_.bytes)
        return NewEmail(id_, person, sealed, self._sealer.blind(address.unique, FIELD), language)

    def _opened(self, kept: Kept) -> Email | None:
        try:
            return Email(self._sealer.open(kept.sealed, FIELD, kept.id.bytes).decode())
        except Unsealable:
            _log.error("an address does not open", person=str(kept.person))
            return None
