"""Data keys: what fields are sealed with. They lie in Postgres, wrapped by a master key that never does.

    made       wrapped, in Postgres, and to seal only from SPREAD_S later on: every process knows it by then
    current    the newest whose time has come; it seals, all open
    old        until `reseal` (muster/resealing.py) has put all rows under the current one, and kept: 60 bytes

Owns how they come into memory and stay true there, and how new ones are made. Must never write one down unwrapped.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final, Literal, NamedTuple, NoReturn, Protocol

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from muster.clock import Clock
from muster.envelope import LOOK_S, Envelope, OpenKey
from muster.errors import Refused
from muster.ids import Random
from muster.keys import KeysError
from muster.master import KEY_BYTES, Masters
from muster.telemetry import get_logger

Purpose = Literal["blind", "seal"]

SPREAD_S: Final = 4 * LOOK_S
"""From its making until a key seals: every process has looked for new keys by then, more than once."""

_FIRST: Final[tuple[tuple[int, Purpose], ...]] = ((1, "blind"), (2, "seal"))
_ASK_AGAIN_S: Final = 1.0
_log = get_logger()


class WrappedKey(NamedTuple):
    """A data key as it lies in Postgres. `in_s`: how long until it seals, negative once it does."""

    id: int
    purpose: Purpose
    master: str
    wrapped: bytes
    in_s: float

    def __repr__(self) -> str:
        return f"WrappedKey({self.id}, {self.purpose})"

    @property
    def about(self) -> str:
        """What it is wrapped for."""
        return about(self.id, self.purpose)


class DataKeyStore(Protocol):
    """Where they lie. All raise `Refused`: `unavailable`."""

    async def all(self) -> list[WrappedKey]: ...

    async def add(self, key: WrappedKey) -> bool:
        """Keep a new one; false if there is one of this id."""
        ...

    async def rewrap(self, key: WrappedKey, was: str) -> None:
        """Put another wrapping in place of the one under the master key `was`."""
        ...


class DataKeys:
    """Tells an envelope what keys there are."""

    def __init__(
        self,
        store: DataKeyStore,
        masters: Masters,
        envelope: Envelope,
        clock: Clock,
        random: Random,
    ) -> None:
        self.sealer = envelope
        self._store = store
        self._masters = masters
        self._clock = clock
        self._random = random

    async def begin(self) -> None:
        """Make the first ones where there are none, and know all; Postgres is waited for. Raises `KeysError`."""
        while True:
            try:
                return await self._begin()
            except Refused as refused:
                _log.warning("data keys not read", code=refused.code.name)
            await asyncio.sleep(_ASK_AGAIN_S)

    async def _begin(self) -> None:
        kept = await self._store.all()
        for id_, purpose in _FIRST:
            if not any(key.purpose == purpose for key in kept):
                await self._make(id_, purpose, 0.0)
        lost = self._learn(await self._store.all())
        if lost:
            raise KeysError(lost[0])

    async def run(self) -> NoReturn:
        """Look for new ones every LOOK_S, or as soon as one is missing; until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self.sealer.wanted.wait()
                    await asyncio.sleep(
                        _ASK_AGAIN_S
                    )  # whatever is missing is asked for once a second
            self.sealer.wanted.clear()
            try:
                await self.look()
            except Refused as refused:
                _log.warning("data keys not read", code=refused.code.name)

    async def look(self) -> None:
        """Know all there are now; one that does not unwrap is left out and said so. Raises `Refused`: `unavailable`."""
        for sentence in self._learn(await self._store.all()):
            _log.error("data key not opened", error_message=sentence)

    async def rotate(self) -> int | None:
        """Make a key that seals from SPREAD_S on, and wrap all by the first master key; the new one's id.

        None: somebody else has made one at this moment. Raises `Refused`: `unavailable`, and `KeysError`.
        """
        await self._begin()
        kept = await self._store.all()
        for key in kept:
            if key.master != self._masters.current:
                plain = self._masters.unwrap(key.wrapped, key.master, key.about)
                again = self._masters.wrap(plain, key.about, self._random)
                fresh = key._replace(master=self._masters.current, wrapped=again)
                await self._store.rewrap(fresh, key.master)
        id_ = max(key.id for key in kept) + 1
        return id_ if await self._make(id_, "seal", SPREAD_S) else None

    async def _make(self, id_: int, purpose: Purpose, in_s: float) -> bool:
        plain = self._random.getrandbits(8 * KEY_BYTES).to_bytes(KEY_BYTES, "big")
        wrapped = self._masters.wrap(plain, about(id_, purpose), self._random)
        return await self._store.add(WrappedKey(id_, purpose, self._masters.current, wrapped, in_s))

    def _learn(self, kept: list[WrappedKey]) -> list[str]:
        """Sentences about those that do not unwrap."""
        now, blinding, keys, lost = self._clock.monotonic(), b"", list[OpenKey](), list[str]()
        for key in kept:
            try:
                plain = self._masters.unwrap(key.wrapped, key.master, key.about)
            except KeysError as error:
                lost.append(str(error))
                continue
            if key.purpose == "blind":
                blinding = plain
            else:
                keys.append(OpenKey(key.id, AESGCM(plain), now + key.in_s))
        self.sealer.learn(keys, blinding)
        return lost


def about(id_: int, purpose: str) -> str:
    """What a data key is wrapped for: it does not unwrap as another one."""
    return f"data key {id_} ({purpose})"
