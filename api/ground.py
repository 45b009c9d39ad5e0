"""What the REST door stands on: everything that is open, by name.

Owns the shape alone. Must never open anything: the composition root (api/__main__.py) brings it.
"""

from __future__ import annotations

from concurrent.futures import Executor
from typing import NamedTuple

from prometheus_client import CollectorRegistry

from api.edge import ApiMetrics
from api.endpoint import Revocations
from muster.breaker_counts import BreakerCounts
from muster.clock import Clock
from muster.config import Settings
from muster.darkroom.pool import Darkroom
from muster.data_keys import DataKeys
from muster.depot import Depot
from muster.egress import Egress
from muster.guards import Guards
from muster.ids import Random
from muster.keys import Ring
from muster.metrics import IdentityMetrics, MediaMetrics
from muster.nonces import Nonces
from muster.pages import Memory
from muster.password_policy import KnownPasswords
from muster.placement import Placement
from muster.roll import Roll
from muster.sealer import Sealer
from muster.sessions import Submitter
from muster.stores.postgres.pool import Database, Replica


class Abroad(NamedTuple):
    """How this process asks others: endpoints that the app chose, and issuers that the operator did."""

    endpoints: Egress
    issuers: Egress


class MediaGround(NamedTuple):
    """What media stand on."""

    depot: Depot
    darkroom: Darkroom
    metrics: MediaMetrics


class IdentityGround(NamedTuple):
    """What showing who one is stands on: passwords that nobody may take, nonces, and what is counted."""

    known: KnownPasswords
    nonces: Nonces
    metrics: IdentityMetrics


class Ground(NamedTuple):
    """What the door stands on."""

    settings: Settings
    ring: Ring
    primary: Database
    reads: Replica
    writer: Submitter
    control: Revocations
    hashing: Executor
    clock: Clock
    random: Random
    registry: CollectorRegistry
    metrics: ApiMetrics
    abroad: Abroad
    media: MediaGround
    roll: Roll
    placement: Placement
    data_keys: DataKeys
    identity: IdentityGround
    guards: Guards
    breakers: BreakerCounts
    memory: Memory | None = None

    @property
    def sealer(self) -> Sealer:
        """What seals fields in this process."""
        return self.data_keys.sealer
