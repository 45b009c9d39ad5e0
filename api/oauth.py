"""Handlers about logging in by other services: there, back, and what an account is linked to.

Owns the bodies of these routes, and reading the form that Apple posts. Must never put a word into a log or a kept
answer; a browser is sent on without anything that it could tell the next address.
"""

from __future__ import annotations

from typing import Annotated, Final
from urllib.parse import parse_qsl

import msgspec
from msgspec import Meta, Struct
from starlette.responses import RedirectResponse, Response

from api.emails import Owner
from api.limits import STEP_UP, Limits
from api.route import Call, Reply
from muster.errors import Refused
from muster.joining import Joining, LinkedService
from muster.letter import Letters
from muster.login import SecondStep
from muster.oauth import CODE_CHARS, Answered, Begun, OAuth
from muster.oauth_flow import CHALLENGE, WORD_CHARS
from muster.owner_proof import OwnerProof
from muster.sessions import Install
from muster.words import line
from proto.codes import Code

FORM_BYTES: Final = 16_384
_SHORT_CHARS: Final = 64
_Short = Annotated[str, Meta(max_length=_SHORT_CHARS)]
_Word = Annotated[str, Meta(max_length=WORD_CHARS)]
_Challenge = Annotated[str, Meta(pattern=CHALLENGE, max_length=43)]
_Redirect = Annotated[str, Meta(max_length=2_000)]
_HEADERS: Final = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


class LoginService(Struct, frozen=True):
    """A service that people may log in by."""

    name: str
    title: str


class LoginOptions(Struct, frozen=True):
    """How one gets in here, besides by handle and password."""

    services: list[LoginService]
    password_reset: bool


class BeginLogin(Struct, frozen=True):
    """`challenge`: BASE64URL(SHA-256(verifier)); the app keeps the verifier. `redirect`: where it all ends."""

    challenge: _Challenge
    redirect: _Redirect


class BeginLink(Owner, frozen=True, kw_only=True):
    """The same, by whoever is logged in, who proves themselves once more."""

    challenge: _Challenge
    redirect: _Redirect


class Returning(Struct, frozen=True):
    """What a service sends a browser back with."""

    state: Annotated[str, Meta(max_length=WORD_CHARS)] = ""
    code: Annotated[str, Meta(max_length=CODE_CHARS)] = ""
    error: Annotated[str, Meta(max_length=500)] = ""
    iss: Annotated[str, Meta(max_length=500)] = ""


class EndLogin(Struct, frozen=True):
    """The code of the redirect, the app's verifier, and which installation of which app asks."""

    code: _Word
    verifier: _Word
    install: Annotated[str, Meta(min_length=1, max_length=_SHORT_CHARS)]
    app: _Short = ""
    version: _Short = ""
    platform: _Short = ""
    language: Annotated[str, Meta(max_length=35)] = ""


class EndLink(Struct, frozen=True):
    """The code of the redirect, and the app's verifier."""

    code: _Word
    verifier: _Word


class Linked(Struct, frozen=True):
    """By what my account is entered."""

    services: list[LinkedService]


class OAuthHandlers:
    """The routes of other services."""

    def __init__(
        self,
        oauth: OAuth,
        joining: Joining,
        proof: OwnerProof,
        letters: Letters,
        limits: Limits,
        *,
        sends_mail: bool,
    ) -> None:
        self._oauth = oauth
        self._joining = joining
        self._proof = proof
        self._letters = letters
        self._limits = limits
        self._sends_mail = sends_mail

    async def options(self, _call: Call) -> LoginOptions:
        services = [LoginService(one.name, one.title) for one in self._oauth.providers.values()]
        return LoginOptions(services, self._sends_mail)

    async def begin(self, call: Call) -> Begun:
        wanted = call.body(BeginLogin)
        return await self._oauth.begin(
            call.path("provider", str), wanted.challenge, wanted.redirect
        )

    async def come_back(self, call: Call) -> Response:
        said = call.query(Returning)
        answered = Answered(said.state, said.code, said.error, said.iss)
        return self._on(await self._oauth.come_back(call.path("provider", str), answered))

    async def come_back_by_form(self, call: Call) -> Response:
        answered = await _form(call)
        return self._on(await self._oauth.come_back(call.path("provider", str), answered))

    async def end(self, call: Call) -> Reply:
        wanted = call.body(EndLogin)
        install = Install(
            wanted.install,
            line("an app", wanted.app, _SHORT_CHARS),
            line("a version", wanted.version, _SHORT_CHARS),
            line("a platform", wanted.platform, _SHORT_CHARS),
        )
        language = self._letters.language(wanted.language)
        done = await self._joining.enter(wanted.code, wanted.verifier, install, language)
        return Reply(done, 202 if isinstance(done, SecondStep) else 201)

    async def linked(self, call: Call) -> Linked:
        return Linked(await self._joining.linked(call.me))

    async def begin_link(self, call: Call) -> Begun:
        wanted = call.body(BeginLink)
        async with self._limits.guessing(STEP_UP, str(call.me), call.address):
            await self._proof.check(call.claims, wanted.password, wanted.code)
        name = call.path("provider", str)
        return await self._oauth.begin(name, wanted.challenge, wanted.redirect, call.claims)

    async def end_link(self, call: Call) -> None:
        wanted = call.body(EndLink)
        await self._joining.link(call.claims, wanted.code, wanted.verifier)

    async def unlink(self, call: Call) -> None:
        shown = call.body(Owner)
        async with self._limits.guessing(STEP_UP, str(call.me), call.address):
            await self._proof.check(call.claims, shown.password, shown.code)
        await self._joining.unlink(call.me, call.path("provider", str))

    def _on(self, url: str) -> Response:
        # 303: what was posted here is not posted on.
        return RedirectResponse(url, 303, _HEADERS)


async def _form(call: Call) -> Answered:
    """The form that a browser was made to post. Raises `Refused`: `bad_request`, `too_large`."""
    content_type, parts = call.incoming
    if content_type.partition(b";")[0].strip().lower() != b"application/x-www-form-urlencoded":
        raise Refused(Code.bad_request, "a service answers by a form")
    raw = b""
    async for part in parts:
        raw += part
        if len(raw) > FORM_BYTES:
            raise Refused(Code.too_large, f"such a form has at most {FORM_BYTES} bytes")
    try:
        pairs = parse_qsl(raw.decode(), max_num_fields=20, keep_blank_values=True)
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ValueError
        wanted = {name: found.get(name, "") for name in ("state", "code", "error", "iss")}
        said = msgspec.convert(wanted, Returning)
    except (ValueError, msgspec.ValidationError):
        raise Refused(Code.bad_request, "this form is not what a service sends") from None
    return Answered(said.state, said.code, said.error, said.iss, found.get("user", "")[:2_000])
