"""Which depot these settings mean, opened.

Owns that choice alone: a bucket is S3, without one it is a directory of ours.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from muster.breaker import Breaker
from muster.clock import Clock
from muster.config import Settings
from muster.depot import Depot
from muster.stores.depots.local import LocalDepot
from muster.stores.depots.s3 import open_s3
from muster.stores.depots.signing import Secrets, Signer


@asynccontextmanager
async def open_depot(
    settings: Settings, secrets: Secrets, clock: Clock, breaker: Breaker | None = None
) -> AsyncIterator[Depot]:
    """The depot; `secrets` sign addresses of our own. Nothing is asked of it yet."""
    if settings.media_s3_bucket:
        async with open_s3(settings, clock, breaker) as depot:
            yield depot
    else:
        yield LocalDepot(settings.media_path, Signer(secrets), clock, settings.media_cdn_url)
