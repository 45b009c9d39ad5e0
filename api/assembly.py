"""The pieces of the REST door, put together.

Owns which noun gets which store. Must never open anything: the composition root brings what is open.
"""

from __future__ import annotations

import random
from concurrent.futures import Executor
from typing import NamedTuple
from uuid import uuid4

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette

from api.app import create_app
from api.contacts import ContactHandlers
from api.documents import DocumentHandlers
from api.edge import ApiMetrics
from api.endpoint import Gate, Revocations
from api.finding import FindingHandlers
from api.later import LaterHandlers
from api.limits import Limits, Rates
from api.links import AppLinkHandlers, LinkHandlers
from api.members import MemberHandlers
from api.messages import MessageHandlers
from api.once import Once
from api.page import PageHandlers, packaged
from api.people import PeopleHandlers
from api.rooms import RoomHandlers
from api.service import KeySet, ServiceHandlers
from api.sessions import SessionHandlers
from api.staff import StaffHandlers
from api.table import Handlers, table
from muster import reminders, scheduled
from muster.bucket import Rate
from muster.clock import Clock
from muster.config import Settings
from muster.contacts import Contacts
from muster.finding import Finding
from muster.history import History
from muster.ids import Random
from muster.jobs import JobMetrics, Runner
from muster.keys import KeyRing
from muster.passwords import Passwords
from muster.people import People
from muster.pins import Pins
from muster.reminders import Reminders
from muster.reports import Reports
from muster.rooms import Rooms
from muster.scheduled import Schedule
from muster.search import Search
from muster.sessions import Sessions, Submitter, Surroundings, Terms
from muster.stores.postgres.contacts import PostgresContacts
from muster.stores.postgres.finding import PostgresFinding
from muster.stores.postgres.history import PostgresHistory
from muster.stores.postgres.idempotency import PostgresIdempotency
from muster.stores.postgres.jobs import PostgresJobs
from muster.stores.postgres.links import PostgresLinks
from muster.stores.postgres.people import PostgresPeople
from muster.stores.postgres.pins import PostgresPins
from muster.stores.postgres.pointers import PostgresPointers
from muster.stores.postgres.pool import Database, Replica
from muster.stores.postgres.reports import PostgresReports
from muster.stores.postgres.rooms import PostgresRooms
from muster.stores.postgres.search import PostgresSearch
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
    rates = Rates(
        anonymous=Rate(settings.anonymous_per_min / 60, settings.anonymous_per_min),
        reads=Rate(settings.reads_per_s, settings.reads_per_s * 5),
        writes=Rate(settings.writes_per_s, settings.writes_per_s * 3),
        searches=Rate(settings.searches_per_min / 60, max(1.0, settings.searches_per_min / 3)),
    )
    limits = Limits(rates, on.clock, on=settings.rate_limits)
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


def timers(on: Ground, rng: random.Random) -> Runner:
    """Who fires jobs in this process."""
    schedule, reminding = _schedule(on), _reminders(on)
    return Runner(
        PostgresJobs(on.primary),
        {scheduled.KIND: schedule.fire, reminders.KIND: reminding.fire},
        JobMetrics(on.registry),
        rng,
        on.settings.jobs_every_s,
        uuid4,
    )


def _schedule(on: Ground) -> Schedule:
    rooms = Rooms(PostgresRooms(on.primary, on.reads))
    return Schedule(PostgresJobs(on.primary), rooms, PostgresPeople(on.primary), on.writer)


def _reminders(on: Ground) -> Reminders:
    rooms = Rooms(PostgresRooms(on.primary, on.reads))
    return Reminders(PostgresJobs(on.primary), rooms, on.writer)


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
    finding = Finding(PostgresFinding(on.primary))
    contacts = PostgresContacts(on.primary)
    rooms = Rooms(PostgresRooms(on.primary, on.reads))
    history = History(PostgresHistory(on.reads))
    reports = Reports(PostgresReports(on.primary), on.clock, on.random)

    return Handlers(
        people=PeopleHandlers(people, finding, known, writer),
        contacts=ContactHandlers(Contacts(contacts), contacts, finding, writer),
        links=LinkHandlers(PostgresLinks(on.primary), writer, on.clock, on.random),
        app_links=AppLinkHandlers(
            settings.ios_app_ids, settings.android_package, settings.android_cert_sha256
        ),
        sessions=SessionHandlers(sessions, limits),
        rooms=RoomHandlers(rooms, writer, limits),
        members=MemberHandlers(rooms, writer),
        messages=MessageHandlers(history, PostgresPointers(on.primary), writer),
        finding=FindingHandlers(
            Search(PostgresSearch(on.reads)), Pins(PostgresPins(on.reads)), writer
        ),
        later=LaterHandlers(_schedule(on), _reminders(on)),
        staff=StaffHandlers(reports, people, sessions, writer),
        service=ServiceHandlers(
            on.registry, KeySet(**jwks(on.ring)), settings.hub_urls, on.primary.ping
        ),
        documents=documents,
        page=PageHandlers(packaged(), settings.hub_urls),
    )
