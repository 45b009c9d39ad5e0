"""Master keys: what wraps the data keys that lie in Postgres, and never lies there itself.

Owns their file and what wrapping is: AES-256-GCM, bound to what the data key is for. The first of them wraps, all
unwrap, so that a master key is changed by putting a new one before the old one. Must never give a key out.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from muster.ids import Random
from muster.keys import KeysError

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
MASTERS_MOST: Final = 8
_NAME_BYTES: Final = 8


class Masters:
    """The one that wraps, and all that unwrap."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """`keys`: of 32 bytes each, the one that wraps first. Raises `KeysError`."""
        if not 1 <= len(keys) <= MASTERS_MOST or any(len(key) != KEY_BYTES for key in keys):
            raise KeysError(f"there are 1 to {MASTERS_MOST} master keys of {KEY_BYTES} bytes each")
        self._ciphers = {_name(key): AESGCM(key) for key in keys}
        self.current = _name(keys[0])
        """The name of the one that wraps: a hash, no secret."""

    def __repr__(self) -> str:
        return f"Masters({', '.join(self._ciphers)})"

    def wrap(self, key: bytes, about: str, random: Random) -> bytes:
        """A data key under the first of these. `about`: what it is for; it unwraps for nothing else."""
        nonce = random.getrandbits(8 * NONCE_BYTES).to_bytes(NONCE_BYTES, "big")
        return nonce + self._ciphers[self.current].encrypt(nonce, key, about.encode())

    def unwrap(self, wrapped: bytes, name: str, about: str) -> bytes:
        """The data key. Raises `KeysError`: `name` is none of these, or it was not wrapped so."""
        cipher = self._ciphers.get(name)
        if cipher is None:
            raise KeysError(f"{about} is wrapped by the master key {name}, which is not here")
        try:
            return cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], about.encode())
        except (InvalidTag, ValueError):
            raise KeysError(f"{about} does not open with the master key {name}") from None


def load(path: Path, given: str) -> Masters:
    """Those that MUSTER_MASTER_KEY gives, else those of the file, 64 hexadecimal digits a line. Raises `KeysError`."""
    if given:
        return _parse(given.replace(",", "\n"), "MUSTER_MASTER_KEY")
    try:
        return _parse(path.read_text("ascii"), str(path))
    except FileNotFoundError:
        raise KeysError(
            f"there is no master key: make one with `(umask 077; openssl rand -hex 32 > {path})`, or set"
            " MUSTER_MASTER_KEY_FILE"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise KeysError(
            f"{path} is no file of master keys we can read: {type(error).__name__}"
        ) from None


def ensure(path: Path) -> None:
    """Make a first one if there is no such file."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Written beside and linked: nobody ever loads half a key, and of two who make one the first has made it.
    unfinished = path.parent / f".{path.name}.{secrets.token_hex(4)}"
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_hex(KEY_BYTES) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(unfinished)
    except FileExistsError:
        pass
    finally:
        unfinished.unlink()


def _parse(text: str, where: str) -> Masters:
    """Never quotes what it read."""
    lines = [line.strip() for line in text.splitlines()]
    try:
        return Masters([bytes.fromhex(line) for line in lines if line and line[0] != "#"])
    except (ValueError, KeysError):
        raise KeysError(
            f"{where} must hold 1 to {MASTERS_MOST} master keys of {2 * KEY_BYTES} hexadecimal digits, one a line"
        ) from None


def _name(key: bytes) -> str:
    return hashlib.sha256(b"muster master key" + key).digest()[:_NAME_BYTES].hex()
