"""The files by which a worker is configured: CA, Apple's signing key, Google's service account, and where all listens.

    ca.pem                trust this
    AuthKey_<kid>.p8      signs provider tokens
    service-account.json  as Google's console hands it out; token_uri is the mock's
    mock-push.json        addresses, key id, team, topics, project: see `Kit`

Owns these files. Keys that are there are kept, so that a worker goes on when the mocks begin again. Must never be the
keys of anything real.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from msgspec import Struct

from loadtest.mocks.authority import CA
from loadtest.mocks.credentials import ApnsKey, Apple, Google

HOST: Final = "127.0.0.1"
KEY_ID: Final = "MOCK5KEY01"
TEAM_ID: Final = "MOCKTEAM01"
TOPICS: Final = ("chat.muster.app",)
PROJECT: Final = "muster-mock"
PORTS: Final = 5
"""The page and the admin API, APNs' two worlds, FCM, OAuth: in this order, one after another."""

_EMAIL: Final = f"push@{PROJECT}.iam.gserviceaccount.com"
_RSA_BITS: Final = 2048


class Kit(Struct, frozen=True, kw_only=True):
    """What mock-push.json says. File names are those of the same directory."""

    page_url: str
    apns_url: str
    apns_sandbox_url: str
    fcm_url: str
    token_url: str
    ca: str
    apns_key: str
    apns_key_id: str
    apns_team_id: str
    apns_topics: tuple[str, ...]
    service_account: str
    project: str


def pack(directory: Path, port: int) -> tuple[Kit, Apple, Google]:
    """Write the files for mocks from `port` on; also what the mocks shall take for valid. Raises `OSError`."""
    directory.mkdir(parents=True, exist_ok=True)
    kit = Kit(
        page_url=f"http://{HOST}:{port}",
        apns_url=f"https://{HOST}:{port + 1}",
        apns_sandbox_url=f"https://{HOST}:{port + 2}",
        fcm_url=f"https://{HOST}:{port + 3}",
        token_url=f"https://{HOST}:{port + 4}/token",
        ca=CA,
        apns_key=f"AuthKey_{KEY_ID}.p8",
        apns_key_id=KEY_ID,
        apns_team_id=TEAM_ID,
        apns_topics=TOPICS,
        service_account="service-account.json",
        project=PROJECT,
    )
    apns = _apns_key(directory / kit.apns_key)
    google = _service_account(directory / kit.service_account, kit.token_url)
    _write(directory / "mock-push.json", msgspec.json.format(msgspec.json.encode(kit)))
    keys = {KEY_ID: ApnsKey(TEAM_ID, apns.public_key())}
    account = Google(_EMAIL, PROJECT, google.public_key(), kit.token_url)
    return kit, Apple(keys, frozenset(TOPICS)), account


def _apns_key(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        held = serialization.load_pem_private_key(path.read_bytes(), None)
    except (OSError, ValueError):
        held = None
    if isinstance(held, ec.EllipticCurvePrivateKey):
        return held
    made = ec.generate_private_key(ec.SECP256R1())
    _write(path, _pem(made))
    return made


def _service_account(path: Path, token_url: str) -> rsa.RSAPrivateKey:
    key = _held_rsa(path) or rsa.generate_private_key(65_537, _RSA_BITS)
    account = {
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": "mock",
        "private_key": _pem(key).decode(),
        "client_email": _EMAIL,
        "client_id": "100000000000000000000",
        "token_uri": token_url,
    }
    _write(path, msgspec.json.format(msgspec.json.encode(account)))
    return key


def _held_rsa(path: Path) -> rsa.RSAPrivateKey | None:
    try:
        text: str = msgspec.json.decode(path.read_bytes())["private_key"]
        held = serialization.load_pem_private_key(text.encode(), None)
    except (OSError, ValueError, KeyError, TypeError, msgspec.DecodeError):
        return None
    return held if isinstance(held, rsa.RSAPrivateKey) else None


def _pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _write(path: Path, text: bytes) -> None:
    """Whole or not at all: a worker may read it at any time."""
    fresh = path.with_suffix(path.suffix + ".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(text)
    fresh.replace(path)
