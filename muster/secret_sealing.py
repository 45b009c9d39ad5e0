"""Sealing secrets of webhooks that a process of the release before wrote plain, and emptying what lies plain for it.

Owns the order: what is plain is sealed first, and emptied only when somebody has said that no such process is left
(`muster keys data contract`). Must never log a secret.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol
from uuid import UUID

from muster.clock import Clock
from muster.resealing import BATCH, SWEEP_S
from muster.sealer import Sealer
from muster.webhooks import SECRETS


class PlainSecrets(NamedTuple):
    """An endpoint's that are not sealed. Its repr hides them."""

    webhook: UUID
    secret: bytes
    old: bytes | None

    def __repr__(self) -> str:
        return f"PlainSecrets({self.webhook})"

    @property
    def together(self) -> bytes:
        """As they lie in one seal: the one that signs, then the one before it."""
        return self.secret + (self.old or b"")


class SealedSecrets(NamedTuple):
    """What becomes of them, where they still are what they were."""

    plain: PlainSecrets
    sealed: bytes


class SecretStore(Protocol):
    """Where they lie. All raise `Refused`: `unavailable`."""

    async def plain(self) -> list[PlainSecrets]:
        """Those that are not sealed; of few endpoints there may be."""
        ...

    async def put_sealed(self, secrets: Sequence[SealedSecrets]) -> None: ...

    async def empty(self, most: int) -> int:
        """Forget the plain form of what is sealed, and secrets of events, if nobody needs them any more; how many."""
        ...


class SecretSealing:
    """Sweeps over all that needs it. A `muster.sealing.Part`."""

    def __init__(self, store: SecretStore, sealer: Sealer, clock: Clock) -> None:
        self._store = store
        self._sealer = sealer
        self._clock = clock

    async def sweep(self) -> bool:
        """As much as SWEEP_S allows; whether there is more. Raises `Refused`: `unavailable`."""
        until = self._clock.monotonic() + SWEEP_S
        found = await self._store.plain()
        if found:
            await self._store.put_sealed(
                [
                    SealedSecrets(
                        each, self._sealer.seal(each.together, SECRETS, each.webhook.bytes)
                    )
                    for each in found
                ]
            )
        while await self._store.empty(BATCH):
            if self._clock.monotonic() > until:
                return True
        return False
