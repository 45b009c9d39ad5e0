"""The accounts of people who chat from this machine: one file each, for its owner's eyes alone.

Owns <data>/chat/<handle>.json. Must never be used for anything but a development account: the password
stands in it as it is.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import msgspec
from msgspec import Struct

from loadtest.client.login import Account


class _Kept(Struct):
    handle: str
    password: str
    install: str


def account_of(data: Path, handle: str) -> Account:
    """The account kept under this handle; a new one, with a random password, if there is none."""
    path = data / "chat" / f"{Path(handle.lower()).name}.json"
    try:
        kept = msgspec.json.decode(path.read_bytes(), type=_Kept)
    except FileNotFoundError:
        kept = _Kept(handle, secrets.token_urlsafe(24), secrets.token_hex(8))
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(kept))
    return Account(kept.handle, kept.password, handle, kept.install, "muster-chat")
