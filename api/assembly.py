"""The pieces of the REST door, put together.

Owns which noun gets which store. Must never open anything: the composition root brings what is open.
"""

from __future__ import annotations

from concurrent.futures import Executor
from typing import NamedTuple

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette

from api.app import create_app
from api.documents import DocumentHandlers
from api.edge import ApiMetrics
from api.endpoint import Gate, Revocations
from api.limits import Limits
from api.members import MemberHandlers
from api.messages import MessageHandlers
from api.once import Once
from api.people import PeopleHandlers
from api.rooms import RoomHandlers
from api.service import KeySet, ServiceHandlers
from api.sessions import SessionHandlers
from api.staff import StaffHandlers
from api.table import Handlers, table
from muster.bucket import Rate
from muster.clock import Clock
from muster.config import Settings
from muster.history import History
from muster.ids import Random
from muster.keys import KeyRing
from muster.passwords import Passwords
from muster.people import People
from muster.reports import Reports
from muster.rooms import Rooms
from muster.sessions import Sessions, Submitter, Surroundings, Terms
from muster.stores.postgres.history import PostgresHistory
from muster.stores.postgres.idempotency import PostgresIdempotency
from muster.stores.postgres.people import PostgresPeople
from muster.stores.postgres.pointers import PostgresPointers
from muster.stores.postgres.pool import Database, Replica
from muster.stores.postgres.reports import PostgresReports
from muster.stores.postgres.rooms import PostgresRooms
from muster.stores.postgres.sessions import PostgresSessions
from muster.tokens import Tokens, jwks


class Ground(NamedTuple):
    """What the door stands on."""

    settings: Settings
    ring: KeyRing
    primary: Database
    reads: Replica
    writer: Submitter
    control: Revocations
    hashing: Executor
    clock: Clock
    random: Random
    registry: CollectorRegistry
    metrics: ApiMetrics


def assemble(on: Ground) -> Starlette:
    """The application."""
    settings = on.settings
    tokens = Tokens(
        on.ring,
        settings.issuer,
        settings.audience,
        settings.access_token_s,
        on.clock,
        on.random,
    )
    limits = Limits(
        Rate(settings.anonymous_per_min / 60, settings.anonymous_per_min),
        Rate(settings.reads_per_s, settings.reads_per_s * 5),
        Rate(settings.writes_per_s, settings.writes_per_s * 3),
        on.clock,
        on=settings.rate_limits,
    )
    once = Once(PostgresIdempotency(on.primary))
    gate = Gate(tokens, on.control, limits, once, on.clock, on.random)
    documents = DocumentHandlers()
    routes = table(_handlers(on, tokens, limits, documents))
    return create_app(
        routes,
        gate,
        documents,
        on.metrics,
        settings.allowed_origins,
        tls=settings.tls_cert is not None,
    )


def _handlers(on: Ground, tokens: Tokens, limits: Limits, documents: DocumentHandlers) -> Handlers:
    settings, writer = on.settings, on.writer
    passwords = Passwords(on.hashing, settings.password_memory_kib, settings.password_passes)
    known = PostgresPeople(on.primary)
    people = People(known, passwords, on.clock, on.random)
    sessions = Sessions(
        PostgresSessions(on.primary),
        known,
        passwords,
        tokens,
        Terms(settings.refresh_days, settings.session_days),
        Surroundings(on.clock, on.random, writer),
    )
    rooms = Rooms(PostgresRooms(on.primary, on.reads))
    history = History(PostgresHistory(on.reads))
    reports = Reports(PostgresReports(on.primary), on.clock, on.random)

    return Handlers(
        people=PeopleHandlers(people, known, writer),
        sessions=SessionHandlers(sessions, limits),
        rooms=RoomHandlers(rooms, writer, limits),
        members=MemberHandlers(rooms, writer),
        messages=MessageHandlers(history, PostgresPointers(on.primary), writer),
        staff=StaffHandlers(reports, people, sessions, writer),
        service=ServiceHandlers(
            on.registry, KeySet(**jwks(on.ring)), settings.hub_urls, on.primary.ping
        ),
        documents=documents,
    )
