"""How refresh tokens rotate: pure rules, by which a lost answer logs nobody out.

    T presented the first time    -> its successor S is made; T is *used*
    T presented again, S unused   -> the very same S: the answer had been lost, or 50 requests came at once
    S presented                   -> T is *retired*; S gets a successor of its own
    T presented after that        -> two parties hold this family: all of it is revoked

A successor is SHA-256 of its predecessor and a salt kept in the database, so it can be answered again although
only its hash is stored: whoever reads the database lacks the token, whoever steals the token lacks the salt.
Owns these rules and how tokens are made. Must never do I/O.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from enum import Enum
from typing import Final

from msgspec import Struct

from muster.ids import Random

SALT_BYTES: Final = 32
_TOKEN_BYTES: Final = 32
_PREFIX: Final = "mrt_"
"""So that a token that leaks into a repository is found by secret scanners."""


class RefreshState(Struct, frozen=True, gc=False):
    """What the database holds about a presented token and its session."""

    expires_at_ms: int
    session_ends_at_ms: int
    retired: bool
    revoked: bool
    banned: bool
    salt: bytes | None


class Verdict(Enum):
    """What becomes of a presented token."""

    ended = "ended"
    reused = "reused"
    first_use = "first_use"
    repeated = "repeated"


def judge(state: RefreshState | None, now_ms: int) -> Verdict:
    """The rule above. An ended session is told before reuse: there is no family left to revoke."""
    if state is None or state.revoked or state.banned or state.session_ends_at_ms <= now_ms:
        return Verdict.ended
    if state.retired:
        return Verdict.reused
    if state.expires_at_ms <= now_ms:
        return Verdict.ended
    return Verdict.repeated if state.salt is not None else Verdict.first_use


def new_token(random: Random) -> bytes:
    """The first token of a family."""
    return random.getrandbits(8 * _TOKEN_BYTES).to_bytes(_TOKEN_BYTES, "big")


def new_salt(random: Random) -> bytes:
    """What makes one successor unguessable."""
    return random.getrandbits(8 * SALT_BYTES).to_bytes(SALT_BYTES, "big")


def successor(token: bytes, salt: bytes) -> bytes:
    """The token that follows `token`."""
    return hashlib.sha256(b"muster refresh" + salt + token).digest()


def stored(token: bytes) -> bytes:
    """What the database keeps instead of the token."""
    return hashlib.sha256(token).digest()


def to_text(token: bytes) -> str:
    """The token as clients hold it."""
    return _PREFIX + base64.urlsafe_b64encode(token).rstrip(b"=").decode()


def from_text(text: str) -> bytes | None:
    """The reverse of `to_text`; `None` for what never was one."""
    if not text.startswith(_PREFIX):
        return None
    try:
        token = base64.b64decode(text[len(_PREFIX) :] + "=", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return token if len(token) == _TOKEN_BYTES else None
