"""Whom the mocks take for real: Apple's teams with their keys, Google's service account.

Owns these shapes. Must never hold a private key: those are in the worker's files (kit.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

World = Literal["production", "sandbox"]

SCOPE: Final = "https://www.googleapis.com/auth/firebase.messaging"
GOOGLE_AUDIENCE: Final = "https://oauth2.googleapis.com/token"


class ApnsKey(NamedTuple):
    """One signing key of a team. `world`: the only one it is for; None: both."""

    team: str
    public: EllipticCurvePublicKey
    world: World | None = None


class Apple(NamedTuple):
    """Keys by their id, and the bundle ids that their team may push to."""

    keys: Mapping[str, ApnsKey]
    topics: frozenset[str]


class Google(NamedTuple):
    """One service account. `audience`: its own token address; Google's is taken as well."""

    email: str
    project: str
    public: RSAPublicKey
    audience: str
