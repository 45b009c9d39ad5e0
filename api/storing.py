"""What media stand on, opened: the depot and its breaker, the darkroom.

Owns that, for the composition root. Must never look at what is stored.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from prometheus_client import CollectorRegistry

from api.ground import MediaGround
from muster.breaker import STORE, Breaker
from muster.breaker_counts import BreakerCounts
from muster.clock import SystemClock
from muster.config import Settings
from muster.darkroom.pool import Darkroom
from muster.keys import Ring
from muster.metrics import MediaMetrics
from muster.stores.depots.opening import open_depot

MEDIA_ADDRESSES: Final = "media addresses"
"""What the secret is for that signs them."""


@asynccontextmanager
async def storing(
    settings: Settings, ring: Ring, registry: CollectorRegistry, breakers: BreakerCounts
) -> AsyncIterator[MediaGround]:
    """Open until it is left; workers start when there is work."""
    darkroom = Darkroom(settings.media_workers)
    store = breakers.of("media", Breaker(random.Random(), STORE))  # noqa: S311  # spreads probes
    try:
        async with open_depot(
            settings, lambda: ring.secrets(MEDIA_ADDRESSES), SystemClock(), store
        ) as depot:
            yield MediaGround(depot, darkroom, MediaMetrics(registry))
    finally:
        await darkroom.close()
