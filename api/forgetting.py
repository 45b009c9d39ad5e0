"""The pieces of privacy, put together for this door: copies, erasures, consents, retention.

Owns which of them gets which store. Must never open anything: api/__main__.py brings what is open.
"""

from __future__ import annotations

import random

from api.accounts import emails_of
from api.ground import Ground
from api.identifying import Identities
from api.limits import Limits
from api.mine import MineHandlers
from muster import retention
from muster.config import Settings
from muster.consents import ConsentBook, purposes_of
from muster.erasing import Erasing, Tools
from muster.erasures import Erasures
from muster.exporting import Exporter, Exports, Terms
from muster.mails import Mails
from muster.owner_proof import OwnerProof
from muster.retention import Retention
from muster.stores.postgres.consents import PostgresConsents
from muster.stores.postgres.erasing import PostgresErasing
from muster.stores.postgres.exporting import PostgresExports, PostgresHeld
from muster.stores.postgres.jobs import PostgresJobs
from muster.stores.postgres.mails import PostgresMails
from muster.stores.postgres.people import PostgresPeople
from muster.stores.postgres.retention import PostgresRetention
from muster.stores.redis.forgetting import RedisForgetting


def mine_handlers(on: Ground, identified: Identities, limits: Limits) -> MineHandlers:
    """The routes."""
    settings = on.settings
    proof = OwnerProof(
        PostgresPeople(on.primary), identified.step_up, identified.sessions, on.clock
    )
    exports = Exports(
        PostgresExports(on.primary), on.media.depot, _terms(settings), on.clock, on.random
    )
    metrics = on.metrics.privacy
    emails = emails_of(on, Mails(PostgresMails(on.primary), on.sealer, on.clock, on.random))
    return MineHandlers(
        exports,
        Erasures(PostgresErasing(on.primary), emails, metrics, settings.erasure_days),
        ConsentBook(PostgresConsents(on.primary), purposes_of(settings.consents)),
        proof,
        identified.people,
        limits,
    )


def exporter(on: Ground) -> Exporter:
    """Who makes copies in this process."""
    return Exporter(
        PostgresExports(on.primary),
        PostgresHeld(on.primary, on.sealer),
        on.media.depot,
        _terms(on.settings),
        on.clock,
        on.metrics.privacy,
    )


def erasing(on: Ground) -> Erasing:
    """Who forgets people."""
    settings = on.settings
    rng = random.Random()  # noqa: S311  # spreads retries, hides nothing
    elsewhere = RedisForgetting(settings.redis_url, settings.redis_cluster, rng)
    tools = Tools(on.media.depot, elsewhere, on.metrics.privacy)
    return Erasing(PostgresErasing(on.primary), tools, PostgresJobs(on.primary), on.clock)


def retaining(on: Ground) -> Retention:
    """Who removes what is old."""
    settings = on.settings
    terms = retention.Terms(
        settings.keep_days, settings.keep_sessions_days, settings.keep_reasons_days
    )
    kept = PostgresJobs(on.primary)
    return Retention(PostgresRetention(on.primary), kept, on.clock, on.metrics.privacy, terms)


def _terms(settings: Settings) -> Terms:
    return Terms(settings.exports_per_day, settings.export_days, settings.media_link_s)
