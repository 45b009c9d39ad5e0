"""The words in mails: signed, good for one thing, until some time, and once.

    word   mml_ | base64url of mail id, expiry, HMAC-SHA-256 of both and of what it is for, cut to 18 bytes
    code   six digits of the same kind, for typing beside the app

Both follow from the mail's id, so a mail that is sent again says the same; and a word that was not made here costs no
look at Postgres. Owns how they are made and read. That one works once is in Postgres (stores/postgres/mails.py). Must
never be logged.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
from typing import Final, NamedTuple
from uuid import UUID

from muster.sealer import Field, Sealer

WORD_CHARS: Final = 100
CODE_CHARS: Final = 6
TRIES: Final = 5
"""Codes that may be tried of one mail."""

_PREFIX: Final = "mml_"
_BODY: Final = struct.Struct(">16sQ")
_MAC_BYTES: Final = 18
"""So that no padding ends a word, which a link in a mail might lose."""

_SIGNING: Final = Field("mails", "word")
_CODING: Final = Field("mails", "code")


class Word(NamedTuple):
    """What a word says that was made here."""

    mail: UUID
    expires_at_ms: int


def word(sealer: Sealer, kind: str, said: Word) -> str:
    """The word for a mail of this kind. Raises `Refused`: `unavailable`."""
    body = _BODY.pack(said.mail.bytes, said.expires_at_ms)
    return _PREFIX + base64.urlsafe_b64encode(body + _mac(sealer, kind, body)).decode()


def read(sealer: Sealer, kind: str, text: str, now_ms: int) -> Word | None:
    """What `text` says; None for what is not a word of this kind, or too old. Raises `Refused`: `unavailable`."""
    try:
        raw = base64.b64decode(text.removeprefix(_PREFIX), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if not text.startswith(_PREFIX) or len(raw) != _BODY.size + _MAC_BYTES:
        return None
    body, mac = raw[: _BODY.size], raw[_BODY.size :]
    if not hmac.compare_digest(mac, _mac(sealer, kind, body)):
        return None
    mail, expires_at_ms = _BODY.unpack(body)
    return Word(UUID(bytes=mail), expires_at_ms) if expires_at_ms > now_ms else None


def stored(text: str) -> bytes:
    """What is kept of a word."""
    return hashlib.sha256(text.encode()).digest()


def code(sealer: Sealer, said: Word) -> str:
    """The code of a mail. Raises `Refused`: `unavailable`."""
    body = _BODY.pack(said.mail.bytes, said.expires_at_ms)
    number = int.from_bytes(sealer.blind(body, _CODING), "big") % 10**CODE_CHARS
    return f"{number:0{CODE_CHARS}d}"


def _mac(sealer: Sealer, kind: str, body: bytes) -> bytes:
    # A blind index is a keyed hash, under a key that never changes; here of a column that there is not.
    return sealer.blind(kind.encode() + b"|" + body, _SIGNING)[:_MAC_BYTES]
