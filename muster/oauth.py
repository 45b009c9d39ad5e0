"""Logging in by another service: the way there and back.

    begin       an app's challenge and redirect -> the address at the service
    come_back   the service's answer, by the browser -> a code of ours, to the redirect
    end         that code and the app's verifier -> what the service said, once

Owns that a state and a code work once, within their time, for the service and the app that they were made for; and
that a browser goes nowhere but to an address that stands in the settings, exactly. Who that is here: muster/joining.py.
Must never log a word, or what a service said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, Protocol

import msgspec
from msgspec import Struct

from muster import oauth_flow
from muster.clock import Clock
from muster.errors import Refused
from muster.ids import PersonId, Random, SessionId, uuid7
from muster.metrics import IdentityMetrics
from muster.oauth_flow import CODE_S, FIELD, WITHIN_S, FlowStore, NewFlow, Said, Words
from muster.oauth_provider import Provider
from muster.oauth_talk import Unheard
from muster.sealer import Sealer, Unsealable
from muster.telemetry import get_logger
from muster.tokens import Claims
from proto.codes import Code

CODE_CHARS: Final = 4_096
"""Of a service's own code."""

_SAID: Final = msgspec.json.Decoder(Said)
_log = get_logger()


class Service(Protocol):
    """One of them: muster/openid.py, muster/github.py. Both raise `Unheard`."""

    async def url(self, words: Words, callback: str) -> str: ...

    async def said(self, code: str, words: Words, callback: str, more: str) -> Said: ...


class Desk(NamedTuple):
    """Which services there are, where we are, and whither a browser may go in the end."""

    providers: Mapping[str, Provider]
    services: Mapping[str, Service]
    public_url: str
    redirects: Sequence[str]


class Begun(Struct, frozen=True, gc=False):
    """Open `url` in a browser. Its repr hides it."""

    url: str
    expires_in: int

    def __repr__(self) -> str:
        return "Begun()"


class Answered(Struct, frozen=True, gc=False):
    """What a service sends the browser back with. Its repr hides it."""

    state: str = ""
    code: str = ""
    error: str = ""
    iss: str = ""
    user: str = ""

    def __repr__(self) -> str:
        return "Answered()"


class Vouched(Struct, frozen=True, gc=False):
    """Whom a service vouches for; `person` and `session`: to whose account it is to be linked."""

    provider: Provider
    said: Said
    person: PersonId | None
    session: SessionId | None


class OAuth:
    """Leads there and back."""

    def __init__(
        self,
        desk: Desk,
        store: FlowStore,
        sealer: Sealer,
        metrics: IdentityMetrics,
        clock: Clock,
        random: Random,
    ) -> None:
        self._desk = desk
        self._store = store
        self._sealer = sealer
        self._metrics = metrics
        self._clock = clock
        self._random = random

    @property
    def providers(self) -> Mapping[str, Provider]:
        """Those there are, by name."""
        return self._desk.providers

    async def begin(
        self, name: str, challenge: str, redirect: str, who: Claims | None = None
    ) -> Begun:
        """Where to log in; `who` wants to link that. Raises `Refused`."""
        provider = self._provider(name)
        if redirect not in self._desk.redirects:
            raise Refused(Code.bad_request, "this redirect is not among MUSTER_OAUTH_REDIRECTS")
        state = oauth_flow.new_word(self._random)
        try:
            url = await self._service(name).url(
                oauth_flow.words(self._sealer, state), self._callback(name)
            )
        except Unheard as unheard:
            raise self._away(unheard) from None
        flow = NewFlow(
            uuid7(self._clock.now_ms(), self._random),
            provider.name,
            oauth_flow.stored(state),
            challenge,
            redirect,
            None if who is None else who.person,
            None if who is None else who.session,
        )
        await self._store.add(flow, WITHIN_S)
        self._metrics.count("oauth_begun")
        return Begun(url, WITHIN_S)

    async def come_back(self, name: str, answered: Answered) -> str:
        """Whither the browser goes on. Raises `Refused`: `unauthorized` for a state that is not good."""
        provider = self._provider(name)
        flow = await self._store.come_back(oauth_flow.stored(answered.state), provider.name)
        if flow is None:
            self._metrics.count("oauth_refused")
            raise Refused(Code.unauthorized, "this login is unknown, was used, or took too long")
        if answered.error or not answered.code or len(answered.code) > CODE_CHARS:
            denied = answered.error in ("access_denied", "user_cancelled_authorize")
            return self._failed(flow.redirect, "access_denied" if denied else "service_error")
        if answered.iss and answered.iss != provider.issuer:  # RFC 9207: another service's answer
            return self._failed(flow.redirect, "service_error")
        try:
            said = await self._service(name).said(
                answered.code,
                oauth_flow.words(self._sealer, answered.state),
                self._callback(name),
                answered.user,
            )
        except Unheard as unheard:
            _log.warning("a login by another service failed", kind=name, reason=str(unheard))
            return self._failed(flow.redirect, "service_error")
        code = oauth_flow.new_word(self._random)
        sealed = self._sealer.seal(msgspec.json.encode(said), FIELD, flow.id.bytes)
        await self._store.keep(flow.id, oauth_flow.stored(code), sealed, CODE_S)
        return oauth_flow.back(flow.redirect, code=code)

    async def end(self, code: str, verifier: str) -> Vouched:
        """What the service said. A wrong verifier uses the code up. Raises `Refused`: `unauthorized`."""
        flow = await self._store.end(oauth_flow.stored(code))
        if flow is None or not oauth_flow.proves(verifier, flow.challenge):
            raise self._over()
        provider = self._desk.providers.get(flow.provider)
        if provider is None:
            raise self._over()
        try:
            said = _SAID.decode(self._sealer.open(flow.said_sealed, FIELD, flow.id.bytes))
        except Unsealable:
            raise self._over() from None
        return Vouched(provider, said, flow.person, flow.session)

    def _provider(self, name: str) -> Provider:
        provider = self._desk.providers.get(name)
        if provider is None:
            raise Refused(Code.not_found, "nobody logs in by a service of this name here")
        return provider

    def _service(self, name: str) -> Service:
        return self._desk.services[name]

    def _callback(self, name: str) -> str:
        return f"{self._desk.public_url}/v1/oauth/callback/{name}"

    def _failed(self, redirect: str, error: str) -> str:
        self._metrics.count("oauth_refused")
        return oauth_flow.back(redirect, error=error)

    def _over(self) -> Refused:
        self._metrics.count("oauth_refused")
        return Refused(Code.unauthorized, "this code is unknown, was used, or is another app's")

    def _away(self, unheard: Unheard) -> Refused:
        _log.warning("a service does not answer", reason=str(unheard))
        return Refused(Code.unavailable, "this service does not answer just now; try again later")
