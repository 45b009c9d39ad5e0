"""The pieces of safety, put together for this door.

Owns which noun of theirs gets which store. Must never open anything (api/assembly.py brings what is open).
"""

from __future__ import annotations

from typing import NamedTuple

from api.agreements import AgreementHandlers
from api.ground import Ground
from api.moderation import QueueHandlers, Reading, SanctionHandlers
from api.security_events import SecurityHandlers
from api.staff import StaffHandlers
from muster.acting import Acting
from muster.agreements import Agreements
from muster.lapses import Lapses
from muster.metrics import ModerationMetrics
from muster.people import People
from muster.reports import Reports
from muster.rooms import Rooms
from muster.security_events import Watch
from muster.sessions import Sessions
from muster.stores.postgres.agreements import PostgresAgreements
from muster.stores.postgres.audit import PostgresAudit
from muster.stores.postgres.jobs import PostgresJobs
from muster.stores.postgres.lapses import PostgresLapses
from muster.stores.postgres.reports import PostgresReports
from muster.stores.postgres.rooms import PostgresRooms
from muster.stores.postgres.sanctions import PostgresSanctions
from muster.stores.postgres.security_events import PostgresSecurityEvents
from muster.verdicts import Verdicts


class SafetyHandlers(NamedTuple):
    """The handlers of all its routes."""

    staff: StaffHandlers
    sanctions: SanctionHandlers
    queue: QueueHandlers
    security: SecurityHandlers
    agreements: AgreementHandlers


def safety_handlers(
    on: Ground, people: People, sessions: Sessions, agreements: Agreements
) -> SafetyHandlers:
    """The routes."""
    acting = Acting(on.writer, ModerationMetrics(on.registry))
    reports = Reports(PostgresReports(on.primary), on.clock, on.random)
    reading = Reading(
        Rooms(PostgresRooms(on.primary, on.reads)),
        PostgresSanctions(on.primary),
        PostgresAudit(on.primary),
    )
    return SafetyHandlers(
        StaffHandlers(reports, people, sessions, acting),
        SanctionHandlers(reading, people, acting),
        QueueHandlers(reports, Verdicts(reports, people, acting), reading),
        SecurityHandlers(PostgresSecurityEvents(on.primary), people),
        AgreementHandlers(agreements),
    )


def agreements_of(on: Ground) -> Agreements:
    """Who has accepted what; one per process, which remembers."""
    return Agreements(PostgresAgreements(on.primary), on.settings.agreements)


def watching(on: Ground) -> Watch:
    """Who notes what was refused; one per process, which remembers."""
    return Watch(PostgresSecurityEvents(on.primary), on.clock)


def lapsing(on: Ground) -> Lapses:
    """Who clears away what is over."""
    kept = PostgresJobs(on.primary)
    return Lapses(PostgresLapses(on.primary), kept, on.clock, on.settings.report_days)
