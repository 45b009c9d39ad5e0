"""Envelopes: the sealer that is, AES-256-GCM under data keys that are in memory.

    sealed   version 1 | key id, 4 bytes | nonce, 12 random bytes | ciphertext and tag
    bound    table | column | row of the field, and the head above, are additional data
    blind    HMAC-SHA-256 of field and value, under a key of its own

Owns the form of sealed bytes and which key seals now. Must never wait, and never give a key out: data keys come from
muster/data_keys.py, which hears when one is missing.
"""

from __future__ import annotations

import asyncio
import hmac
import struct
from collections.abc import Sequence
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from prometheus_client import CollectorRegistry, Counter

from muster.clock import Clock
from muster.errors import unavailable
from muster.ids import Random
from muster.sealer import Field, Unsealable

VERSION: Final = 1
NONCE_BYTES: Final = 12
LOOK_S: Final = 15.0
"""How often a process looks for new data keys."""

STALE_S: Final = 2 * LOOK_S
"""Who has not looked for so long may not know a key that all others know."""

_HEAD: Final = struct.Struct(">BI")
_TAG_BYTES: Final = 16
_LEAST_BYTES: Final = _HEAD.size + NONCE_BYTES + _TAG_BYTES


class OpenKey(NamedTuple):
    """A data key that seals from `since` on, by this process' monotonic clock, until a later one does."""

    id: int
    cipher: AESGCM
    since: float


class Envelope:
    """See `muster.sealer.Sealer`. It knows no key before it was told of one."""

    def __init__(self, clock: Clock, random: Random, registry: CollectorRegistry) -> None:
        self.wanted = asyncio.Event()
        """Set where a key was missing: it is time to look for new ones."""

        self._clock = clock
        self._random = random
        self._keys: dict[int, OpenKey] = {}
        self._blinding = b""
        self._learned = float("-inf")
        self._unopened = Counter(
            "muster_seals_unopened",
            "Sealed fields that did not open: their key is unknown here, or they are damaged or of another row",
            ["why"],
            registry=registry,
        )
        for why in ("unknown_key", "damaged"):
            self._unopened.labels(why)

    def learn(self, keys: Sequence[OpenKey], blinding: bytes) -> None:
        """All data keys there are now, and the one for blind indexes."""
        self._keys = {key.id: key for key in keys}
        self._blinding = blinding
        self._learned = self._clock.monotonic()

    @property
    def current(self) -> int:
        """The id of the key that seals now. Raises `Refused`: `unavailable` while none is known."""
        return self._current().id

    @property
    def older(self) -> list[int]:
        """The ids of those that sealed before it. Raises as that."""
        current = self.current
        return sorted(id_ for id_ in self._keys if id_ < current)

    def seal(self, plain: bytes, field: Field, row: bytes) -> bytes:
        """See `Sealer`. Raises `Refused`: `unavailable` while no key is known."""
        key = self._current()
        head = _HEAD.pack(VERSION, key.id)
        nonce = self._random.getrandbits(8 * NONCE_BYTES).to_bytes(NONCE_BYTES, "big")
        return head + nonce + key.cipher.encrypt(nonce, plain, head + _bound(field) + row)

    def open(self, sealed: bytes, field: Field, row: bytes) -> bytes:
        """See `Sealer`. Raises `Refused`, too: `unavailable` where this process has not looked for keys of late."""
        head = sealed[: _HEAD.size]
        if len(sealed) < _LEAST_BYTES or sealed[0] != VERSION:
            raise self._damaged()
        key = self._keys.get(_HEAD.unpack(head)[1])
        if key is None:
            self.wanted.set()
            if self._clock.monotonic() - self._learned > STALE_S:
                raise unavailable("the data key")
            self._unopened.labels("unknown_key").inc()
            raise Unsealable("its key is unknown")
        start = _HEAD.size + NONCE_BYTES
        try:
            return key.cipher.decrypt(
                sealed[_HEAD.size : start], sealed[start:], head + _bound(field) + row
            )
        except InvalidTag:
            raise self._damaged() from None

    def blind(self, plain: bytes, field: Field) -> bytes:
        """See `Sealer`. Raises `Refused`: `unavailable` while no key is known."""
        if not self._blinding:
            raise unavailable("the data key")
        return hmac.digest(self._blinding, _bound(field) + plain, "sha256")

    def _current(self) -> OpenKey:
        now = self._clock.monotonic()
        in_force = [key for key in self._keys.values() if key.since <= now]
        if not in_force:
            self.wanted.set()
            raise unavailable("the data key")
        return max(in_force, key=lambda key: key.id)

    def _damaged(self) -> Unsealable:
        self._unopened.labels("damaged").inc()
        return Unsealable("it is damaged, or of another row")


def key_of(sealed: bytes) -> int:
    """The id of the key it was sealed under, whether that is known or not; 0: it is no seal."""
    return int(_HEAD.unpack(sealed[: _HEAD.size])[1]) if len(sealed) >= _LEAST_BYTES else 0


def _bound(field: Field) -> bytes:
    """No name of ours has a bar in it, so that no two fields and rows are written alike."""
    return f"{field.table}|{field.column}|".encode()
