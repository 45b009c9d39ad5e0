"""Opening the real REST application on a real Postgres and Redis, for tests.

Owns how its parts are put together, and closed. It never replaces one of ours.
"""

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any, Protocol
from uuid import uuid4

import asyncpg
import httpx
from prometheus_client import CollectorRegistry

from api.assembly import assemble
from api.edge import ApiMetrics
from api.ground import Abroad, Ground, MediaGround
from api.memory import Ear, remembering
from api.proving import proving
from muster import keys
from muster.addresses import networks
from muster.breaker_counts import BreakerCounts
from muster.config import Settings
from muster.control import ControlLog, ControlView
from muster.darkroom.pool import Darkroom
from muster.data_keys import DataKeys
from muster.egress import EVERYWHERE, Egress
from muster.errors import Refused
from muster.guards import guards_of
from muster.ids import SystemRandom
from muster.keys import KeyRing
from muster.lanes import LaneTable
from muster.metrics import MediaMetrics, WriterMetrics
from muster.outlet import Outlet
from muster.placement import Placement
from muster.shelf import Shelf
from muster.stores.depots.opening import open_depot
from muster.stores.postgres.batch import PostgresBatchConnection
from muster.stores.postgres.data_keys import data_keys
from muster.stores.postgres.membership import PostgresControlReader
from muster.stores.postgres.pool import Database, Replica, open_database
from muster.stores.postgres.venues import PostgresVenues
from muster.stores.redis.meters import PublisherMeters, TailMeters
from muster.stores.redis.nodes import Nodes, nodes_at
from muster.stores.redis.publisher import RedisPublisher
from muster.stores.redis.roll import roll_at
from muster.stores.redis.standing import standings_at
from muster.stores.redis.tail import RedisTail
from muster.stores.redis.tolls import tolls_at
from muster.writer import Writer
from proto.frames import Entry
from tests.api.documented import Documented
from tests.api.door import Door, MovedClock
from tests.fixtures.sealing import MASTERS
from tests.vocabulary import PATIENCE_S

LANES = 4


@cache
def key_ring() -> KeyRing:
    """One key for all tests: making one takes a while."""
    directory = Path(mkdtemp(prefix="muster-test-keys-"))
    keys.ensure_key(directory)
    return keys.load(directory)


@asynccontextmanager
async def open_door(
    database_url: str,
    redis_url: str,
    *,
    primary_url: str | None = None,  # where it looks for Postgres
    endpoints: Egress | None = None,  # how it asks webhooks' endpoints
    lane_prefix: str = "",
    tolls: str = "",  # whose limits it shares, else its own
    within_s: float = PATIENCE_S,  # in which its writer answers
    **changed: Any,
) -> AsyncIterator[Door]:
    """All of it real. `lane_prefix`: whose lanes it shares, else its own."""
    settings = _settings(database_url, redis_url, **changed)
    clock, registry = MovedClock(), CollectorRegistry()
    metrics, url = ApiMetrics(registry), primary_url or database_url
    primary, replica = await _pools(settings, url, metrics)
    lanes = LaneTable(LANES, lane_prefix or f"test-{secrets.token_hex(4)}")
    rng, reads = random.Random(1), Replica(primary, replica)
    memory = remembering(settings, reads, clock, registry, lambda _: None)
    told = memory and memory.shelf.told
    nodes = nodes_at(redis_url, False, lanes, rng)
    publisher = RedisPublisher(nodes, lanes, PublisherMeters(registry), 1000, rng)
    roll = roll_at(redis_url, False, rng, f"test-{secrets.token_hex(4)}")
    standings = standings_at(redis_url, False, rng, f"test-{secrets.token_hex(4)}")
    placement = Placement(standings, PostgresVenues(primary), clock, settings.place_terms, registry)
    view, news = ControlView(settings.access_token_s * 1000), asyncio.Event()
    writer = _writer(url, lambda: Outlet(publisher, uuid4, told), clock, registry, within_s)
    survey = placement.survey
    control = _control(primary, view, clock, (survey.control, lambda _entry: news.set()))
    sealing = await _sealing(primary, clock, registry)
    database, abroad = await asyncpg.connect(database_url), _abroad(settings, endpoints)
    shown = proving(settings, clock, registry, f"test-{secrets.token_hex(4)}")
    breakers = BreakerCounts(registry)
    shared = tolls_at(redis_url, False, rng, tolls or f"test-{secrets.token_hex(4)}", PATIENCE_S)
    guards = guards_of(settings, shared, clock, rng, registry, breakers)
    async with _media(settings, clock, registry) as media, shown as identity:
        with ThreadPoolExecutor(2) as hashing:
            ground = Ground(
                settings,
                key_ring(),
                primary,
                reads,
                writer,
                view,
                hashing,
                clock,
                SystemRandom(),
                registry,
                metrics,
                abroad,
                media,
                roll,
                placement,
                sealing,
                identity,
                guards,
                breakers,
                memory,
            )
            loops: list[_Runs] = [writer, control, survey, guards.borders, guards.tolls]
            if memory is not None:
                tail = _tail(memory.shelf, control, (nodes, lanes), clock, registry)
                loops += [memory.views, tail]
            async with _asking(ground) as client, _running(loops):
                yield Door(client, database, ground, control, view, news)
    for opened in (*abroad, roll, standings, shared, publisher, database, primary, replica):
        if opened is not None:
            await opened.close()


class _Runs(Protocol):
    async def run(self) -> None: ...


@asynccontextmanager
async def _running(loops: Sequence[_Runs]) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(each.run()) for each in loops]
        try:
            yield
        finally:
            for task in running:
                task.cancel()


@asynccontextmanager
async def _asking(ground: Ground) -> AsyncIterator[httpx.AsyncClient]:
    """Whoever asks the door. Every answer is held against the document."""
    transport = httpx.ASGITransport(assemble(ground))
    looks = {"response": [Documented(transport).look]}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://door", event_hooks=looks
    ) as client:
        yield client


def _control(
    primary: Database,
    view: ControlView,
    clock: MovedClock,
    listeners: tuple[Callable[[Entry], None], ...],
) -> ControlLog:
    def heard(entry: Entry) -> None:
        for listener in listeners:
            listener(entry)

    return ControlLog(PostgresControlReader(primary.lent), view, clock, heard)


def _tail(
    shelf: Shelf,
    control: ControlLog,
    lanes: tuple[Nodes, LaneTable],
    clock: MovedClock,
    registry: CollectorRegistry,
) -> RedisTail:
    rng = random.Random(1)
    return RedisTail(*lanes, Ear(shelf, control), TailMeters(registry), clock, rng)


async def _sealing(primary: Database, clock: MovedClock, registry: CollectorRegistry) -> DataKeys:
    sealing = data_keys(primary, MASTERS, clock, registry)
    with suppress(Refused):  # where there is no Postgres, there are no keys
        await primary.ping()
        await sealing.begin()
    return sealing


def _writer(
    url: str,
    outlet: Callable[[], Outlet],
    clock: MovedClock,
    registry: CollectorRegistry,
    within_s: float,
) -> Writer:
    return Writer(
        [PostgresBatchConnection(url, "test-writer")],
        PostgresBatchConnection(url, "test-spare"),
        outlet,
        clock,
        WriterMetrics(registry),
        within_s,
    )


@asynccontextmanager
async def _media(
    settings: Settings, clock: MovedClock, registry: CollectorRegistry
) -> AsyncIterator[MediaGround]:
    """Uploads lie in a directory of the test's own unless it says where."""
    darkroom = Darkroom(settings.media_workers)
    with TemporaryDirectory(prefix="muster-test-media-") as directory:
        where = replace(settings, media_dir=settings.media_dir or Path(directory))
        async with open_depot(where, lambda: key_ring().secrets("media addresses"), clock) as depot:
            yield MediaGround(depot, darkroom, MediaMetrics(registry))
    await darkroom.close()


async def _pools(
    settings: Settings, url: str, metrics: ApiMetrics
) -> tuple[Database, Database | None]:
    replica_at = settings.database_replica_url
    return await _pool(url, metrics), await _pool(replica_at, metrics) if replica_at else None


async def _pool(url: str, metrics: ApiMetrics) -> Database:
    return await open_database(url, "test-api", 4, metrics.database_seconds.observe)


def _settings(database_url: str, redis_url: str, **changed: Any) -> Settings:
    return replace(
        Settings(
            database_url=database_url,
            redis_url=redis_url,
            password_memory_kib=64,
            password_passes=1,
            rate_limits=False,
            hub_urls=("ws://127.0.0.1:8101/v1/socket",),
        ),
        **changed,
    )


def _abroad(settings: Settings, endpoints: Egress | None) -> Abroad:
    judging = endpoints or Egress(networks(settings.egress_networks))
    return Abroad(judging, Egress(networks(EVERYWHERE)))
