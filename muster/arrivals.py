"""Arrivals: people who are known elsewhere already, and come in from there.

Owns what somebody is called when they are first seen, and whom a token of their app, or a grant that the app's server
made for them, is about. From then on they are people like all others: bans, second factors, revocations and the
control log know nothing of where somebody came from. Must never let anybody in by itself (`muster.login.Login.vouched`
does), and never change who has been seen before, but for a name that an issuer is trusted to update.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import unicodedata
from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from msgspec import Struct

from muster import submit
from muster.errors import Refused
from muster.foreign import Foreign, Known
from muster.ids import PersonId, uuid7
from muster.op import ProfileChange
from muster.people import NAME_CHARS, PeopleStore, check_handle
from muster.sessions import Surroundings
from proto.codes import Code

GRANT_S: Final = 300
"""How long a grant waits to be used."""

_GRANT_BYTES: Final = 32
_PREFIX: Final = "msg_"
_HANDLE_CHARS: Final = 32
_TRIES: Final = 4
_NOT_SHOWN: Final = frozenset({"Cc", "Cs", "Zl", "Zp", "Cf"})


class Arrived(NamedTuple):
    """Who it is, and whether they were never seen before."""

    person: PersonId
    fresh: bool


class ExternalStore(Protocol):
    """Where it stands who somebody is elsewhere. All raise `Refused`: `unavailable`."""

    async def find(self, realm: str, subject: str) -> PersonId | None: ...

    async def arrive(
        self, person: PersonId, who: tuple[str, str], handles: Sequence[str], name: str, bio: str
    ) -> Arrived | None:
        """The one known as `who` (realm, subject), else `person`, new, with the first free handle; None: all taken."""
        ...

    async def add_grant(self, grant_hash: bytes, person: PersonId, within_s: int) -> None: ...

    async def use_grant(self, grant_hash: bytes) -> PersonId | None:
        """Whose it is, once."""
        ...


class NewGrant(Struct, frozen=True, gc=False):
    """A word that lets one person in, once. Its repr hides it."""

    grant: str
    expires_in: int
    person: PersonId

    def __repr__(self) -> str:
        return f"NewGrant({self.person})"


def handles(wanted: str, name: str, chance: Sequence[int]) -> list[str]:
    """What somebody may be called who would like to be `wanted`: that first, then with digits, then anything.

    `chance`: random numbers of 40 bits, one per try.
    """
    base = _handle(wanted.partition("@")[0]) or _handle(name)
    tried = [base] if base else []
    tried += [f"{base[: _HANDLE_CHARS - 7]}_{one % 1_000_000:06d}" for one in chance if base]
    tried += [f"guest_{one:010x}" for one in chance]
    return [handle for handle in tried if _may_be(handle)]


def shown_name(name: str, otherwise: str) -> str:
    """`name` as it may be shown, cut to length; what elsewhere is a name need not be one here."""
    kept = "".join(one for one in name if unicodedata.category(one) not in _NOT_SHOWN)
    return " ".join(kept.split())[:NAME_CHARS].strip() or otherwise


def _handle(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", plain.strip()).strip("_")[:_HANDLE_CHARS]


def _may_be(handle: str) -> bool:
    try:
        check_handle(handle)
    except Refused:
        return False
    return True


class Arrivals:
    """Lets people in who are known elsewhere."""

    def __init__(
        self,
        store: ExternalStore,
        people: PeopleStore,
        foreign: Foreign,
        surroundings: Surroundings,
    ) -> None:
        self._store = store
        self._people = people
        self._foreign = foreign
        self._clock = surroundings.clock
        self._random = surroundings.random
        self._writer = surroundings.writer

    async def by_token(self, token: str) -> PersonId:
        """Whom a trusted issuer's token is about. Raises `Refused`."""
        known = await self._foreign.verify(token)
        who = (known.issuer.realm, known.subject)
        person = await self._store.find(*who)
        if person is None:
            person = (await self.meet(who, known.handle, known.name)).person
        elif known.issuer.update and known.name:
            await self._rename(person, known)
        return person

    async def by_grant(self, grant: str) -> PersonId:
        """Whom the app's server made this grant for, once. Raises `Refused`."""
        person = await self._store.use_grant(_stored(grant))
        if person is None:
            raise Refused(Code.unauthorized, "this grant is unknown, used, or too old")
        return person

    async def meet(self, who: tuple[str, str], handle: str, name: str, bio: str = "") -> Arrived:
        """The person of this (realm, subject), made if there is none. Raises `Refused`."""
        now_ms = self._clock.now_ms()
        chance = [self._random.getrandbits(40) for _ in range(_TRIES)]
        tried = handles(handle, name, chance)
        shown = shown_name(name, tried[0])
        person = PersonId(uuid7(now_ms, self._random))
        arrived = await self._store.arrive(person, who, tried, shown, bio)
        if arrived is None:
            raise Refused(Code.conflict, "no handle is free for this person; try again")
        return arrived

    async def grant(self, person: PersonId) -> NewGrant:
        """A word that lets this person in, once, within GRANT_S."""
        secret = self._random.getrandbits(8 * _GRANT_BYTES).to_bytes(_GRANT_BYTES, "big")
        word = _PREFIX + base64.urlsafe_b64encode(secret).rstrip(b"=").decode()
        await self._store.add_grant(_stored(word), person, GRANT_S)
        return NewGrant(word, GRANT_S, person)

    async def _rename(self, person: PersonId, known: Known) -> None:
        account = await self._people.account(person)
        name = shown_name(known.name, "")
        if account is None or not name or account.profile.name == name:
            return
        client_id = str(uuid7(self._clock.now_ms(), self._random))
        await self._writer.submit(submit.profile(person, client_id, ProfileChange(name=name)))


def _stored(grant: str) -> bytes:
    """What is kept of a grant; what never was one is nobody's."""
    try:
        secret = base64.urlsafe_b64decode(grant.removeprefix(_PREFIX) + "=")
    except (binascii.Error, ValueError):
        secret = b""
    return hashlib.sha256(_PREFIX.encode() + secret).digest()
