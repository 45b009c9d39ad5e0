"""Owns the RSA keys that sign access tokens: one file `<kid>.pem` each, the newest signs.

Rotating is putting a newer file beside the old ones; old tokens stay good while their file is
there. A kid from outside is only ever looked up in `KeyRing.publics`: it never becomes a path.
"""

import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPublicKey,
    generate_private_key,
)

_BITS = 2048  # signing costs 0.6 ms; 3072 bits would cost 1.8 on every login and refresh
_LEAST_BITS = 2048
_PUBLIC_EXPONENT = 65537


class KeysError(Exception):
    """The keys directory cannot be used; the message is a plain sentence."""


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The key that signs and every key that verifies."""

    current_kid: str
    private_key: RSAPrivateKey
    publics: Mapping[str, RSAPublicKey]

    def __repr__(self) -> str:
        return f"KeyRing(current_kid={self.current_kid!r}, {len(self.publics)} keys)"


def ensure_key(directory: Path) -> str:
    """Make a first key if there is none; the kid that signs."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    kids = _kids(directory)
    return kids[-1] if kids else new_key(directory)


def new_key(directory: Path) -> str:
    """Make a key that signs from now on; processes see it when they load the next time."""
    kid = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
    key = generate_private_key(public_exponent=_PUBLIC_EXPONENT, key_size=_BITS)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    # Written beside and renamed: nobody ever loads half a key.
    unfinished = directory / f".{kid}.new"
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(directory / f"{kid}.pem")
    return kid


def load(directory: Path) -> KeyRing:
    """Read every key of `directory`; without one, or with a weak one, a `KeysError`."""
    kids = _kids(directory)
    if not kids:
        raise KeysError(f"there is no signing key in {directory}: 'muster up' makes one")
    keys = {kid: _read(directory / f"{kid}.pem") for kid in kids}
    publics = {kid: key.public_key() for kid, key in keys.items()}
    return KeyRing(current_kid=kids[-1], private_key=keys[kids[-1]], publics=publics)


def derived(ring: KeyRing, purpose: str) -> bytes:
    """A secret for `purpose`, the same for all who hold the key that signs; another after a rotation."""
    der = ring.private_key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return hmac.new(der, purpose.encode(), hashlib.sha256).digest()


def _kids(directory: Path) -> list[str]:
    """Oldest first: a kid begins with the time it was made."""
    return sorted(path.stem for path in directory.glob("*.pem") if not path.name.startswith("."))


def _read(path: Path) -> RSAPrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise KeysError(
            f"{path} is not a private key we can read: {type(error).__name__}"
        ) from None
    if not isinstance(key, RSAPrivateKey) or key.key_size < _LEAST_BITS:
        raise KeysError(f"{path} must be an RSA key of at least {_LEAST_BITS} bits")
    return key
