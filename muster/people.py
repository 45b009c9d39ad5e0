"""People: who somebody is to others, and what a handle may be.

Owns registration, profiles, and which staff may act on whom. Must never store or compare a password
itself (muster/passwords.py, muster/password_policy.py), and never change a profile but through the person's own log.
"""

from __future__ import annotations

import re
from typing import Final, Protocol
from uuid import UUID

from msgspec import Struct

from muster.clock import Clock
from muster.errors import Refused
from muster.ids import PersonId, Random, uuid7
from muster.op import ProfileChange
from muster.password_policy import PasswordPolicy
from muster.passwords import Passwords
from muster.permission import STAFF, ServiceRole
from muster.words import line
from proto.codes import Code

NAME_CHARS: Final = 64
BIO_CHARS: Final = 500
_HANDLE: Final = re.compile(r"(?=.*[A-Za-z0-9])[A-Za-z0-9_.-]{3,32}", re.ASCII)
_RESERVED: Final = frozenset(
    """
    admin administrator all anonymous api everyone help here me moderator muster nobody null root
    security staff support system undefined webmaster www
    """.split()  # noqa: SIM905  # a list of 20 quoted words reads worse
)


class Profile(Struct, frozen=True, gc=False):
    """What others may know about somebody."""

    id: PersonId
    handle: str
    name: str
    bio: str
    picture: UUID | None = None


class Account(Struct, frozen=True, gc=False):
    """A profile and what the service knows besides."""

    profile: Profile
    role: ServiceRole
    banned: bool


class Credentials(Struct, frozen=True, gc=False):
    """What logging in needs. Its repr hides the hash."""

    person: PersonId
    role: ServiceRole
    banned: bool
    password_hash: str | None
    password_no: int = 0
    """How often the password was changed."""

    second: bool = False
    """There is a confirmed second factor."""

    def __repr__(self) -> str:
        return f"Credentials({self.person})"


class PeopleStore(Protocol):
    """Where people are kept."""

    async def add(self, profile: Profile, folded: str, password_hash: str) -> bool:
        """Keep a new person, with an empty log of their own; false if the handle is taken."""
        ...

    async def account(self, person: PersonId) -> Account | None: ...

    async def credentials(self, folded: str) -> Credentials | None: ...

    async def credentials_of(self, person: PersonId) -> Credentials | None: ...

    async def set_password(self, person: PersonId, old_hash: str, new_hash: str) -> None:
        """Replace the hash of the same password unless it has been replaced meanwhile."""
        ...

    async def change_password(
        self, person: PersonId, new_hash: str, password_no: int | None
    ) -> bool:
        """Another password; logins that are under way with the one before come to nothing.

        False if it is not change `password_no` any more that is in force; None: whichever it is.
        """
        ...


def fold(handle: str) -> str:
    """The form in which handles are unique. ASCII alone, so that no two handles look alike by accident."""
    return handle.casefold()


def check_handle(handle: str) -> str:
    """`handle` if somebody may take it. Raises `Refused`."""
    if not _HANDLE.fullmatch(handle):
        raise Refused(
            Code.bad_request,
            "a handle has 3 to 32 characters: letters a to z, digits, '_', '.', '-'",
        )
    if fold(handle) in _RESERVED:
        raise Refused(Code.conflict, "this handle is taken")
    return handle


def profile_change(
    handle: str | None, name: str | None, bio: str | None, picture: UUID | None = None
) -> ProfileChange:
    """A checked change of one's profile; what is `None` stays. Raises `Refused`."""
    if handle is None and name is None and bio is None and picture is None:
        raise Refused(Code.bad_request, "name at least one of handle, name, bio, picture")
    return ProfileChange(
        handle=None if handle is None else fold(check_handle(handle)),
        handle_shown=handle,
        name=None if name is None else line("a name", name, NAME_CHARS, least=1),
        bio=None if bio is None else line("a bio", bio, BIO_CHARS, breaks=True),
        picture=picture,
    )


def may_act_on(actor: ServiceRole, subject: ServiceRole) -> bool:
    """Whether staff may ban somebody or end their sessions: admins all but admins, support only users."""
    if actor not in STAFF:
        return False
    return subject is ServiceRole.user or (
        actor is ServiceRole.admin and subject is not ServiceRole.admin
    )


class People:
    """Registers people and reads them. By handle they are found in muster/finding.py."""

    def __init__(
        self,
        store: PeopleStore,
        passwords: Passwords,
        policy: PasswordPolicy,
        clock: Clock,
        random: Random,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._policy = policy
        self._clock = clock
        self._random = random

    async def register(self, handle: str, password: str, name: str | None) -> Profile:
        """A new person. Raises `Refused`; `conflict` if the handle is taken."""
        check_handle(handle)
        await self._policy.check(password, handle)
        profile = Profile(
            id=PersonId(uuid7(self._clock.now_ms(), self._random)),
            handle=handle,
            name=line("a name", name or handle, NAME_CHARS, least=1),
            bio="",
        )
        password_hash = await self._passwords.hash(password)
        if not await self._store.add(profile, fold(handle), password_hash):
            raise Refused(Code.conflict, "this handle is taken")
        return profile

    async def account(self, person: PersonId) -> Account:
        """Somebody by id. Raises `Refused`: `not_found`."""
        account = await self._store.account(person)
        if account is None:
            raise unknown_person()
        return account

    async def may_act(self, actor: ServiceRole, subject: PersonId) -> None:
        """Raises `Refused` unless staff of this role may act on `subject`."""
        account = await self.account(subject)
        if not may_act_on(actor, account.role):
            raise Refused(Code.permission_denied, "your role does not allow that on this person")


def unknown_person() -> Refused:
    """Nobody has this id or handle."""
    return Refused(Code.not_found, "no such person")
