"""Logging in: a password, and where there is a second factor a code of it, on the same device.

    log_in       --right, no factor--> a session
                 --right, a factor---> an MFA token, which opens nothing but
    second_step  --a code of the factor, the same install--> a session, once

Owns both steps, and what lies between them. Must never tell an unknown person from a wrong password, neither by the
answer nor by the time it takes, nor whether there is a factor before the password was right.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Final, Protocol

from msgspec import Struct

from muster.clock import Clock
from muster.errors import Refused
from muster.ids import DeviceId, PersonId, Random, device_of
from muster.metrics import IdentityMetrics
from muster.passwords import MOST_CHARS, Passwords
from muster.people import Credentials, PeopleStore, fold
from muster.second_factor import SecondFactors
from muster.sessions import Grant, Install, Sessions
from proto.codes import Code

HALF_S: Final = 300
"""Time to find the phone with the codes."""

PREFIX: Final = "mmf_"
_TOKEN_BYTES: Final = 32


class Half(Struct, frozen=True, gc=False):
    """A login whose password was right."""

    person: PersonId
    device: DeviceId
    app: str
    version: str
    platform: str
    password_no: int
    expires_at_ms: int


class HalfStore(Protocol):
    """Where these wait. All raise `Refused`: `unavailable`."""

    async def add(self, token_hash: bytes, half: Half) -> None: ...

    async def find(self, token_hash: bytes) -> Half | None: ...

    async def use(self, token_hash: bytes) -> bool:
        """True once."""
        ...


class SecondStep(Struct, frozen=True, gc=False):
    """The password was right: now send a code with `mfa_token`. Its repr hides that."""

    mfa_token: str
    expires_in: int
    mfa_required: bool = True

    def __repr__(self) -> str:
        return "SecondStep()"


class Known(Struct, frozen=True, gc=False):
    """Whom logging in asks."""

    people: PeopleStore
    passwords: Passwords
    factors: SecondFactors
    halves: HalfStore


class Login:
    """Lets people in."""

    def __init__(
        self,
        known: Known,
        sessions: Sessions,
        metrics: IdentityMetrics,
        clock: Clock,
        random: Random,
    ) -> None:
        self._people = known.people
        self._passwords = known.passwords
        self._factors = known.factors
        self._halves = known.halves
        self._sessions = sessions
        self._metrics = metrics
        self._clock = clock
        self._random = random

    async def log_in(self, handle: str, password: str, install: Install) -> Grant | SecondStep:
        """A new session, or what the second step needs.

        Raises `Refused`: `unauthorized` for a wrong password and an unknown person alike.
        """
        return await self._entered(await self._checked(handle, password), install)

    async def vouched(self, person: PersonId, install: Install) -> Grant | SecondStep:
        """The same for somebody whom another service vouches for, in place of the password. Raises `Refused`."""
        known = await self._people.credentials_of(person)
        if known is None:
            raise Refused(Code.unauthorized, "this person is no longer known")
        if known.banned:
            self._metrics.count("login_banned")
            raise Refused(Code.permission_denied, "this account is banned")
        return await self._entered(known, install)

    async def _entered(self, known: Credentials, install: Install) -> Grant | SecondStep:
        """In, or as far as the second factor."""
        if known.second:
            self._metrics.count("login_halfway")
            return await self._halfway(known, install)
        grant = await self._sessions.begin(known.person, known.role, install, known.password_no)
        self._metrics.count("login")
        return grant

    async def second_step(self, token: str, code: str, install: str) -> Grant:
        """A new session. Raises `Refused`: `permission_denied` for a wrong code; `unauthorized`: begin anew."""
        token_hash = _stored(token)
        half = await self._halves.find(token_hash)
        if half is None or half.expires_at_ms <= self._clock.now_ms():
            raise _over()
        if device_of(half.person, install) != half.device:
            raise _over()
        await self._factors.prove(half.person, code)
        if not await self._halves.use(token_hash):  # somebody else was quicker, with another code
            raise _over()
        account = await self._people.account(half.person)
        if account is None:
            raise _over()
        device = Install(install, half.app, half.version, half.platform)
        grant = await self._sessions.begin(half.person, account.role, device, half.password_no)
        self._metrics.count("login")
        return grant

    async def _checked(self, handle: str, password: str) -> Credentials:
        if len(password) > MOST_CHARS:
            raise self._wrong()
        known = await self._people.credentials(fold(handle))
        stored = known.password_hash if known is not None else None
        checked = await self._passwords.check(password, stored)
        if known is None or stored is None or not checked.right:
            raise self._wrong()
        if known.banned:
            self._metrics.count("login_banned")
            raise Refused(Code.permission_denied, "this account is banned")
        if checked.fresh_hash is not None:
            await self._people.set_password(known.person, stored, checked.fresh_hash)
        return known

    async def _halfway(self, known: Credentials, install: Install) -> SecondStep:
        secret = self._random.getrandbits(8 * _TOKEN_BYTES).to_bytes(_TOKEN_BYTES, "big")
        token = PREFIX + base64.urlsafe_b64encode(secret).rstrip(b"=").decode()
        half = Half(
            known.person,
            device_of(known.person, install.install),
            install.app,
            install.version,
            install.platform,
            known.password_no,
            self._clock.now_ms() + HALF_S * 1_000,
        )
        await self._halves.add(_stored(token), half)
        return SecondStep(token, HALF_S)

    def _wrong(self) -> Refused:
        self._metrics.count("login_wrong")
        return Refused(Code.unauthorized, "handle or password is wrong")


def _stored(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(b"muster mfa" + token.encode("utf-8", "replace")).digest()


def _over() -> Refused:
    return Refused(Code.unauthorized, "this login is over; begin with the password")
