"""The ring of keys that follows its directory: a rotation needs no restart.

Owns when the directory is looked at: every LOOK_S, and at once, but for ASKED_S, when a token names a kid that is not
known. Must never let go of keys that worked because of files that do not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from muster.clock import Clock
from muster.keys import NEXT, SIGNING, KeyRing, KeysError, load
from muster.telemetry import get_logger

LOOK_S: Final = 2.0
ASKED_S: Final = 0.1
"""Between two looks because of an unknown kid: whoever makes kids up costs ten listings of a directory a second."""

_log = get_logger()
_Stamp = tuple[tuple[str, int, int], ...]


class LiveRing:
    """See `muster.keys.Ring`. What is read of it changes between two awaits only."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        """Reads the keys. Raises `KeysError`."""
        self._directory = directory
        self._clock = clock
        self._stamp = _stamp(directory)
        self._ring = load(directory)
        self._secrets: dict[str, list[bytes]] = {}
        self._asked = float("-inf")

    def __repr__(self) -> str:
        return f"LiveRing({self._ring!r})"

    @property
    def current_kid(self) -> str:
        """The key that signs."""
        return self._ring.current_kid

    @property
    def private_key(self) -> RSAPrivateKey:
        return self._ring.private_key

    @property
    def publics(self) -> Mapping[str, RSAPublicKey]:
        return self._ring.publics

    def public(self, kid: str) -> RSAPublicKey | None:
        """See `Ring`. The key of another process may be younger than our last look."""
        known = self._ring.publics.get(kid)
        now = self._clock.monotonic()
        if known is None and now - self._asked >= ASKED_S:
            self._asked = now
            self._take(*_read(self._directory, self._stamp))
            known = self._ring.publics.get(kid)
        return known

    def secrets(self, purpose: str) -> list[bytes]:
        """See `Ring`."""
        if purpose not in self._secrets:
            self._secrets[purpose] = self._ring.secrets(purpose)
        return self._secrets[purpose]

    async def run(self) -> None:
        """Follow the directory until cancelled."""
        while True:
            await asyncio.sleep(LOOK_S)
            known = self._stamp
            found = await asyncio.to_thread(_read, self._directory, known)
            if self._stamp is known:  # else somebody asked meanwhile, and saw what is newer
                self._take(*found)

    def _take(self, stamp: _Stamp, ring: KeyRing | None) -> None:
        if stamp == self._stamp:
            return
        self._stamp = stamp
        if ring is None:
            _log.error("signing keys cannot be read; those of before are used")
            return
        self._ring = ring
        self._secrets.clear()
        _log.info("signing keys read again", count=len(ring.publics))


def _stamp(directory: Path) -> _Stamp:
    """What changes when a key comes, goes or becomes another thing."""
    found = []
    for path in directory.glob("*"):
        if path.suffix in (SIGNING, NEXT):
            try:
                stat = path.stat()
            except OSError:  # gone between two looks
                continue
            found.append((path.name, stat.st_mtime_ns, stat.st_size))
    return tuple(sorted(found))


def _read(directory: Path, known: _Stamp) -> tuple[_Stamp, KeyRing | None]:
    """The files there are, and what they hold if they are others than `known`; None: they cannot be used."""
    stamp = _stamp(directory)
    if stamp == known:
        return stamp, None
    try:
        return stamp, load(directory)
    except (KeysError, OSError):
        return stamp, None
