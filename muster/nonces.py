"""Nonces: what a signed request may say once.

    Nonces          taken once by anybody -> true
    LocalNonces     by this process, in memory
    SharedNonces    by all processes, in Redis; by this process alone while Redis does not answer

Owns this contract, and the rule that memory without room refuses rather than forgets. A nonce is kept for as long as
the request it was in is fresh, on either side of now. Must never need Redis: without it a copy of a request may pass
once at each other process, which docs/adopters.md says.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, Protocol
from uuid import UUID

from muster.clock import Clock
from muster.errors import Refused
from muster.signed_request import APART_MS
from proto.codes import Code

KEPT_S: Final = 2 * APART_MS / 1_000 + 60
"""From the earliest clock to the latest, and a minute more."""

NONCES_MOST: Final = 200_000
"""Some 30 MB; more than 300 signed requests a second, for eleven minutes without Redis."""


AWAY_S: Final = 2.0
"""How long Redis is left alone once it did not answer: nobody waits for it meanwhile."""


class Unreachable(Exception):
    """Redis did not answer in time; the nonce may be taken or not."""


class Nonces(Protocol):
    """Raises `Refused`: `unavailable` where there is no room to remember one more."""

    async def take(self, key: UUID, nonce: str) -> bool:
        """True for the first who takes this nonce of this key."""
        ...


class SharedStore(Protocol):
    """Where all processes take them: stores/redis/nonces.py."""

    async def take(self, key: UUID, nonce: str, kept_s: float) -> bool:
        """As `Nonces`. Raises `Unreachable`."""
        ...


class LocalNonces:
    """One process' memory."""

    def __init__(self, clock: Clock, most: int = NONCES_MOST) -> None:
        self._clock = clock
        self._most = most
        # In the order in which they were taken, which is the order in which they are forgotten.
        self._taken: OrderedDict[tuple[UUID, str], float] = OrderedDict()

    async def take(self, key: UUID, nonce: str) -> bool:
        """See `Nonces`."""
        now = self._clock.monotonic()
        while self._taken and next(iter(self._taken.values())) <= now - KEPT_S:
            self._taken.popitem(last=False)
        if (key, nonce) in self._taken:
            return False
        if len(self._taken) >= self._most:
            raise Refused(Code.unavailable, "too many signed requests just now; try again later")
        self._taken[key, nonce] = now
        return True


class SharedNonces:
    """All processes' memory, as long as it answers."""

    def __init__(self, store: SharedStore, local: LocalNonces, clock: Clock) -> None:
        self._store = store
        self._local = local
        self._clock = clock
        self._away_until = float("-inf")

    async def take(self, key: UUID, nonce: str) -> bool:
        """See `Nonces`. Ours first: what this process has seen it knows, whatever Redis has lost."""
        if not await self._local.take(key, nonce):
            return False
        if self._clock.monotonic() < self._away_until:
            return True
        try:
            return await self._store.take(key, nonce, KEPT_S)
        except Unreachable:
            self._away_until = self._clock.monotonic() + AWAY_S
            return True
