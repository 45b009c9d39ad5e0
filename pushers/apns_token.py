"""Apple's provider tokens: an ES256 JWT that names our team, signed with its key.

Owns what a token claims. Apple takes one for an hour and refuses those that change within 20 minutes.
"""

from __future__ import annotations

from typing import Final

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from muster.clock import Clock
from muster.token_shelf import TokenShelf
from pushers.minting import Account, Minted, Tokens

LIFE_S: Final = 50 * 60.0
GRACE_S: Final = 5 * 60.0
LEAST_AGE_S: Final = 20 * 60.0


class BadKey(ValueError):
    """This is no key that signs for a provider; the message is one plain sentence."""


def read_key(pem: bytes) -> EllipticCurvePrivateKey:
    """The .p8 that Apple hands out. Raises `BadKey`."""
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        raise BadKey("an APNs key is a PEM without a password, as Apple hands it out") from None
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise BadKey("an APNs key is one of the curve P-256")
    return key


def provider_tokens(
    team: str, key_id: str, key: EllipticCurvePrivateKey, shelf: TokenShelf, clock: Clock
) -> Tokens:
    """The tokens of one team and key."""

    async def mint() -> Minted:
        claims = {"iss": team, "iat": clock.now_ms() // 1000}
        token = jwt.encode(claims, key, algorithm="ES256", headers={"kid": key_id})
        return Minted(token, LIFE_S)

    account = Account(f"apns:{team}:{key_id}", LIFE_S, GRACE_S, LEAST_AGE_S)
    return Tokens(account, mint, shelf, clock)
