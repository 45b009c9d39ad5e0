"""Key sets of trusted issuers: which key a kid is, fetched when needed and never more often than that.

    read_keys   a JWKS document -> its keys that may verify (pure)
    KeySet      one issuer's keys, kept and renewed

Owns when keys are fetched: an unknown kid has them fetched again, but not more than once in FLOOR_S however many
unknown kids come, and one fetch serves all who wait; an issuer that does not answer is asked less and less often. Must
never take a key, or where to find one, from a token.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, NamedTuple

import jwt
import msgspec

from muster.breaker import Breaker
from muster.clock import Clock
from muster.egress import Egress, Forbidden, Unanswered, check_url
from muster.errors import Refused
from muster.issuers import Issuer
from muster.telemetry import get_logger
from proto.codes import Code

DOCUMENT_BYTES: Final = 262_144
FETCH_WITHIN_S: Final = 4.0
KEYS_MOST: Final = 100
KID_CHARS: Final = 500
FRESH_S: Final = 3_600.0
"""How long keys are taken as they are; then they are fetched again, and the old ones serve if that fails."""

STALE_S: Final = 86_400.0
"""Beyond this keys that could not be renewed verify nothing: the issuer may have taken them back."""

FLOOR_S: Final = 30.0
"""Between two fetches, whatever comes."""

_LEAST_RSA_BITS: Final = 2_048
_SHAPES: Final[dict[str, tuple[str, str | None]]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", None)),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", None),
}
_log = get_logger()

Fetch = Callable[[], Awaitable[bytes]]
"""The document of one issuer. Raises `Unfetched`."""


class Unfetched(Exception):
    """The document could not be had."""


class Key(NamedTuple):
    """A public key, and the one algorithm it says it is for, if it says so."""

    jwk: Mapping[str, Any]
    algorithm: str | None

    def fits(self, algorithm: str) -> bool:
        """Whether it may verify this algorithm: by type, by curve and by its own word."""
        kind, curve = _SHAPES[algorithm]
        return (
            self.jwk.get("kty") == kind
            and (curve is None or self.jwk.get("crv") == curve)
            and self.algorithm in (None, algorithm)
        )

    def material(self, algorithm: str) -> Any:
        """The key as PyJWT takes it. Raises `jwt.PyJWTError`."""
        key = jwt.PyJWK(dict(self.jwk), algorithm=algorithm).key
        if getattr(key, "key_size", _LEAST_RSA_BITS) < _LEAST_RSA_BITS and self.jwk["kty"] == "RSA":
            raise jwt.InvalidKeyError("an RSA key has at least 2048 bits")
        return key


def fetching(egress: Egress, issuer: Issuer) -> Fetch:
    """How the document of `issuer` is had: it stands in the settings, or at the address that they name."""

    async def inline() -> bytes:
        return msgspec.json.encode(issuer.jwks)

    async def fetched() -> bytes:
        try:
            target = check_url(issuer.jwks_url or "")
            answer = await egress.ask(
                "GET", target, {}, within_s=FETCH_WITHIN_S, most_bytes=DOCUMENT_BYTES
            )
        except (Forbidden, Unanswered) as failed:
            raise Unfetched(str(failed)) from None
        if answer.status != 200 or not answer.whole:
            raise Unfetched("no document of a bearable size")
        return answer.body

    return inline if issuer.jwks is not None else fetched


def read_keys(document: bytes) -> dict[str, Key]:
    """Keys by kid; one without a kid is "". What cannot verify is left out. Raises `Unfetched`."""
    try:
        raw = msgspec.json.decode(document)
        listed = raw["keys"]
    except (msgspec.MsgspecError, KeyError, TypeError, RecursionError):
        raise Unfetched("this is no JWKS") from None
    if not isinstance(listed, list) or len(listed) > KEYS_MOST:
        raise Unfetched(f"a JWKS is a list of at most {KEYS_MOST} keys")
    keys: dict[str, Key] = {}
    for jwk in listed:
        if not isinstance(jwk, dict) or jwk.get("use", "sig") != "sig":
            continue
        operations, kid, algorithm = jwk.get("key_ops"), jwk.get("kid", ""), jwk.get("alg")
        if isinstance(operations, list) and "verify" not in operations:
            continue
        if jwk.get("kty") in ("RSA", "EC", "OKP") and isinstance(kid, str):
            keys[kid] = Key(jwk, algorithm if isinstance(algorithm, str) else None)
    return keys


class KeySet:
    """One issuer's keys."""

    def __init__(self, fetch: Fetch, clock: Clock, breaker: Breaker | None = None) -> None:
        self._fetch = fetch
        self._clock = clock
        self._breaker = breaker
        self._keys: dict[str, Key] = {}
        self._renewed: float | None = None
        self._tried: float | None = None
        self._fetching = asyncio.Lock()

    async def key(self, kid: str | None, algorithm: str) -> Key | None:
        """The key of this kid for this algorithm. Without a kid, the only one that fits.

        Raises `Refused`: `unavailable` if no keys can be had.
        """
        found = self._find(kid, algorithm) if self._age() < FRESH_S else None
        if found is None and self._due():
            await self._renew()
        if self._age() >= STALE_S:
            raise Refused(
                Code.unavailable, "the issuer's keys cannot be had just now; try again later"
            )
        return self._find(kid, algorithm)

    def _age(self) -> float:
        return float("inf") if self._renewed is None else self._clock.monotonic() - self._renewed

    def _due(self) -> bool:
        now_s = self._clock.monotonic()
        if self._breaker is not None and self._breaker.held_s(now_s):
            return False
        return self._tried is None or now_s - self._tried >= FLOOR_S

    async def _renew(self) -> None:
        async with self._fetching:
            if not self._due():  # somebody fetched while this one waited
                return
            self._tried = self._clock.monotonic()
            try:
                self._keys = read_keys(await self._fetch())
            except Unfetched:
                _log.warning("keys of a trusted issuer not fetched")
                if self._breaker is not None:
                    self._breaker.fault("unfetched", self._clock.monotonic())
                return
            if self._breaker is not None:
                self._breaker.good()
            self._renewed = self._clock.monotonic()

    def _find(self, kid: str | None, algorithm: str) -> Key | None:
        if kid is not None:
            named = self._keys.get(kid)
            return named if named is not None and named.fits(algorithm) else None
        fitting = [key for key in self._keys.values() if key.fits(algorithm)]
        return fitting[0] if len(fitting) == 1 else None
