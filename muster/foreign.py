"""Foreign tokens: what a token of a trusted issuer says of somebody.

Owns when such a token is believed. Must never believe an algorithm that its issuer is not listed with, a key that
came with the token (`jku`, `x5u`, `jwk` and `x5c` are not even read), or a token without an end.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import jwt
from msgspec import Struct

from muster.clock import Clock
from muster.errors import Refused
from muster.issuers import Issuer
from muster.jwks import KID_CHARS, KeySet
from proto.codes import Code

TOKEN_CHARS: Final = 16_384
SUBJECT_CHARS: Final = 255
LEEWAY_S: Final = 30
"""How far their clock may be off ours."""

_OPTIONS: Final[Any] = {
    # The times are checked here, by the clock that was passed in; the subject may be another claim.
    "require": ["iss", "aud", "exp", "iat"],
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
    "verify_sub": False,
    "verify_jti": False,
}


class Known(Struct, frozen=True, gc=False):
    """Whom an issuer says somebody is. Its repr hides them."""

    issuer: Issuer
    subject: str
    handle: str
    name: str

    def __repr__(self) -> str:
        return f"Known({self.issuer.issuer})"


class Foreign:
    """Verifies tokens of trusted issuers."""

    def __init__(
        self, issuers: Mapping[str, Issuer], keys: Mapping[str, KeySet], clock: Clock
    ) -> None:
        """Both by `iss`."""
        self._issuers = issuers
        self._keys = keys
        self._clock = clock

    async def verify(self, token: str) -> Known:
        """Whom `token` is about. Raises `Refused`: `token_expired`, `unavailable`, else `unauthorized`."""
        return _known(*await self.read(token))

    async def read(self, token: str) -> tuple[Mapping[str, Any], Issuer]:
        """All that `token` says, and who says so. Raises `Refused` as `verify`."""
        if len(token) > TOKEN_CHARS:
            raise _unknown()
        header, issuer = self._claimed(token)
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in issuer.algorithms or "crit" in header or header.get("b64") is False:
            raise _unknown()
        if kid is not None and (not isinstance(kid, str) or len(kid) > KID_CHARS):
            raise _unknown()
        key = await self._keys[issuer.issuer].key(kid, algorithm)
        if key is None:
            raise _unknown()
        try:
            said = jwt.decode(
                token,
                key.material(algorithm),
                algorithms=[algorithm],
                audience=issuer.audiences,
                issuer=issuer.issuer,
                options=_OPTIONS,
            )
        except (jwt.PyJWTError, ValueError, TypeError, KeyError, RecursionError):
            raise _unknown() from None
        self._in_time(said, issuer)
        return said, issuer

    def _claimed(self, token: str) -> tuple[Mapping[str, Any], Issuer]:
        """The header, and the issuer whose rules apply: nothing of it is believed yet."""
        try:
            unverified: Any = jwt.decode_complete(token, options={"verify_signature": False})
            header, said = unverified["header"], unverified["payload"]
            issuer = self._issuers.get(said.get("iss"))
        except (jwt.PyJWTError, ValueError, TypeError, AttributeError, RecursionError):
            raise _unknown() from None
        if issuer is None:
            raise _unknown()
        return header, issuer

    def _in_time(self, said: Mapping[str, Any], issuer: Issuer) -> None:
        now_s = self._clock.now_ms() / 1_000
        issued, ends, begins = (_moment(said, name) for name in ("iat", "exp", "nbf"))
        if issued is None or ends is None or ("nbf" in said and begins is None):
            raise _unknown()
        if max(issued, begins or 0) > now_s + LEEWAY_S:
            raise _unknown()
        if ends + LEEWAY_S <= now_s or issued + issuer.max_age_s + LEEWAY_S <= now_s:
            raise Refused(Code.token_expired, "this token is too old; get a new one")


def _moment(said: Mapping[str, Any], name: str) -> float | None:
    value = said.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _known(said: Mapping[str, Any], issuer: Issuer) -> Known:
    claims = issuer.claims
    subject = said.get(claims.subject)
    if isinstance(subject, int) and not isinstance(subject, bool):
        subject = str(subject)
    if not isinstance(subject, str) or not 1 <= len(subject) <= SUBJECT_CHARS:
        raise _unknown()
    if not subject.isprintable():
        raise _unknown()
    handle, name = said.get(claims.handle), said.get(claims.name)
    return Known(
        issuer,
        subject,
        handle if isinstance(handle, str) else "",
        name if isinstance(name, str) else "",
    )


def _unknown() -> Refused:
    return Refused(Code.unauthorized, "this is not a token that lets anybody in here")
