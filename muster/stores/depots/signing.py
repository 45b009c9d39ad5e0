"""Signed addresses of our own: what may be uploaded, and what may be read until when.

    policy     key, type, most bytes, end   -> base64 of JSON, and its HMAC-SHA256
    link       key, type, name, end         -> a query, and the HMAC-SHA256 of all of it

Owns what is signed and how it is checked. Pure: must never read a clock or a file.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from typing import Final
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from muster.depot import KEY, MEDIA, QUARANTINE, Served
from muster.errors import Refused
from proto.codes import Code

POLICY_CHARS: Final = 2_000
_UPLOAD: Final = b"muster-upload\n"
_LINK: Final = b"muster-link\n"


class Policy(Struct, frozen=True):
    """One upload: under which key, of which type, how large, begun before when."""

    key: str
    type: str
    most_bytes: int
    until_ms: int


_POLICY: Final = msgspec.json.Decoder(Policy)


Secrets = Callable[[], Sequence[bytes]]
"""The secrets of now: the first signs, all are believed, so that addresses outlive a rotation of keys."""


class Signer:
    """Signs and checks."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets

    def fields(self, policy: Policy) -> dict[str, str]:
        """The form fields of an upload."""
        written = base64.b64encode(msgspec.json.encode(policy)).decode()
        return {
            "key": policy.key,
            "Content-Type": policy.type,
            "policy": written,
            "signature": self._sign(_UPLOAD, written),
        }

    def policy(self, fields: Mapping[str, str], now_ms: int) -> Policy:
        """What the fields allow. Raises `Refused`: `permission_denied`, whatever is wrong with them."""
        written = fields.get("policy", "")
        if len(written) > POLICY_CHARS or not self._fits(_UPLOAD, written, fields.get("signature")):
            raise _denied()
        policy = _POLICY.decode(base64.b64decode(written))
        if now_ms > policy.until_ms:
            raise Refused(Code.permission_denied, "the time to upload this is over; ask again")
        said = (fields.get("key"), fields.get("Content-Type"))
        if said != (policy.key, policy.type) or not _is_key(policy.key, QUARANTINE):
            raise _denied()
        return policy

    def query(self, key: str, served: Served, until_ms: int) -> str:
        """The query of an address that reads `key`."""
        said = {"type": served.type, "until": str(until_ms)}
        if served.name is not None:
            said["name"] = served.name
        return urlencode({**said, "signature": self._sign(_LINK, _linked(key, said))})

    def served(self, key: str, said: Mapping[str, str], now_ms: int) -> Served:
        """How `key` may be read. Raises `Refused`: `permission_denied`."""
        given = {name: value for name, value in said.items() if name in ("type", "until", "name")}
        if not self._fits(_LINK, _linked(key, given), said.get("signature")):
            raise _denied()
        if not _is_key(key, MEDIA) or now_ms > int(given["until"]):
            raise Refused(Code.permission_denied, "this address is over; ask for another")
        return Served(given["type"], given.get("name"))

    def _sign(self, what: bytes, text: str) -> str:
        return _mac(self._secrets()[0], what, text)

    def _fits(self, what: bytes, text: str, signature: str | None) -> bool:
        given = (signature or "").encode()
        wanted = (_mac(secret, what, text).encode() for secret in self._secrets())
        return any(hmac.compare_digest(one, given) for one in wanted)


def _mac(secret: bytes, what: bytes, text: str) -> str:
    return hmac.new(secret, what + text.encode(), hashlib.sha256).hexdigest()


def _linked(key: str, said: Mapping[str, str]) -> str:
    return "\n".join([key, *(f"{name}={said[name]}" for name in sorted(said))])


def _is_key(key: str, area: str) -> bool:
    return key.startswith(f"{area}/") and KEY.fullmatch(key) is not None


def _denied() -> Refused:
    return Refused(Code.permission_denied, "the signature does not fit")
