"""Handlers about sessions: logging in, refreshing, logging out.

Owns the bodies of these routes. Must never put a token into a log, an URL or a kept answer.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from api.limits import LOG_IN, Limits
from api.route import Call, Reply
from muster.arrivals import Arrivals
from muster.errors import Refused
from muster.foreign import TOKEN_CHARS
from muster.ids import DeviceId, SessionId
from muster.login import Login, SecondStep
from muster.people import fold
from muster.second_factor import CODE_CHARS
from muster.sessions import Grant, Install, Session, Sessions
from muster.words import line
from proto.codes import Code

_Short = Annotated[str, Meta(max_length=64)]
_SHORT_CHARS = 64


class LogIn(Struct, frozen=True):
    """Handle and password, and which installation of which app asks. `install` is chosen once by the app."""

    handle: _Short
    password: Annotated[str, Meta(max_length=1_000)]
    install: Annotated[str, Meta(min_length=1, max_length=64)]
    app: _Short = ""
    version: _Short = ""
    platform: _Short = ""


class SecondFactorCode(Struct, frozen=True):
    """What a login that is halfway needs: a code of the app or a recovery code, from the same install."""

    mfa_token: Annotated[str, Meta(max_length=200)]
    code: Annotated[str, Meta(max_length=CODE_CHARS)]
    install: Annotated[str, Meta(min_length=1, max_length=64)]


class Refresh(Struct, frozen=True):
    """The refresh token of the answer before."""

    refresh_token: Annotated[str, Meta(max_length=200)]


class Exchange(Struct, frozen=True):
    """A `token` of a trusted issuer, or a `grant` that the app's server made; the rest as for logging in."""

    install: Annotated[str, Meta(min_length=1, max_length=64)]
    token: Annotated[str, Meta(max_length=TOKEN_CHARS)] | None = None
    grant: Annotated[str, Meta(max_length=200)] | None = None
    app: _Short = ""
    version: _Short = ""
    platform: _Short = ""


class MySession(Struct, frozen=True):
    """One of my sessions; `current` is the one that asks."""

    id: SessionId
    app: str
    version: str
    platform: str
    created_at_ms: int
    used_at_ms: int
    expires_at_ms: int
    current: bool
    device: DeviceId


class MySessions(Struct, frozen=True):
    """My sessions, the newest first."""

    sessions: list[MySession]


class SessionHandlers:
    """The routes about sessions."""

    def __init__(
        self, login: Login, sessions: Sessions, arrivals: Arrivals, limits: Limits
    ) -> None:
        self._login = login
        self._sessions = sessions
        self._arrivals = arrivals
        self._limits = limits

    async def log_in(self, call: Call) -> Reply:
        wanted = call.body(LogIn)
        tried = (LOG_IN, fold(wanted.handle), call.address)
        async with self._limits.guessing(*tried, Code.unauthorized, wanted.install):
            done = await self._login.log_in(wanted.handle, wanted.password, _install(wanted))
        return Reply(done, 202 if isinstance(done, SecondStep) else 201)

    async def second_step(self, call: Call) -> Grant:
        wanted = call.body(SecondFactorCode)
        return await self._login.second_step(wanted.mfa_token, wanted.code, wanted.install)

    async def exchange(self, call: Call) -> Reply:
        wanted = call.body(Exchange)
        install = _install(wanted)
        if wanted.token is not None and wanted.grant is None:
            person = await self._arrivals.by_token(wanted.token)
        elif wanted.grant is not None and wanted.token is None:
            person = await self._arrivals.by_grant(wanted.grant)
        else:
            raise Refused(Code.bad_request, "send a `token` or a `grant`")
        # Whoever has a second factor is asked for it, whichever way they came.
        done = await self._login.vouched(person, install)
        return Reply(done, 202 if isinstance(done, SecondStep) else 201)

    async def refresh(self, call: Call) -> Grant:
        return await self._sessions.refresh(call.body(Refresh).refresh_token)

    async def log_out(self, call: Call) -> None:
        await self._sessions.end(call.me, call.me, call.claims.session)

    async def log_out_all(self, call: Call) -> None:
        await self._sessions.end(call.me, call.me, None)

    async def end(self, call: Call) -> None:
        await self._sessions.end(call.me, call.me, SessionId(call.path("session", UUID)))

    async def end_device(self, call: Call) -> None:
        await self._sessions.end_device(call.me, DeviceId(call.path("device", UUID)))

    async def mine(self, call: Call) -> MySessions:
        sessions = await self._sessions.of_person(call.me)
        return MySessions([_mine(session, call.claims.session) for session in sessions])


def _install(wanted: LogIn | Exchange) -> Install:
    return Install(
        wanted.install,
        line("an app", wanted.app, _SHORT_CHARS),
        line("a version", wanted.version, _SHORT_CHARS),
        line("a platform", wanted.platform, _SHORT_CHARS),
    )


def _mine(session: Session, current: SessionId) -> MySession:
    return MySession(
        id=session.id,
        device=session.device,
        app=session.app,
        version=session.version,
        platform=session.platform,
        created_at_ms=session.created_at_ms,
        used_at_ms=session.used_at_ms,
        expires_at_ms=session.expires_at_ms,
        current=session.id == current,
    )
