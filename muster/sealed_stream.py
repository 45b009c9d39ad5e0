"""Streams that are sealed: what is put in comes out whole, in order and to its end, or not at all.

    head    magic 8, id of the key 8, salt 32
    chunk   AES-256-GCM of at most 1 MiB of zlib, tag 16; nonce: number of the chunk 11, whether it is the last 1

The key of a stream is HKDF-SHA256 of the operator's key, the salt and the stream's name, so a stream under another name
does not open, and no nonce is used twice. The head is bound to every chunk. A chunk that is missing, doubled, moved or
changed does not open, and a stream without its last chunk is `Damaged`.
Owns this format. Pure: the salt is passed in. Must never hold more than two chunks.
"""

from __future__ import annotations

import zlib
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from muster.backup_key import KEY_BYTES, Keyring

CHUNK_BYTES: Final = 1 << 20
SALT_BYTES: Final = 32
_MAGIC: Final = b"MUSTERB1"
_ID_BYTES: Final = 8
_HEAD_BYTES: Final = len(_MAGIC) + _ID_BYTES + SALT_BYTES
_TAG_BYTES: Final = 16
_SEALED_BYTES: Final = CHUNK_BYTES + _TAG_BYTES
_FAST: Final = 1  # most of a segment that is cut short is zeros: any level finds these


class Damaged(Exception):
    """These bytes are not, or not all of, what was sealed under this name; or by a key that is not known."""


class Sealing:
    """`feed` as often as there is something, then `finish` once; what they return is the stream."""

    def __init__(self, ring: Keyring, name: str, salt: bytes) -> None:
        self._head = _MAGIC + ring.seals + salt
        self._cipher = _cipher(ring.keys[ring.seals], salt, name)
        self._deflate = zlib.compressobj(_FAST)
        self._held = bytearray()
        self._number = 0

    def feed(self, plain: bytes) -> bytes:
        """What is ready of the stream by now."""
        self._held += self._deflate.compress(plain)
        return self._whole()

    def finish(self) -> bytes:
        """The rest of it."""
        self._held += self._deflate.flush()
        sealed = self._whole()
        return sealed + self._chunk(bytes(self._held), last=True)

    def _whole(self) -> bytes:
        sealed = []
        while len(self._held) > CHUNK_BYTES:  # one that is just full may be the last
            sealed.append(self._chunk(bytes(self._held[:CHUNK_BYTES]), last=False))
            del self._held[:CHUNK_BYTES]
        return b"".join(sealed)

    def _chunk(self, plain: bytes, *, last: bool) -> bytes:
        sealed = self._cipher.encrypt(_nonce(self._number, last=last), plain, self._head)
        self._number += 1
        return self._head + sealed if self._number == 1 else sealed


class Opening:
    """The reverse. Until `finish` has returned, nobody knows that it was all."""

    def __init__(self, ring: Keyring, name: str) -> None:
        self._ring = ring
        self._name = name
        self._head = b""
        self._cipher: AESGCM | None = None
        self._inflate = zlib.decompressobj()
        self._held = bytearray()
        self._number = 0

    def feed(self, sealed: bytes) -> bytes:
        """What could be opened by now. Raises `Damaged`."""
        self._held += sealed
        if self._cipher is None:
            if len(self._held) < _HEAD_BYTES:
                return b""
            self._cipher = self._begin()
        plain = []
        while len(self._held) > _SEALED_BYTES:  # more follows, so it is not the last
            plain.append(self._chunk(bytes(self._held[:_SEALED_BYTES]), last=False))
            del self._held[:_SEALED_BYTES]
        return b"".join(plain)

    def finish(self) -> bytes:
        """The rest of it. Raises `Damaged`, also where the end is missing."""
        if self._cipher is None:
            raise Damaged(f"{self._name} is cut short")
        plain = self._chunk(bytes(self._held), last=True) + self._inflate.flush()
        if not self._inflate.eof:
            raise Damaged(f"{self._name} is cut short")
        return plain

    def _begin(self) -> AESGCM:
        self._head = bytes(self._held[:_HEAD_BYTES])
        del self._held[:_HEAD_BYTES]
        if not self._head.startswith(_MAGIC):
            raise Damaged(f"{self._name} is no backup of ours")
        key = self._ring.keys.get(self._head[len(_MAGIC) :][:_ID_BYTES])
        if key is None:
            raise Damaged(f"{self._name} is sealed by a key that is not among those given")
        return _cipher(key, self._head[-SALT_BYTES:], self._name)

    def _chunk(self, sealed: bytes, *, last: bool) -> bytes:
        assert self._cipher is not None, "a chunk comes after the head"
        try:
            packed = self._cipher.decrypt(_nonce(self._number, last=last), sealed, self._head)
            self._number += 1
            return self._inflate.decompress(packed)
        except (InvalidTag, zlib.error):
            raise Damaged(f"{self._name} is damaged or cut short") from None


def sealed(ring: Keyring, name: str, salt: bytes, plain: bytes) -> bytes:
    """A whole stream at once, for what is small."""
    sealing = Sealing(ring, name, salt)
    return sealing.feed(plain) + sealing.finish()


def opened(ring: Keyring, name: str, stream: bytes) -> bytes:
    """What was sealed. Raises `Damaged`."""
    opening = Opening(ring, name)
    return opening.feed(stream) + opening.finish()


def _cipher(key: bytes, salt: bytes, name: str) -> AESGCM:
    info = b"muster backup stream\0" + name.encode()
    return AESGCM(HKDF(SHA256(), KEY_BYTES, salt, info).derive(key))


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])
