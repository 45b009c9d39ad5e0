"""Trusted issuers: whose tokens let people in, as the operator wrote it down.

Owns the shape of MUSTER_TRUSTED_ISSUERS and what in it cannot be. Must never fetch or verify anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from muster.setting import SettingsError

ISSUERS_MOST: Final = 20
ALGORITHMS: Final = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
"""With public keys alone. An HMAC would need the issuer's secret here, and tempts to verify with a public key."""

_NAME: Final = "MUSTER_TRUSTED_ISSUERS"
_FILE_BYTES: Final = 262_144


class ClaimMap(Struct, frozen=True, forbid_unknown_fields=True):
    """Which claim says what. `handle` and `name` may be missing from a token."""

    subject: str = "sub"
    handle: str = "preferred_username"
    name: str = "name"


class Issuer(Struct, frozen=True, forbid_unknown_fields=True):
    """One issuer.

    Its keys stand at `jwks_url`, or inline as `jwks`. `max_age_s`: how old a token may be since `iat`. `update`: a
    name that changed there changes here. `external`: its subjects are what the app's service keys call people, so
    that both mean the same person; at most one issuer has it.
    """

    issuer: Annotated[str, Meta(min_length=1, max_length=500)]
    audience: Annotated[list[str], Meta(min_length=1, max_length=20)] | str
    jwks_url: str | None = None
    jwks: dict[str, Any] | None = None
    claims: ClaimMap = ClaimMap()
    algorithms: Annotated[tuple[str, ...], Meta(min_length=1)] = ("RS256", "ES256")
    max_age_s: Annotated[int, Meta(ge=10, le=31 * 86_400)] = 86_400
    update: bool = False
    external: bool = False

    @property
    def realm(self) -> str:
        """Where its subjects are unique: see `externals` in Postgres."""
        return "" if self.external else self.issuer

    @property
    def audiences(self) -> list[str]:
        return [self.audience] if isinstance(self.audience, str) else self.audience


def parse(setting: str) -> Mapping[str, Issuer]:
    """Issuers by `iss`, from JSON or from the file of this path. Raises `SettingsError`."""
    if not setting:
        return {}
    text = setting if setting.lstrip().startswith(("[", "{")) else _file(setting)
    try:
        raw = msgspec.json.decode(text)
        found = msgspec.convert(raw if isinstance(raw, list) else [raw], list[Issuer])
    except msgspec.MsgspecError as error:
        raise SettingsError(f"{_NAME} is not a list of issuers: {error}.") from None
    for one in found:
        _check(one)
    by_name = {one.issuer: one for one in found}
    if len(by_name) < len(found) or len(found) > ISSUERS_MOST:
        raise SettingsError(f"{_NAME} names at most {ISSUERS_MOST} issuers, each once.")
    if sum(one.external for one in found) > 1:
        raise SettingsError(f"{_NAME} has more than one issuer with `external`.")
    return by_name


def _file(path: str) -> str:
    try:
        with Path(path).open(encoding="utf-8") as file:
            return file.read(_FILE_BYTES)
    except (OSError, ValueError) as error:
        raise SettingsError(f"{_NAME} is no JSON and no file that can be read: {error}.") from None


def _check(one: Issuer) -> None:
    if (one.jwks_url is None) == (one.jwks is None):
        raise SettingsError(f"{_NAME}: {one.issuer} has either `jwks_url` or `jwks`.")
    if foreign := sorted({*one.algorithms} - ALGORITHMS):
        raise SettingsError(f"{_NAME}: {foreign[0]} is not among {', '.join(sorted(ALGORITHMS))}.")
    if one.jwks_url is not None:
        parts = urlsplit(one.jwks_url)
        local = parts.hostname in ("localhost", "127.0.0.1", "::1")
        if parts.scheme != "https" and not (parts.scheme == "http" and local):
            raise SettingsError(f"{_NAME}: the `jwks_url` of {one.issuer} begins with https://.")
