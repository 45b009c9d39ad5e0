"""Owns the RSA keys that sign access tokens, one file each: `<kid>.pem`, of which the newest signs, and `<kid>.next`.

The next key is published and believed before it ever signs; keys that no longer sign stay believed while their file is
there. Which file becomes what, and when one goes, is muster/rotation.py. A kid from outside is only ever looked up in
`KeyRing.publics`: it never becomes a path.
"""

import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPublicKey,
    generate_private_key,
)

SIGNING = ".pem"
NEXT = ".next"

_BITS = 2048  # signing costs 0.6 ms; 3072 bits would cost 1.8 on every login and refresh
_LEAST_BITS = 2048
_PUBLIC_EXPONENT = 65537
_MADE = "%Y%m%dT%H%M%S"


class KeysError(Exception):
    """The keys directory cannot be used; the message is a plain sentence."""


class Ring(Protocol):
    """The keys as they are now: a `KeyRing`, or one that follows its directory (muster/ring.py)."""

    @property
    def current_kid(self) -> str: ...

    @property
    def private_key(self) -> RSAPrivateKey: ...

    @property
    def publics(self) -> Mapping[str, RSAPublicKey]: ...

    def public(self, kid: str) -> RSAPublicKey | None:
        """The key that verifies what names this kid; None: there is none."""
        ...

    def secrets(self, purpose: str) -> list[bytes]:
        """Secrets for `purpose`: the first makes, all are believed."""
        ...


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The key that signs and every key that verifies. `others`: the private keys that do not sign now."""

    current_kid: str
    private_key: RSAPrivateKey
    publics: Mapping[str, RSAPublicKey]
    others: tuple[RSAPrivateKey, ...] = ()

    def __repr__(self) -> str:
        return f"KeyRing(current_kid={self.current_kid!r}, {len(self.publics)} keys)"

    def public(self, kid: str) -> RSAPublicKey | None:
        """See `Ring`."""
        return self.publics.get(kid)

    def secrets(self, purpose: str) -> list[bytes]:
        """See `Ring`: of every key one, so that what was made before a rotation is believed after it, and reversely."""
        return [_derived(key, purpose) for key in (self.private_key, *self.others)]


def ensure_key(directory: Path) -> str:
    """Make a first key, and the one after it, if there is none; the kid that signs."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    kids = signing_kids(directory)
    if kids:
        return kids[-1]
    kid = new_key(directory)
    new_key(directory, NEXT)
    return kid


def new_key(directory: Path, kind: str = SIGNING) -> str:
    """Make a key: one that signs from now on, or the next one."""
    kid = f"{datetime.now(UTC):{_MADE}%fZ}-{secrets.token_hex(4)}"
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
    unfinished.rename(directory / f"{kid}{kind}")
    return kid


def load(directory: Path) -> KeyRing:
    """Read every key of `directory`; without one, or with a weak one, a `KeysError`."""
    kids = signing_kids(directory)
    if not kids:
        raise KeysError(f"there is no signing key in {directory}: 'muster up' makes one")
    keys = {kid: _read(directory / f"{kid}{SIGNING}") for kid in kids}
    keys |= {kid: _read(directory / f"{kid}{NEXT}") for kid in next_kids(directory)}
    return KeyRing(
        current_kid=kids[-1],
        private_key=keys[kids[-1]],
        publics={kid: key.public_key() for kid, key in keys.items()},
        others=tuple(key for kid, key in keys.items() if kid != kids[-1]),
    )


def signing_kids(directory: Path) -> list[str]:
    """The keys that sign or have signed, oldest first: a kid begins with the time it was made."""
    return _kids(directory, SIGNING)


def next_kids(directory: Path) -> list[str]:
    """The keys that are to sign: one, or none."""
    return _kids(directory, NEXT)


def made_at(kid: str) -> datetime | None:
    """When a key was made; None where somebody named the file by hand."""
    try:
        return datetime.strptime(kid[:15], _MADE).replace(tzinfo=UTC)
    except ValueError:
        return None


def _derived(key: RSAPrivateKey, purpose: str) -> bytes:
    der = key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return hmac.new(der, purpose.encode(), hashlib.sha256).digest()


def _kids(directory: Path, kind: str) -> list[str]:
    return sorted(
        path.name.removesuffix(kind)
        for path in directory.glob(f"*{kind}")
        if not path.name.startswith(".")
    )


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
