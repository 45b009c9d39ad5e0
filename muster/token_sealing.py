"""Sealing push tokens that a process of the release before wrote plain, and emptying what lies plain for it.

Owns the order: what is plain is sealed first, and emptied only when somebody has said that no such process is left
(`muster keys data contract`). Must never log a token.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol
from uuid import UUID

from muster.clock import Clock
from muster.push_device import TOKEN
from muster.resealing import BATCH, SWEEP_S
from muster.sealer import Sealer

_FIRST: Final = UUID(int=0)


class PlainToken(NamedTuple):
    """A token that is not sealed. Its repr hides it."""

    device: UUID
    token: str

    def __repr__(self) -> str:
        return f"PlainToken({self.device})"


class SealedToken(NamedTuple):
    """What becomes of one, where it still is what it was."""

    plain: PlainToken
    sealed: bytes
    blind: bytes


class TokenStore(Protocol):
    """Where tokens lie. All raise `Refused`: `unavailable`."""

    async def plain(self, after: UUID, most: int) -> list[PlainToken]:
        """Those that are not sealed, in the order of devices, after this one."""
        ...

    async def put_sealed(self, tokens: Sequence[SealedToken]) -> int:
        """How many were."""
        ...

    async def empty(self, most: int) -> int:
        """Forget the plain form of those that are sealed, if nobody needs it any more; how many."""
        ...


class TokenSealing:
    """Sweeps over all devices that need it. A `muster.sealing.Part`."""

    def __init__(self, store: TokenStore, sealer: Sealer, clock: Clock) -> None:
        self._store = store
        self._sealer = sealer
        self._clock = clock

    async def sweep(self) -> bool:
        """As much as SWEEP_S allows; whether there is more. Raises `Refused`: `unavailable`."""
        until, after = self._clock.monotonic() + SWEEP_S, _FIRST
        while found := await self._store.plain(after, BATCH):
            after = found[-1].device
            await self._store.put_sealed([self._seal(each) for each in found])
            if self._clock.monotonic() > until:
                return True
        while await self._store.empty(BATCH) == BATCH:
            if self._clock.monotonic() > until:
                return True
        return False

    def _seal(self, plain: PlainToken) -> SealedToken:
        token = plain.token.encode()
        sealed = self._sealer.seal(token, TOKEN, plain.device.bytes)
        return SealedToken(plain, sealed, self._sealer.blind(token, TOKEN))
