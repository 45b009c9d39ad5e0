"""The keys that seal backups: 32 bytes each, written as 64 hex digits.

The first seals, all open: to change it, put a new one before the old and take the old one away when the last backup
sealed by it is pruned. Owns reading them. Must never put one, or a part of one, into a message.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from muster.ids import Random

KEY_BYTES: Final = 32
_ID_BYTES: Final = 8
_HEX: Final = re.compile(r"[0-9a-fA-F]{64}")


class BackupKeyError(ValueError):
    """There is no key, or what stands there is none; the message says what to do."""


class Keyring(NamedTuple):
    """Every key that is known, by its id."""

    seals: bytes  # the id of the one that seals
    keys: Mapping[bytes, bytes]

    def __repr__(self) -> str:
        """Ids alone: this must be safe in any traceback."""
        return f"Keyring({', '.join(one.hex() for one in self.keys)})"


def keyring(text: str) -> Keyring:
    """The keys of a setting or a file, one a line or with commas between. Raises `BackupKeyError`."""
    words = [word for word in re.split(r"[\s,]+", text) if word]
    if not words:
        raise BackupKeyError(
            "backups need a key: put the output of `muster backup key` into a file, keep a copy of it elsewhere, and"
            " set MUSTER_BACKUP_KEY_FILE"
        )
    if not all(_HEX.fullmatch(word) for word in words):
        raise BackupKeyError("a key of backups is 64 hex digits, as `muster backup key` makes it")
    keys = {_id(key): key for key in map(bytes.fromhex, words)}
    return Keyring(_id(bytes.fromhex(words[0])), keys)


def new_key(random: Random) -> str:
    """A key, as it is written."""
    return random.getrandbits(KEY_BYTES * 8).to_bytes(KEY_BYTES, "big").hex()


def _id(key: bytes) -> bytes:
    return hashlib.sha256(b"muster backup key\0" + key).digest()[:_ID_BYTES]
