"""What showing who one is stands on, opened: nonces in Redis, the list of passwords that nobody may take.

Owns that, for the composition root. Must never decide about a password or a request.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry

from api.ground import IdentityGround
from muster.breached import known_passwords
from muster.clock import Clock
from muster.config import Settings
from muster.metrics import IdentityMetrics
from muster.nonces import LocalNonces, SharedNonces
from muster.stores.redis.nonces import RedisNonces
from muster.stores.redis.wire import Dial


@asynccontextmanager
async def proving(
    settings: Settings, clock: Clock, registry: CollectorRegistry, namespace: str = "muster"
) -> AsyncIterator[IdentityGround]:
    """Open until it is left. Raises `BreachedError`: the list cannot be used."""
    known = known_passwords(settings.breached_file)
    shared = RedisNonces(Dial(settings.redis_url), namespace)
    nonces = SharedNonces(shared, LocalNonces(clock), clock)
    try:
        yield IdentityGround(known, nonces, IdentityMetrics(registry))
    finally:
        await shared.close()
