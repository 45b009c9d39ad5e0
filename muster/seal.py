"""Seals: the signature by which a receiver knows a webhook for ours (Standard Webhooks, scheme v1).

Owns the headers and what is signed: id, timestamp and body, joined by dots. Must never send anything.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from typing import Final

from muster.ids import Random

SECRET_BYTES: Final = 32
_PREFIX: Final = "whsec_"


def new_secret(random: Random) -> bytes:
    """Random bytes that only we and the receiver know."""
    return random.getrandbits(8 * SECRET_BYTES).to_bytes(SECRET_BYTES, "big")


def shown(secret: bytes) -> str:
    """The secret as receivers' libraries take it."""
    return _PREFIX + base64.b64encode(secret).decode()


def headers(secrets: Sequence[bytes], id_: str, at_s: int, body: bytes) -> dict[str, str]:
    """The three headers of one attempt; a signature per secret, so that secrets can be changed."""
    signed = b".".join((id_.encode(), str(at_s).encode(), body))
    seals = (base64.b64encode(hmac.digest(secret, signed, "sha256")) for secret in secrets)
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(at_s),
        "webhook-signature": " ".join(f"v1,{seal.decode()}" for seal in seals),
    }
