"""OpenID providers: their document, the address to log in at, and what an id token says of somebody.

    url    the address there, with state, nonce and our challenge (S256)
    said   the service's code, for an id token that it signed for us, for this nonce

Owns that an id token is believed by the provider's keys (muster/foreign.py), and only in answer to the very login that
was begun. Must never take an address from anywhere but the document of the issuer that the operator named.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any, Final

import jwt
import msgspec
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from msgspec import Struct

from muster.clock import Clock
from muster.email import email
from muster.errors import Refused
from muster.foreign import Foreign
from muster.issuers import Issuer
from muster.jwks import KeySet, Unfetched
from muster.oauth_flow import Said, Words
from muster.oauth_provider import Provider
from muster.oauth_talk import Talk, Unheard

FRESH_S: Final = 3_600.0
SECRET_S: Final = 300
"""How long a secret is good that is signed for Apple."""

TOKEN_MOST_S: Final = 600
"""How old an id token may be: it was made for us just now."""

_SHOWN_CHARS: Final = 200


class Document(Struct, frozen=True):
    """What a provider says of itself (OpenID Connect Discovery)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class OpenId:
    """One provider."""

    def __init__(self, provider: Provider, talk: Talk, clock: Clock) -> None:
        self._provider = provider
        self._talk = talk
        self._clock = clock
        self._kept: tuple[Document, float] | None = None
        issuer = Issuer(
            provider.issuer,
            provider.client_id,
            algorithms=provider.algorithms,
            max_age_s=TOKEN_MOST_S,
        )
        keys = KeySet(self._keys, clock)
        self._foreign = Foreign({issuer.issuer: issuer}, {issuer.issuer: keys}, clock)

    async def url(self, words: Words, callback: str) -> str:
        """Where the browser goes. Raises `Unheard`."""
        document, one = await self._document(), self._provider
        return str(
            prepare_grant_uri(
                document.authorization_endpoint,
                one.client_id,
                "code",
                redirect_uri=callback,
                scope=" ".join(one.scopes),
                state=words.state,
                nonce=words.nonce,
                code_challenge=words.challenge,
                code_challenge_method="S256",
                response_mode="form_post" if one.form_post else None,
            )
        )

    async def said(self, code: str, words: Words, callback: str, more: str) -> Said:
        """What it says of whoever logged in. Raises `Unheard`. `more`: what Apple's form says of the name."""
        document, one = await self._document(), self._provider
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": callback,
            "code_verifier": words.verifier,
        }
        secret = self._signed() if one.kind == "apple" else one.client_secret
        if "client_secret_post" in document.token_endpoint_auth_methods_supported:
            fields |= {"client_id": one.client_id, "client_secret": secret}
            answer = await self._talk.post(document.token_endpoint, fields)
        else:
            answer = await self._talk.post(document.token_endpoint, fields, (one.client_id, secret))
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise Unheard("no id token")
        try:
            claims, _ = await self._foreign.read(token)
        except Refused as refused:
            raise Unheard(f"id token: {refused.code.name}") from None
        return self._judged(claims, words, more)

    def _judged(self, claims: Mapping[str, Any], words: Words, more: str) -> Said:
        nonce, subject = claims.get("nonce"), claims.get("sub")
        if not isinstance(nonce, str) or not hmac.compare_digest(
            nonce.encode(), words.nonce.encode()
        ):
            raise Unheard("nonce")
        audience = claims.get("aud")
        several = isinstance(audience, list) and len(audience) > 1
        if claims.get("azp", None if several else self._provider.client_id) != (
            self._provider.client_id
        ):
            raise Unheard("authorized party")
        if (
            not isinstance(subject, str)
            or not 1 <= len(subject) <= 255
            or not subject.isprintable()
        ):
            raise Unheard("subject")
        # Apple writes it as a text.
        verified = claims.get("email_verified") in (True, "true")
        return Said(
            subject,
            _shown(claims.get("preferred_username")),
            _shown(claims.get("name")) or _name_of(more),
            checked(claims.get("email")) if verified else "",
        )

    async def _document(self) -> Document:
        now = self._clock.monotonic()
        if self._kept is not None and now - self._kept[1] < FRESH_S:
            return self._kept[0]
        url = f"{self._provider.issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            document = msgspec.convert(await self._talk.get(url), Document)
        except msgspec.ValidationError:
            raise Unheard("document") from None
        if document.issuer != self._provider.issuer:
            raise Unheard("issuer")
        self._kept = document, now
        return document

    async def _keys(self) -> bytes:
        try:
            return (await self._talk.raw((await self._document()).jwks_uri)).body
        except Unheard as unheard:
            raise Unfetched(str(unheard)) from None

    def _signed(self) -> str:
        """Apple's way: a secret that says who we are, signed with the team's key. Raises `Unheard`."""
        one, now_s = self._provider, self._clock.now_ms() // 1_000
        claims = {
            "iss": one.team_id,
            "iat": now_s,
            "exp": now_s + SECRET_S,
            "aud": one.issuer,
            "sub": one.client_id,
        }
        try:
            return jwt.encode(claims, one.client_secret, "ES256", {"kid": one.key_id})
        except (ValueError, TypeError, jwt.PyJWTError):
            raise Unheard("key") from None


def checked(address: object) -> str:
    """The address, if it is one."""
    if not isinstance(address, str):
        return ""
    try:
        return email(address).address
    except Refused:
        return ""


def _shown(value: object) -> str:
    return value[:_SHOWN_CHARS] if isinstance(value, str) else ""


def _name_of(more: str) -> str:
    """Apple tells the name once, beside the code, and signs it not: it is a wish, like any name."""
    try:
        name = msgspec.json.decode(more or "{}", type=dict[str, Any]).get("name")
    except (msgspec.MsgspecError, RecursionError):
        return ""
    if not isinstance(name, dict):
        return ""
    return " ".join(filter(None, (_shown(name.get("firstName")), _shown(name.get("lastName")))))
