"""Service keys: how the app's own servers say that they are the app.

    new_key         a word to be shown once, and what is kept of it (pure)
    ServiceKeys     which word, or which signed request, is of which key, from a copy at most a second old

A key is shown in every request, or it signs them (muster/signed_request.py): one or the other, as it was made. Of the
first kind only a hash is kept; the second must be kept itself, since signing needs it on both sides: sealed.

Owns when a key is believed. A key is no person: it opens no socket, has no rooms, and cannot make keys (the command
line does). Must never keep or log a secret.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol
from uuid import UUID

from msgspec import Struct

from muster.clock import Clock
from muster.errors import Refused, unavailable
from muster.ids import Random, uuid7
from muster.metrics import IdentityMetrics
from muster.nonces import Nonces
from muster.permission import Scope
from muster.sealer import Field, Sealer, Unsealable
from muster.signed_request import Asked, Signed
from muster.telemetry import get_logger
from proto.codes import Code

PREFIX: Final = "msk_"
KEYS_MOST: Final = 500
FIELD: Final = Field("service_keys", "signing_sealed")
FRESH_S: Final = 1.0
"""How old the copy may be: a revoked key is refused everywhere within 2 s, and Postgres is asked once a second."""

NOTED_EVERY_S: Final = 60.0
"""Between two notes of when a key was last used."""

_SECRET_BYTES: Final = 32
_WORD_CHARS: Final = 120
_log = get_logger()


class ServiceKey(Struct, frozen=True, gc=False):
    """A key as it is kept. Its repr hides the hash."""

    id: UUID
    name: str
    scopes: frozenset[Scope]
    expires_at_ms: int | None
    secret_hash: bytes
    signing_key: bytes | None = None
    """Sealed; of a key that signs."""

    def __repr__(self) -> str:
        return f"ServiceKey({self.id})"


class NewKey(NamedTuple):
    """A new key's word, shown once, and what is kept."""

    word: str
    id: UUID
    secret_hash: bytes
    signing_key: bytes
    """What its requests are signed with, if it is to sign them. Not sealed."""

    def __repr__(self) -> str:
        return f"NewKey({self.id})"


class ServiceKeyStore(Protocol):
    """Where keys are kept. Both raise `Refused`: `unavailable`."""

    async def live(self, most: int) -> Sequence[ServiceKey]:
        """Those that are not revoked."""
        ...

    async def used(self, key: UUID) -> None:
        """Note that it was used now."""
        ...


def new_key(now_ms: int, random: Random) -> NewKey:
    """`msk_<id>_<secret>`: the id says which key, the secret has 256 bits."""
    key = uuid7(now_ms, random)
    secret = random.getrandbits(8 * _SECRET_BYTES).to_bytes(_SECRET_BYTES, "big")
    shown = base64.urlsafe_b64encode(secret).rstrip(b"=").decode()
    word = f"{PREFIX}{key.hex}_{shown}"
    return NewKey(word, key, hashlib.sha256(secret).digest(), signing_key(secret))


def signing_key(secret: bytes) -> bytes:
    """What requests are signed with by whoever holds the key of this secret."""
    return hashlib.sha256(b"muster signed request" + secret).digest()


def read_word(word: str) -> tuple[UUID, bytes] | None:
    """The id and the secret of a key's word; None for what never was one."""
    if len(word) > _WORD_CHARS or not word.isascii():
        return None
    prefix, _, rest = word.partition("_")
    key, _, shown = rest.partition("_")
    try:
        secret = base64.b64decode(shown + "=", altchars=b"-_", validate=True)
        found = UUID(hex=key)
    except (binascii.Error, ValueError):
        return None
    return (found, secret) if f"{prefix}_" == PREFIX and len(secret) == _SECRET_BYTES else None


class ServiceKeys:
    """Says whose a word is."""

    def __init__(
        self,
        store: ServiceKeyStore,
        sealer: Sealer,
        nonces: Nonces,
        metrics: IdentityMetrics,
        clock: Clock,
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._nonces = nonces
        self._metrics = metrics
        self._clock = clock
        self._keys: dict[UUID, ServiceKey] = {}
        self._read_at: float | None = None
        self._reading = asyncio.Lock()
        self._noted: dict[UUID, float] = {}

    async def verify(self, word: str) -> ServiceKey:
        """The key that `word` is. Raises `Refused`: `unauthorized`, `unavailable`."""
        parts = read_word(word)
        if parts is None:
            raise _unknown()
        await self._refresh()
        key = self._keys.get(parts[0])
        if key is not None and key.signing_key is not None:
            raise Refused(Code.unauthorized, "this service key signs its requests: never send it")
        given = hashlib.sha256(parts[1]).digest()
        if key is None or not hmac.compare_digest(given, key.secret_hash):
            raise _unknown()
        return await self._believed(key)

    async def verify_signed(self, asked: Asked, signed: Signed) -> ServiceKey:
        """The key that signed this request, now, and no other before. Raises `Refused` likewise."""
        if not signed.is_fresh(self._clock.now_ms()):
            raise Refused(
                Code.unauthorized, "the request was signed too long ago, or the clock is wrong"
            )
        await self._refresh()
        key = self._keys.get(signed.key)
        if key is None or key.signing_key is None:
            raise _unknown()
        try:
            secret = self._sealer.open(key.signing_key, FIELD, key.id.bytes)
        except Unsealable:
            _log.error("a signing key does not open", service=str(key.id))
            raise unavailable("the service key") from None
        if not signed.fits(asked, secret):
            self._metrics.count("signature_wrong")
            raise Refused(Code.unauthorized, "the signature does not fit the request")
        # Last: whoever cannot sign cannot fill the memory of what was seen.
        if not await self._nonces.take(key.id, signed.nonce):
            self._metrics.count("signature_replayed")
            raise Refused(Code.unauthorized, "this nonce was used before")
        return await self._believed(key)

    async def _believed(self, key: ServiceKey) -> ServiceKey:
        if key.expires_at_ms is not None and key.expires_at_ms <= self._clock.now_ms():
            raise Refused(Code.unauthorized, "this service key has expired")
        await self._note(key)
        return key

    async def _refresh(self) -> None:
        if self._fresh():
            return
        async with self._reading:
            if self._fresh():  # somebody read while this one waited
                return
            before = self._clock.monotonic()
            self._keys = {key.id: key for key in await self._store.live(KEYS_MOST)}
            self._read_at = before
            self._noted = {key: at for key, at in self._noted.items() if key in self._keys}

    def _fresh(self) -> bool:
        at = self._read_at
        return at is not None and self._clock.monotonic() - at < FRESH_S

    async def _note(self, key: ServiceKey) -> None:
        now = self._clock.monotonic()
        if now - self._noted.get(key.id, -NOTED_EVERY_S) < NOTED_EVERY_S:
            return
        self._noted[key.id] = now
        try:
            await self._store.used(key.id)
        except Refused as refused:
            _log.warning("use of a service key not noted", code=refused.code.name)


def _unknown() -> Refused:
    return Refused(Code.unauthorized, "this is not a service key of this service")
