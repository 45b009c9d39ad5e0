"""The pieces of the REST door, put together.

Owns which noun gets which store. Must never open anything: the composition root brings what is open.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from uuid import uuid4

from starlette.applications import Starlette

from api.accounts import account_handlers, mailing
from api.adopters import AdopterHandlers
from api.app import create_app
from api.attending import attendance_handlers, leaving
from api.contacts import ContactHandlers
from api.documents import DocumentHandlers
from api.endpoint import Gate
from api.finding import FindingHandlers
from api.forgetting import erasing, mine_handlers, retaining
from api.ground import Ground
from api.hosting import calendar_handlers, event_finding_handlers, event_handlers, event_jobs
from api.identifying import identities, service_keys
from api.later import LaterHandlers
from api.limits import Limits
from api.links import AppLinkHandlers, LinkHandlers
from api.media import MediaHandlers
from api.members import MemberHandlers
from api.messages import MessageHandlers, Reading
from api.once import Once
from api.page import MapSource, PageHandlers, packaged
from api.people import PeopleHandlers
from api.phone import PhoneHandlers
from api.place import PlaceHandlers
from api.polls import PollHandlers
from api.presence import PresenceHandlers
from api.pushing import extensions, push_handlers, stale
from api.rooms import RoomHandlers
from api.safety import agreements_of, lapsing, safety_handlers, watching
from api.sealing import sealing as sealing_rounds
from api.service import KeySet, ServiceHandlers
from api.sessions import SessionHandlers
from api.store import StoreHandlers
from api.table import Handlers, table
from api.webhooks import WebhookHandlers
from muster import (
    departures,
    lapses,
    mails,
    orphans,
    polls,
    previews,
    reminders,
    retention,
    scheduled,
    sealing,
    stale_devices,
)
from muster import (
    erasing as erasures,
)
from muster.agreements import Agreements
from muster.arrivals import Arrivals
from muster.attaching import Attaching
from muster.breaker import ISSUER, Breaker
from muster.closing import Closing
from muster.config import Settings
from muster.contacts import Contacts
from muster.courier import Chance, Courier, CourierMetrics
from muster.fences import Fences
from muster.finding import Finding
from muster.foreign import Foreign
from muster.gallery import Gallery
from muster.history import History
from muster.intake import Intake, Tools
from muster.issuers import parse as parse_issuers
from muster.jobs import Handler, JobMetrics, Runner
from muster.jwks import KeySet as ForeignKeys
from muster.jwks import fetching
from muster.media import terms_of
from muster.orphans import Orphans
from muster.pages import Pages, ReadPages
from muster.pins import Pins
from muster.placing import Placing
from muster.polls import Polls
from muster.previews import PreviewMetrics, Previews, Reads
from muster.quotas import Quotas
from muster.reminders import Reminders
from muster.rooms import Rooms
from muster.scheduled import Schedule
from muster.search import Search
from muster.sessions import Surroundings
from muster.status import Statuses
from muster.stores.depots.local import LocalDepot
from muster.stores.depots.origins import media_origins
from muster.stores.postgres.contacts import PostgresContacts
from muster.stores.postgres.deliveries import PostgresDeliveries
from muster.stores.postgres.drafts import PostgresDrafts
from muster.stores.postgres.externals import PostgresExternals
from muster.stores.postgres.finding import PostgresFinding
from muster.stores.postgres.history import PostgresHistory
from muster.stores.postgres.idempotency import PostgresIdempotency
from muster.stores.postgres.jobs import PostgresJobs
from muster.stores.postgres.links import PostgresLinks
from muster.stores.postgres.media import PostgresClaims, PostgresMedia
from muster.stores.postgres.notices import PostgresNotices
from muster.stores.postgres.people import PostgresPeople
from muster.stores.postgres.pins import PostgresPins
from muster.stores.postgres.pointers import PostgresPointers
from muster.stores.postgres.polls import PostgresPolls
from muster.stores.postgres.presence import PostgresPresence
from muster.stores.postgres.previews import PostgresPreviews
from muster.stores.postgres.rooms import PostgresRooms
from muster.stores.postgres.search import PostgresSearch
from muster.stores.postgres.sync import PostgresMoments
from muster.stores.postgres.threads import PostgresThreads
from muster.stores.postgres.visits import PostgresVisits
from muster.stores.postgres.webhooks import PostgresWebhooks
from muster.tokens import Tokens, jwks
from muster.visits import Visits
from muster.webhooks import Webhooks


def assemble(on: Ground) -> Starlette:
    """The application."""
    settings = on.settings
    tokens = Tokens(
        on.ring, settings.issuer, settings.audience, settings.access_token_s, on.clock, on.random
    )
    guards = on.guards
    watch = watching(on)
    limits = Limits(guards.tolls, Quotas.of(settings), guards.attempts, watch)
    once = Once(PostgresIdempotency(on.primary))
    agreements = agreements_of(on)
    gate = Gate(
        tokens,
        on.control,
        limits,
        once,
        on.clock,
        on.random,
        service_keys(on),
        extensions(on, tokens),
        settings.min_version,
        agreements,
        watch,
    )
    documents = DocumentHandlers()
    routes = table(_handlers(on, tokens, limits, documents, agreements))
    return create_app(
        routes,
        gate,
        documents,
        on.metrics,
        guards.borders,
        settings.allowed_origins,
        tls=settings.tls_cert is not None,
    )


def timers(on: Ground, rng: random.Random, metrics: JobMetrics | None = None) -> Runner:
    """Who fires jobs in this process, but for link previews."""
    handlers = {
        scheduled.KIND: _schedule(on).fire,
        reminders.KIND: _reminders(on).fire,
        polls.KIND: Closing(on.writer).fire,
        orphans.KIND: orphaned(on).fire,
        departures.KIND: leaving(on.primary, on.writer).fire,
        stale_devices.KIND: stale(on).fire,
        lapses.KIND: lapsing(on).fire,
        sealing.KIND: sealing_rounds(on).fire,
        erasures.KIND: erasing(on).fire,
        retention.KIND: retaining(on).fire,
        **event_jobs(on),
    }
    return _runner(on, rng, handlers, metrics or JobMetrics(on.registry))


def previewing(on: Ground, rng: random.Random, pages: Reads, metrics: JobMetrics) -> Runner:
    """Who looks at links. A runner of its own: a page that takes long keeps no scheduled message waiting."""
    looking = Previews(
        PostgresPreviews(on.primary),
        pages,
        on.writer,
        PreviewMetrics(on.registry),
        on.clock,
        on=on.settings.link_previews,
    )
    return _runner(on, rng, {previews.KIND: looking.fire}, metrics)


def sending(on: Ground, rng: random.Random, metrics: JobMetrics) -> Runner:
    """Who sends mails. A runner of its own: a mail server that is slow keeps no scheduled message waiting."""
    return _runner(on, rng, {mails.JOB: mailing(on).fire}, metrics)


def _runner(
    on: Ground, rng: random.Random, handlers: Mapping[str, Handler], metrics: JobMetrics
) -> Runner:
    every_s = on.settings.jobs_every_s
    return Runner(PostgresJobs(on.primary), handlers, metrics, rng, every_s, uuid4)


def courier(on: Ground, rng: random.Random) -> Courier:
    """Who delivers webhooks in this process."""
    return Courier(
        PostgresDeliveries(on.primary, on.sealer),
        on.abroad.endpoints,
        on.clock,
        CourierMetrics(on.registry),
        Chance(rng, uuid4),
        on.settings.jobs_every_s,
    )


def _foreign(on: Ground) -> Foreign:
    issuers = parse_issuers(on.settings.trusted_issuers)
    rng = random.Random()  # noqa: S311  # spreads fetches, hides nothing
    keys = {
        name: ForeignKeys(
            fetching(on.abroad.issuers, issuer),
            on.clock,
            on.breakers.of(f"issuer {number}", Breaker(rng, ISSUER)),
        )
        for number, (name, issuer) in enumerate(issuers.items(), start=1)
    }
    return Foreign(issuers, keys, on.clock)


def _schedule(on: Ground) -> Schedule:
    rooms = Rooms(PostgresRooms(on.primary, on.reads))
    return Schedule(PostgresJobs(on.primary), rooms, PostgresPeople(on.primary), _attaching(on))


def _attaching(on: Ground) -> Attaching:
    """One per use: what matters stands in Postgres, the order of one author's posts in whoever posts them."""
    return Attaching(on.writer, PostgresClaims(on.primary))


def orphaned(on: Ground) -> Orphans:
    """Who collects media that nobody needs."""
    media = on.media
    store, kept = PostgresMedia(on.primary), PostgresJobs(on.primary)
    return Orphans(store, media.depot, kept, on.clock, media.metrics)


def _reminders(on: Ground) -> Reminders:
    rooms = Rooms(PostgresRooms(on.primary, on.reads))
    return Reminders(PostgresJobs(on.primary), rooms, on.writer)


def _reading(on: Ground, gallery: Gallery) -> Reading:
    store = PostgresHistory(on.reads)
    history = History(store)
    if on.memory is None:
        return Reading(history, ReadPages(history, gallery))
    return Reading(history, Pages(store, gallery, on.memory))


def _intake(on: Ground) -> Intake:
    media = on.media
    tools = Tools(media.depot, media.darkroom, media.metrics, on.clock, on.random)
    return Intake(PostgresMedia(on.primary), tools, terms_of(on.settings))


def _placing(on: Ground) -> Placing:
    visits = Visits(on.writer, PostgresVisits(on.primary))
    return on.placement.placing(visits, on.guards.fixes(on.settings))


def _messages(on: Ground, gallery: Gallery) -> MessageHandlers:
    threads, pointers = PostgresThreads(on.reads), PostgresPointers(on.primary)
    return MessageHandlers(_reading(on, gallery), threads, pointers, _attaching(on))


def _phone(on: Ground, rooms: Rooms) -> PhoneHandlers:
    notices, drafts = PostgresNotices(on.primary), PostgresDrafts(on.primary)
    return PhoneHandlers(PostgresMoments(on.primary), notices, drafts, rooms, on.writer)


def _page(settings: Settings) -> PageHandlers:
    tiles = MapSource(settings.map_tiles, settings.map_credit)
    return PageHandlers(packaged(), settings.hub_urls, media_origins(settings), tiles)


def _handlers(
    on: Ground,
    tokens: Tokens,
    limits: Limits,
    documents: DocumentHandlers,
    agreements: Agreements,
) -> Handlers:
    settings, writer = on.settings, on.writer
    known = PostgresPeople(on.primary)
    identified = identities(on, tokens, limits)
    people, login, sessions = identified.people, identified.login, identified.sessions
    surroundings = Surroundings(on.clock, on.random, writer)
    externals = PostgresExternals(on.primary)
    arrivals = Arrivals(externals, known, _foreign(on), surroundings)
    accounts = account_handlers(on, identified, arrivals, limits)
    hooks = PostgresWebhooks(on.primary, on.sealer)
    webhooks = Webhooks(hooks, on.clock, on.random, private=bool(settings.egress_networks))
    finding = Finding(PostgresFinding(on.primary))
    contacts = PostgresContacts(on.primary)
    rooms = Rooms(PostgresRooms(on.primary, on.reads))
    depot = on.media.depot
    gallery = Gallery(PostgresMedia(on.primary), depot, settings.media_link_s)
    placing = _placing(on)
    return Handlers(
        people=PeopleHandlers(people, finding, known, writer),
        contacts=ContactHandlers(Contacts(contacts), contacts, finding, writer),
        links=LinkHandlers(PostgresLinks(on.primary), writer, on.clock, on.random),
        app_links=AppLinkHandlers(
            settings.ios_app_ids, settings.android_package, settings.android_cert_sha256
        ),
        sessions=SessionHandlers(login, sessions, arrivals, limits),
        credentials=identified.credentials,
        emails=accounts.emails,
        oauth=accounts.oauth,
        rooms=RoomHandlers(rooms, writer, limits),
        members=MemberHandlers(rooms, writer),
        events=event_handlers(on),
        event_finding=event_finding_handlers(on),
        calendars=calendar_handlers(on),
        messages=_messages(on, gallery),
        polls=PollHandlers(Polls(PostgresPolls(on.reads)), writer),
        finding=FindingHandlers(
            Search(PostgresSearch(on.reads)), Pins(PostgresPins(on.reads)), writer
        ),
        later=LaterHandlers(_schedule(on), _reminders(on)),
        adopters=AdopterHandlers(arrivals, externals, known, writer, limits),
        webhooks=WebhookHandlers(webhooks),
        place=PlaceHandlers(placing, Fences(on.placement.survey, on.placement.leaves, on.clock)),
        presence=PresenceHandlers(Statuses(PostgresPresence(on.primary), on.roll, on.clock)),
        push=push_handlers(on, tokens, gallery),
        phone=_phone(on, rooms),
        attendance=attendance_handlers(on.primary, on.writer, on.clock, on.ring, placing),
        media=MediaHandlers(_intake(on), gallery, on.clock),
        store=StoreHandlers(depot if isinstance(depot, LocalDepot) else None),
        mine=mine_handlers(on, identified, limits),
        **safety_handlers(on, people, sessions, agreements)._asdict(),
        service=ServiceHandlers(
            on.registry, lambda: KeySet(**jwks(on.ring)), settings.hub_urls, on.primary.ping
        ),
        documents=documents,
        page=_page(settings),
    )
