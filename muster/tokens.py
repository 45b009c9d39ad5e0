"""Access tokens: RS256 JWTs that say who somebody is, on which session and device, for 15 minutes; and the narrow ones
of notification extensions.

Owns what a token claims and when it is believed. Must never ask a database (revocations come from the control
log), believe any algorithm but RS256, or take a kid as anything but a key of the ring.
"""

from __future__ import annotations

import base64
import hashlib
from collections import OrderedDict
from typing import Any, Final
from uuid import UUID

import jwt
from msgspec import Struct
from msgspec.structs import replace

from muster.clock import Clock
from muster.errors import Refused
from muster.ids import DeviceId, PersonId, Random, SessionId, uuid7
from muster.keys import Ring
from muster.permission import ServiceRole
from proto.codes import Code

TYPE: Final = "at+jwt"
EXTENSION_TYPE: Final = "push+jwt"
EXTENSION_PREFIX: Final = "mpe_"
"""Another beginning, type and audience than an access token's: whoever knows those alone believes none of these."""

REMEMBERED_MOST: Final = 20_000
"""Verified tokens kept by hash: checking a signature anew costs 60 us, finding it here 2."""

CLOCK_SKEW_MS: Final = 30_000
"""How far ahead another server's clock may be."""

_REQUIRED: Final = ("iss", "aud", "sub", "sid", "did", "role", "iat", "exp", "jti")


class Claims(Struct, frozen=True, gc=False):
    """What a believed token says."""

    person: PersonId
    session: SessionId
    device: DeviceId
    role: ServiceRole
    issued_at_ms: int
    expires_at_ms: int
    narrow: bool = False
    """Of a notification extension (muster/extension.py)."""


class Tokens:
    """Issues and verifies access tokens with the keys of one ring."""

    def __init__(
        self, ring: Ring, issuer: str, audience: str, life_s: int, clock: Clock, random: Random
    ) -> None:
        self._ring = ring
        self._issuer = issuer
        self._audience = audience
        self._clock = clock
        self._random = random
        self._extensions = f"{audience}:push"
        # With the key that signed each: what is remembered of a key that was taken away is worth nothing.
        self._believed: OrderedDict[bytes, tuple[str, Claims]] = OrderedDict()
        self.life_s = life_s

    def issue(
        self, person: PersonId, session: SessionId, device: DeviceId, role: ServiceRole
    ) -> str:
        """A token that is good from now on, for `life_s`."""
        told = {"aud": self._audience, "role": role.value}
        return self._sign(TYPE, (person, session, device), self.life_s, told)

    def issue_extension(
        self, person: PersonId, session: SessionId, device: DeviceId, life_s: int
    ) -> str:
        """A token for the notification extension of this device."""
        told = {"aud": self._extensions, "role": ServiceRole.user.value}
        return EXTENSION_PREFIX + self._sign(
            EXTENSION_TYPE, (person, session, device), life_s, told
        )

    def _sign(
        self,
        kind: str,
        who: tuple[PersonId, SessionId, DeviceId],
        life_s: int,
        told: dict[str, str],
    ) -> str:
        now_ms = self._clock.now_ms()
        # Milliseconds count: a token issued right after "log out everywhere" must not fall under it.
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "sub": str(who[0]),
            "sid": str(who[1]),
            "did": str(who[2]),
            "iat": now_ms / 1000,
            "exp": now_ms / 1000 + life_s,
            "jti": str(uuid7(now_ms, self._random)),
            **told,
        }
        headers = {"kid": self._ring.current_kid, "typ": kind}
        return jwt.encode(claims, self._ring.private_key, algorithm="RS256", headers=headers)

    def verify(self, token: str) -> Claims:
        """What `token` says. Raises `Refused`: `token_expired`, or `unauthorized` for anything else."""
        digest = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        known = self._believed.get(digest)
        if known is None or known[0] not in self._ring.publics:
            known = self._believed[digest] = self._read(token, TYPE, self._audience)
            if len(self._believed) > REMEMBERED_MOST:
                self._believed.popitem(last=False)
        self._believed.move_to_end(digest)
        claims = known[1]
        if claims.expires_at_ms <= self._clock.now_ms():
            raise Refused(Code.token_expired, "the access token has expired; refresh it")
        return claims

    def verify_extension(self, word: str) -> Claims:
        """What the token of an extension says. Raises `Refused` as `verify`. The door asks whether it still stands."""
        if not word.startswith(EXTENSION_PREFIX):
            raise _foreign()
        token = word.removeprefix(EXTENSION_PREFIX)
        _, said = self._read(token, EXTENSION_TYPE, self._extensions)
        claims = replace(said, narrow=True)
        if claims.expires_at_ms <= self._clock.now_ms():
            raise Refused(Code.token_expired, "this token has expired; open the app")
        return claims

    def _read(self, token: str, kind: str, audience: str) -> tuple[str, Claims]:
        """The kid that signed it, and what it says. Raises `Refused`."""
        try:
            header = jwt.get_unverified_header(token)
            kid = header["kid"]
            key = self._ring.public(kid)
            if key is None or header.get("typ") != kind or "crit" in header:
                raise _foreign()
            # The times are checked here, by the clock that was passed in.
            options: Any = {
                "require": list(_REQUIRED),
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            }
            said = jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                audience=audience,
                issuer=self._issuer,
                options=options,
            )
            claims = Claims(
                PersonId(UUID(said["sub"])),
                SessionId(UUID(said["sid"])),
                DeviceId(UUID(said["did"])),
                ServiceRole(said["role"]),
                round(said["iat"] * 1000),
                round(said["exp"] * 1000),
            )
        except (jwt.PyJWTError, KeyError, ValueError, TypeError, AttributeError, OverflowError):
            raise _foreign() from None
        if claims.issued_at_ms > self._clock.now_ms() + CLOCK_SKEW_MS:
            raise _foreign()
        return kid, claims


def _foreign() -> Refused:
    return Refused(Code.unauthorized, "this is not an access token of this service")


def jwks(ring: Ring) -> dict[str, list[dict[str, str]]]:
    """The public keys, for services that verify our tokens by themselves (RFC 7517)."""
    return {
        "keys": [
            {
                "kty": "RSA",
                "use": "sig",
                "alg": "RS256",
                "kid": kid,
                "n": _base64url(key.public_numbers().n),
                "e": _base64url(key.public_numbers().e),
            }
            for kid, key in ring.publics.items()
        ]
    }


def _base64url(number: int) -> str:
    octets = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
