"""Requests that a service key signs, instead of being shown in them.

    Authorization: Muster-HMAC key=<id>, at=<Unix ms>, nonce=<random>, sha256=<of the body>, signature=<hex>

    signed is    muster-hmac-1 \\n method \\n path and query as sent \\n at \\n nonce \\n sha256 of the body
    with         SHA-256("muster signed request" and the secret of the key), by HMAC-SHA-256

Whoever reads a request in a log or at a proxy has nothing: not the key, and not a second use of what was signed. Owns
this form, and what is fresh. Pure. Must never compare but in constant time.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Final, NamedTuple
from uuid import UUID

from muster.errors import Refused
from proto.codes import Code

SCHEME: Final = b"muster-hmac"
APART_MS: Final = 300_000
"""How far the clocks of the app's servers may be from ours."""

_VERSION: Final = "muster-hmac-1"
_HEADER: Final = re.compile(
    rb"key=(?P<key>[0-9a-f]{32}), ?at=(?P<at>[0-9]{1,15}), ?nonce=(?P<nonce>[A-Za-z0-9_-]{16,64}),"
    rb" ?sha256=(?P<sha256>[0-9a-f]{64}), ?signature=(?P<signature>[0-9a-f]{64})"
)


class Asked(NamedTuple):
    """A request, as it came: method, and path and query not decoded."""

    method: str
    target: bytes


class Signed(NamedTuple):
    """What the header says."""

    key: UUID
    at_ms: int
    nonce: str
    sha256: str
    signature: str

    def __repr__(self) -> str:
        return f"Signed({self.key})"

    def is_fresh(self, now_ms: int) -> bool:
        """Whether it was signed about now."""
        return abs(now_ms - self.at_ms) <= APART_MS

    def fits(self, asked: Asked, key: bytes) -> bool:
        """Whether `key` signed this request."""
        wanted = _signature(asked, self, key)
        return hmac.compare_digest(wanted, self.signature)

    def covers(self, body: bytes) -> bool:
        """Whether this is the body that was signed."""
        return hmac.compare_digest(hashlib.sha256(body).hexdigest(), self.sha256)


def read_signed(header: bytes) -> Signed | None:
    """What an Authorization header says; None if it is of another scheme. Raises `Refused`: `unauthorized`."""
    scheme, _, rest = header.partition(b" ")
    if scheme.lower() != SCHEME:
        return None
    found = _HEADER.fullmatch(rest.strip())
    if found is None:
        raise Refused(
            Code.unauthorized,
            "send Authorization: Muster-HMAC key=..., at=..., nonce=..., sha256=..., signature=...",
        )
    said = {name: value.decode() for name, value in found.groupdict().items()}
    return Signed(
        UUID(hex=said["key"]), int(said["at"]), said["nonce"], said["sha256"], said["signature"]
    )


def sign(asked: Asked, body: bytes, key: tuple[UUID, bytes], at_ms: int, nonce: str) -> str:
    """The header for this request. `key`: its id, and what it signs with (`service_keys.signing_key`)."""
    signed = Signed(key[0], at_ms, nonce, hashlib.sha256(body).hexdigest(), "")
    signature = _signature(asked, signed, key[1])
    return (
        f"Muster-HMAC key={key[0].hex}, at={at_ms}, nonce={nonce}, sha256={signed.sha256},"
        f" signature={signature}"
    )


def _signature(asked: Asked, signed: Signed, key: bytes) -> str:
    said = [_VERSION, asked.method, asked.target.decode("latin-1"), str(signed.at_ms)]
    text = "\n".join([*said, signed.nonce, signed.sha256])
    return hmac.new(key, text.encode("latin-1"), hashlib.sha256).hexdigest()
