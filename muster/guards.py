"""Who may ask, how often, and how often at a secret: put together from the settings, in both doors alike.

Owns which part knows which. Must never open anything: who speaks to Redis is passed in.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

from prometheus_client import CollectorRegistry

from muster.attempts import Attempts, SharedAttempts
from muster.borders import Borders, borders_of
from muster.breaker import SHARED, Breaker
from muster.breaker_counts import BreakerCounts
from muster.clock import Clock
from muster.ids import PersonId
from muster.limit_settings import LimitSettings
from muster.quotas import Quotas
from muster.toll_counts import TollCounts
from muster.tolls import SharedTolls, Tolls


class Shared(SharedTolls, SharedAttempts, Protocol):
    """What all processes have in common."""


class Guards(NamedTuple):
    """One process's."""

    borders: Borders
    tolls: Tolls
    attempts: Attempts

    def fixes(self, settings: LimitSettings) -> Callable[[PersonId, int], Awaitable[None]]:
        """What people pay for evidence of where they are."""
        quota = Quotas.of(settings).fixes

        async def pay(person: PersonId, pieces: int) -> None:
            await self.tolls.take(quota.of(person.bytes, float(pieces)))

        return pay

    def start(self, tasks: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """What runs for as long as the process does."""
        return [tasks.create_task(part.run()) for part in (self.borders, self.tolls)]


def guards_of(
    settings: LimitSettings,
    shared: Shared,
    clock: Clock,
    rng: random.Random,
    registry: CollectorRegistry,
    breakers: BreakerCounts,
) -> Guards:
    """As the settings say. Raises `SettingsError`."""
    borders = borders_of(settings)
    on = settings.rate_limits
    tolls = Tolls(shared, breakers.of("limits", Breaker(rng, SHARED)), clock, on=on)
    attempts = Attempts(shared, breakers.of("attempts", Breaker(rng, SHARED)), clock, on=on)
    TollCounts(tolls, (attempts.refused, borders.refused), registry)
    return Guards(borders, tolls, attempts)
