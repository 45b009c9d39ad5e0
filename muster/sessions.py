"""Sessions: one login of one person on one device, and the refresh tokens that carry it on.

Owns beginning one (for whom muster/login.py or muster/arrivals.py lets in), refreshing, and which there are. Must never
end a session by itself: that goes through the control log, so that every hub learns of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from msgspec import Struct

from muster import refresh, submit
from muster.clock import Clock
from muster.errors import Refused
from muster.ids import DeviceId, PersonId, Random, SessionId, device_of, uuid7
from muster.metrics import IdentityMetrics
from muster.op import Op, Outcome
from muster.permission import ServiceRole
from muster.refresh import Verdict
from muster.telemetry import get_logger
from muster.tokens import Tokens
from proto.codes import Code

SESSIONS_MOST: Final = 100
"""Sessions of one person at once; a new one ends the oldest. Ending all is one op, which must not take a second."""

_DAY_MS: Final = 86_400_000
_log = get_logger()


class Install(Struct, frozen=True, gc=False):
    """Which app runs where. `install` is the installation's own id, chosen once by the app."""

    install: str
    app: str = ""
    version: str = ""
    platform: str = ""


class Session(Struct, frozen=True, gc=False):
    """A session as its person sees it in a list."""

    id: SessionId
    device: DeviceId
    app: str
    version: str
    platform: str
    created_at_ms: int
    used_at_ms: int
    expires_at_ms: int


class NewSession(Struct, frozen=True, gc=False):
    """A session to be kept, with the hash of its first refresh token."""

    id: SessionId
    person: PersonId
    device: DeviceId
    install: Install
    expires_at_ms: int
    token_hash: bytes
    token_expires_at_ms: int
    password_no: int | None = None
    """Of the password that was shown, if one was."""


class Family(Struct, frozen=True, gc=False):
    """Whose a refresh token is."""

    session: SessionId
    person: PersonId
    device: DeviceId
    role: ServiceRole


class Rotated(Struct, frozen=True, gc=False):
    """What came of presenting a refresh token; `successor` if it was good."""

    verdict: Verdict
    family: Family | None = None
    successor: bytes | None = None


class SessionStore(Protocol):
    """Where sessions are kept."""

    async def add(self, new: NewSession) -> bool:
        """False if the person is banned by now, or their password is another."""
        ...

    async def of_person(self, person: PersonId, now_ms: int) -> list[Session]:
        """The sessions that are not over, newest first."""
        ...

    async def beyond(self, person: PersonId, now_ms: int, most: int) -> list[SessionId]:
        """Some of the sessions that are not over and older than the newest `most`."""
        ...

    async def rotate(
        self, token: bytes, now_ms: int, fresh_salt: bytes, expires_at_ms: int
    ) -> Rotated:
        """Judge `token` under its family's lock; on its first use keep a successor, salted with `fresh_salt`."""
        ...


class Submitter(Protocol):
    """Whoever commits ops: muster/writer.py."""

    async def submit(self, op: Op) -> Outcome: ...


class Surroundings(NamedTuple):
    """What a session needs of the process it is in."""

    clock: Clock
    random: Random
    writer: Submitter


class Grant(Struct, frozen=True, gc=False):
    """What a client holds after logging in or refreshing. Its repr hides the tokens."""

    access_token: str
    expires_in: int
    refresh_token: str
    person: PersonId
    session: SessionId
    device: DeviceId
    token_type: str = "Bearer"  # noqa: S105  # a type of tokens

    def __repr__(self) -> str:
        return f"Grant({self.session})"


class Terms(Struct, frozen=True, gc=False):
    """How long a refresh token waits to be used, and how long a login lasts however often it is refreshed."""

    refresh_days: float
    session_days: float


class Sessions:
    """Keeps people logged in."""

    def __init__(
        self,
        store: SessionStore,
        tokens: Tokens,
        terms: Terms,
        surroundings: Surroundings,
        metrics: IdentityMetrics,
    ) -> None:
        self._store = store
        self._tokens = tokens
        self._metrics = metrics
        self._refresh_ms = int(terms.refresh_days * _DAY_MS)
        self._session_ms = int(terms.session_days * _DAY_MS)
        self._clock = surroundings.clock
        self._random = surroundings.random
        self._writer = surroundings.writer

    async def begin(
        self, person: PersonId, role: ServiceRole, install: Install, password_no: int | None = None
    ) -> Grant:
        """A new session for somebody whom the caller knows to be that person.

        `password_no`: by which password; one that was changed meanwhile lets nobody in. Raises `Refused`.
        """
        now_ms = self._clock.now_ms()
        token = refresh.new_token(self._random)
        new = NewSession(
            id=SessionId(uuid7(now_ms, self._random)),
            person=person,
            device=device_of(person, install.install),
            install=install,
            expires_at_ms=now_ms + self._session_ms,
            token_hash=refresh.stored(token),
            token_expires_at_ms=now_ms + self._refresh_ms,
            password_no=password_no,
        )
        if not await self._store.add(new):
            raise _shut_out()
        for session in await self._store.beyond(person, now_ms, SESSIONS_MOST):
            await self.end(person, person, session)
        return self._grant(Family(new.id, new.person, new.device, role), token)

    async def refresh(self, text: str) -> Grant:
        """New tokens for an old refresh token. Raises `Refused`; reuse ends the whole session."""
        token = refresh.from_text(text)
        if token is None:
            raise _ended()
        now_ms = self._clock.now_ms()
        salt = refresh.new_salt(self._random)
        rotated = await self._store.rotate(token, now_ms, salt, now_ms + self._refresh_ms)
        family = rotated.family
        if family is not None and rotated.verdict is Verdict.reused:
            self._metrics.count("refresh_reused")
            _log.warning(
                "refresh token reused", person=str(family.person), session=str(family.session)
            )
            await self.end(family.person, family.person, family.session)
        if family is None or rotated.successor is None:
            raise _ended()
        return self._grant(family, rotated.successor)

    async def of_person(self, person: PersonId) -> list[Session]:
        """The sessions of somebody that are not over."""
        return await self._store.of_person(person, self._clock.now_ms())

    async def end(self, by: PersonId, of: PersonId, session: SessionId | None) -> None:
        """Log out one session of `of`, or all, on every hub. Ending what is over is done already."""
        client_id = str(uuid7(self._clock.now_ms(), self._random))
        await self._writer.submit(submit.revoke(by, of, session, client_id))

    async def end_others(self, person: PersonId, keep: SessionId | None) -> None:
        """Log out everywhere, on every hub, but for the session `keep`."""
        if keep is None:
            await self.end(person, person, None)
        else:
            await self._end_all(person, lambda session: session.id != keep)

    async def end_device(self, person: PersonId, device: DeviceId) -> None:
        """Log out all sessions of one device. Ending what is over is done already."""
        await self._end_all(person, lambda session: session.device == device)

    async def _end_all(self, person: PersonId, over: Callable[[Session], bool]) -> None:
        """At once: they come to a commit or two. Who fails here was not told that it is done."""
        listed = [session.id for session in await self.of_person(person) if over(session)]
        async with asyncio.TaskGroup() as tasks:
            for session in listed:
                tasks.create_task(self.end(person, person, session))

    def _grant(self, family: Family, refresh_token: bytes) -> Grant:
        return Grant(
            access_token=self._tokens.issue(
                family.person, family.session, family.device, family.role
            ),
            expires_in=self._tokens.life_s,
            refresh_token=refresh.to_text(refresh_token),
            person=family.person,
            session=family.session,
            device=family.device,
        )


def _shut_out() -> Refused:
    return Refused(
        Code.permission_denied, "this account is banned, or its password was just changed"
    )


def _ended() -> Refused:
    return Refused(Code.unauthorized, "this session is over; log in")
