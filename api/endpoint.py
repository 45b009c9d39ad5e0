"""What happens to every request, in this order: which app, who, may they, how often, is it well-formed, is it a repeat.

Owns the walk from a matched route to its answer. Must never know what any one route is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple, Protocol

import msgspec
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.form import parts_of
from api.limits import Limits, tell
from api.once import Once
from api.problems import problem
from api.reading import BodyReader, Gone, check_media, read_body, read_path, read_query
from api.route import Call, Raw, Reply, Route
from api.validator import JSON, validated
from muster.agreements import Agreements
from muster.clock import Clock
from muster.encoded import Encoded
from muster.errors import Refused
from muster.extension import Extensions
from muster.ids import PersonId, Random, SessionId, uuid7
from muster.route_rules import RouteRule
from muster.security_events import Kind, Watch
from muster.service_keys import PREFIX, ServiceKey, ServiceKeys
from muster.signed_request import Asked, Signed, read_signed
from muster.telemetry import get_logger
from muster.tokens import EXTENSION_PREFIX, Claims, Tokens
from muster.tolls import Overdrawn
from muster.versions import check_version
from proto.codes import Code
from proto.limits import CLIENT_ID_CHARS

CLIENT_HEADER: Final = b"muster-client"
"""What app asks: platform/version, as `ios/2.11.0`. Who does not say it (a script, a probe) is not asked."""

_STANDING: Final = "muster.standing"
"""Where somebody stands with their limits, whatever they are answered."""

_encode: Final = msgspec.json.Encoder().encode
_log = get_logger()


class Revocations(Protocol):
    """Which sessions are over: muster/control.py, kept true from the control log."""

    def revoked(self, session: SessionId) -> bool: ...


class Gate(NamedTuple):
    """What every endpoint asks on the way."""

    tokens: Tokens
    control: Revocations
    limits: Limits
    once: Once
    clock: Clock
    random: Random
    keys: ServiceKeys
    extensions: Extensions
    min_version: str = ""
    agreements: Agreements | None = None
    watch: Watch | None = None


class Endpoint:
    """One route as an ASGI application."""

    def __init__(self, route: Route, rule: RouteRule, gate: Gate) -> None:
        self.route = route
        self._rule = rule
        self._gate = gate
        self._reader = BodyReader(route.body) if route.body is not None else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = await self._answer(scope, receive)
        except Refused as refused:
            response = problem(refused)
            if isinstance(refused, Overdrawn):
                scope[_STANDING] = refused.standing
            if self.route.stream:
                # What was not read of the body is in the way of the next request.
                response.headers["Connection"] = "close"
        except Gone:
            return
        except Exception as fault:  # noqa: BLE001  # the last stop: a bug of ours is a 500 and a log line
            _log.error("request failed", route=self.route.path, exc_info=fault)
            response = problem(Refused(Code.internal, "the server has a fault; it has been noted"))
        tell(response, scope.get(_STANDING))
        await response(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        route, gate = self.route, self._gate
        headers: dict[bytes, bytes] = dict(scope["headers"])
        said = headers.get(CLIENT_HEADER)
        if said is not None:
            check_version(_version(said), gate.min_version)
        address = scope["client"][0] if scope.get("client") else ""
        scope[_STANDING] = await gate.limits.enter(route.limit, address)
        signed = None if self._rule.anyone else read_signed(headers.get(b"authorization", b""))
        who = None if self._rule.anyone else await self._known(scope, headers, signed, address)
        try:
            path = read_path(scope["path_params"])
        except Refused:
            if who is not None:  # what names nothing costs as much as what does
                await gate.limits.take(route.limit, address, who, {})
            raise
        if who is not None:
            scope[_STANDING] = await gate.limits.take(route.limit, address, who, path)
            await self._agreed(who)
        query = read_query(route.query, scope["query_string"]) if route.query else None
        data, body = b"", None
        if self._reader is not None:
            check_media(headers)
            data = await read_body(scope, receive)
            if signed is not None and not signed.covers(data):
                raise Refused(Code.unauthorized, "the body is not the one that was signed")
            body = self._reader.read(data or b"{}") if route.bare else self._reader.read(data)
        key = _key(headers)
        client_id = key or str(uuid7(gate.clock.now_ms(), gate.random))
        call = Call(who, path, query, body, client_id, address)
        if route.stream:
            call.incoming = headers.get(b"content-type", b""), parts_of(receive)
        if key is None or not route.kept:
            return self._render(await route.handler(call), headers)
        return await gate.once.answer(
            _asker(who),
            key,
            (route.method, scope["path"], data),
            lambda: self._handle(call, headers),
        )

    async def _handle(self, call: Call, headers: Mapping[bytes, bytes]) -> Response:
        try:
            return self._render(await self.route.handler(call), headers)
        except Refused as refused:
            return problem(refused)

    async def _agreed(self, who: Claims | ServiceKey) -> None:
        """A person has accepted the terms in force, or asks for what needs that not."""
        agreements = self._gate.agreements
        if agreements is not None and not self._rule.unagreed and isinstance(who, Claims):
            await agreements.check(who.person)

    async def _known(
        self, scope: Scope, headers: Mapping[bytes, bytes], signed: Signed | None, address: str
    ) -> Claims | ServiceKey:
        """Who asks. Tokens that are none are counted by address; those that have expired are not.

        A good one is never refused for the others' sake: many people may be behind the same address.
        """
        try:
            return await self._authenticate(scope, headers, signed)
        except Refused as refused:
            if refused.code is Code.unauthorized and b"authorization" in headers:
                await self._gate.limits.bad_token(address)
            raise

    async def _authenticate(
        self, scope: Scope, headers: Mapping[bytes, bytes], signed: Signed | None
    ) -> Claims | ServiceKey:
        if signed is not None:
            return self._for_that(await self._gate.keys.verify_signed(_asked(scope), signed))
        scheme, _, token = headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() != b"bearer" or not token:
            raise Refused(Code.unauthorized, "send the access token: Authorization: Bearer ...")
        word = token.strip().decode("latin-1")
        if word.startswith(PREFIX):
            return self._for_that(await self._gate.keys.verify(word))
        if self._rule.extension and word.startswith(EXTENSION_PREFIX):
            return await self._gate.extensions.verify(word)
        claims = self._gate.tokens.verify(word)
        if self._gate.control.revoked(claims.session):
            raise Refused(Code.unauthorized, "this session is over; log in")
        if claims.role not in self._rule.roles:
            if self._gate.watch is not None:
                await self._gate.watch.refused(claims.person, Kind.staff_refused, claims.session)
            raise Refused(Code.permission_denied, "your role does not allow that")
        return claims

    def _for_that(self, key: ServiceKey) -> ServiceKey:
        if self._rule.scope not in key.scopes:
            raise Refused(Code.permission_denied, "this service key is not for that")
        return key

    def _render(self, answer: object, headers: Mapping[bytes, bytes]) -> Response:
        status = self.route.status
        more: Mapping[str, str] = {}
        if isinstance(answer, Response):
            return answer
        if isinstance(answer, Raw):
            return Response(
                answer.content, answer.status or status, answer.headers, answer.media_type
            )
        if isinstance(answer, Reply):
            status, more, answer = answer.status or status, answer.headers, answer.body
        if answer is None:
            return Response(None, 302 if status == 302 else 204, more)
        if self.route.etag:
            encoded = answer if isinstance(answer, Encoded) else Encoded(_encode(answer))
            return validated(encoded, headers, status, more)
        return Response(_encode(answer), status, more, JSON)


def _asked(scope: Scope) -> Asked:
    """The request as its sender wrote it."""
    target: bytes = scope["raw_path"]
    if scope["query_string"]:
        target = target + b"?" + scope["query_string"]
    return Asked(scope["method"], target)


def _asker(who: Claims | ServiceKey | None) -> PersonId | None:
    """Whose Idempotency-Key it is."""
    if isinstance(who, ServiceKey):
        return PersonId(who.id)
    return None if who is None else who.person


def _version(said: bytes) -> str:
    """The version of a Muster-Client header; what is not of that form is the oldest there can be."""
    return said.decode("latin-1").partition("/")[2].strip().partition(" ")[0]


def _key(headers: Mapping[bytes, bytes]) -> str | None:
    """The Idempotency-Key. It becomes the client id of ops, so it has the bounds of one."""
    raw = headers.get(b"idempotency-key")
    if raw is None:
        return None
    key = raw.decode("latin-1")
    if not 1 <= len(key) <= CLIENT_ID_CHARS or not key.isascii() or not key.isprintable():
        raise Refused(
            Code.bad_request, f"an Idempotency-Key has 1 to {CLIENT_ID_CHARS} printable characters"
        )
    return key
