"""The REST door's process: `python -m api`.

Owns what is opened, and the order in which it stops: no new requests, those in flight answered, then the
writer, then the connections. Must never hold anything another module could.
"""

from __future__ import annotations

import asyncio
import os
import random
import resource
import socket
import sys
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from typing import Final
from uuid import uuid4

import httpcore
import uvicorn
from prometheus_client import CollectorRegistry

from api.assembly import (
    Abroad,
    Ground,
    MediaGround,
    assemble,
    courier,
    orphaned,
    previewing,
    timers,
)
from api.edge import ApiMetrics
from api.wire import Wire
from muster import keys, lifetime
from muster.addresses import networks
from muster.clock import SystemClock
from muster.config import Settings
from muster.control import ControlLog, ControlView
from muster.darkroom.pool import Darkroom
from muster.dialer import SystemDialer
from muster.egress import EVERYWHERE, Egress
from muster.errors import Refused
from muster.fetch import Pages
from muster.ids import SystemRandom
from muster.jobs import JobMetrics
from muster.keys import KeyRing, KeysError
from muster.lanes import LaneTable
from muster.metrics import MediaMetrics, WriterMetrics
from muster.orphans import Orphans
from muster.outlet import Outlet
from muster.resolver import SystemResolver
from muster.setting import SettingsError
from muster.sorting import Sorting
from muster.stores.depots.opening import open_depot
from muster.stores.postgres.batch import (
    LOCK_TIMEOUT_MS,
    SPARE_LOCK_TIMEOUT_MS,
    PostgresBatchConnection,
)
from muster.stores.postgres.idempotency import PostgresIdempotency
from muster.stores.postgres.membership import PostgresControlReader
from muster.stores.postgres.pool import Database, Replica, open_database
from muster.stores.postgres.search import PostgresSorting
from muster.stores.reach import wait_for_installation
from muster.stores.redis.meters import PublisherMeters
from muster.stores.redis.nodes import nodes_at
from muster.stores.redis.publisher import RedisPublisher
from muster.stores.redis.roll import roll_at
from muster.telemetry import configure_logging, get_logger, new_registry
from muster.writer import Writer

NAME: Final = "muster-api"
SWEEP_S: Final = 600.0
ASK_AGAIN_S: Final = 1.0
KEEP_ALIVE_S: Final = 75
"""Longer than the 60 s for which balancers keep a connection: the balancer closes first."""

BACKLOG: Final = 2_048
PEER_LOST_S: Final = 30.0
"""A peer that does not take an answer for so long is gone, whatever it says."""

_TOKEN_LEEWAY_MS: Final = 60_000

_log = get_logger()


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: muster.lifetime has them."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(settings: Settings, stop: asyncio.Event) -> int:
    """Serve until `stop`; the exit code."""
    ring = keys.load(settings.keys_path)
    listening = _listen(settings)
    reached = wait_for_installation(settings.database_url, settings.lanes, _say)
    if not await _unless(stop, reached):
        listening.close()
        return 0
    rng = random.Random()  # noqa: S311  # spreads looks and retries, hides nothing
    async with _ground(settings, ring) as (ground, control, writer):
        jobs = JobMetrics(ground.registry)
        server = _Server(_config(settings, ground))
        async with asyncio.TaskGroup() as tasks:
            background = [
                tasks.create_task(writer.run()),
                tasks.create_task(control.run()),
                tasks.create_task(timers(ground, rng, jobs).run()),
                tasks.create_task(previewing(ground, rng, _pages(ground), jobs).run()),
                tasks.create_task(courier(ground, rng).run()),
                tasks.create_task(_sweep(PostgresIdempotency(ground.primary))),
                tasks.create_task(Sorting(PostgresSorting(ground.primary), rng).run()),
                tasks.create_task(_collecting(orphaned(ground))),
            ]
            listening.listen(server.config.backlog)  # now, so that the line below is true
            serving = tasks.create_task(server.serve(sockets=[listening]))
            _log.info("listening", port=settings.api_port)
            await stop.wait()
            server.should_exit = True
            await serving
            for task in background:
                task.cancel()
    _log.info("stopped")
    return 0


async def _collecting(orphans: Orphans) -> None:
    """The first round of collecting media; each sees to the next."""
    while True:
        try:
            await orphans.begin()
        except Refused as refused:
            _log.warning("no round of collecting", code=refused.code.name)
            await asyncio.sleep(ASK_AGAIN_S)
        else:
            return


async def _unless(stop: asyncio.Event, doing: Coroutine[None, None, object]) -> bool:
    """Whether `doing` was done before `stop`; if not, it is given up."""
    async with asyncio.TaskGroup() as tasks:
        done = tasks.create_task(doing)
        stopped = tasks.create_task(stop.wait())
        await asyncio.wait((done, stopped), return_when=asyncio.FIRST_COMPLETED)
        finished = done.done()
        done.cancel()
        stopped.cancel()
    return finished


@asynccontextmanager
async def _ground(
    settings: Settings, ring: KeyRing
) -> AsyncIterator[tuple[Ground, ControlLog, Writer]]:
    """Everything open; closed in the reverse order."""
    clock, registry = SystemClock(), new_registry()
    metrics = ApiMetrics(registry)
    primary = await _open(settings, settings.database_url, metrics)
    replica = None
    if settings.database_replica_url:
        replica = await _open(settings, settings.database_replica_url, metrics)
    rng = random.Random()  # noqa: S311  # spreads retries, hides nothing
    lanes = LaneTable(settings.lanes)
    nodes = nodes_at(settings.redis_url, settings.redis_cluster, lanes, rng)
    publisher = RedisPublisher(nodes, lanes, PublisherMeters(registry), settings.lane_max_len, rng)
    roll = roll_at(settings.redis_url, settings.redis_cluster, rng)
    writer = Writer(
        [_batches(settings, f"{NAME}-writer") for _ in range(settings.api_db_writers)],
        _batches(settings, f"{NAME}-spare", SPARE_LOCK_TIMEOUT_MS),
        lambda: Outlet(publisher, uuid4, None),
        clock,
        WriterMetrics(registry),
    )
    token_ms = settings.access_token_s * 1_000 + _TOKEN_LEEWAY_MS
    view = ControlView(token_ms)
    control = ControlLog(PostgresControlReader(primary.lent), view, clock, lambda _entry: None)
    await _load(control, token_ms)
    # The operator chose the issuers, and may have them on the inside.
    abroad = Abroad(Egress(networks(settings.egress_networks)), Egress(networks(EVERYWHERE)))
    async with _media(settings, ring, registry) as media:
        with ThreadPoolExecutor(settings.password_threads, "passwords") as hashing:
            ground = Ground(
                settings,
                ring,
                primary,
                Replica(primary, replica),
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
            )
            yield ground, control, writer
    for egress in abroad:
        await egress.close()
    await roll.close()
    await publisher.close()
    for database in (primary, replica):
        if database is not None:
            await database.close()


def _pages(ground: Ground) -> Pages:
    tls = httpcore.default_ssl_context()
    return Pages(SystemResolver(), SystemDialer(), tls, ground.clock)


@asynccontextmanager
async def _media(
    settings: Settings, ring: KeyRing, registry: CollectorRegistry
) -> AsyncIterator[MediaGround]:
    """What media stand on; workers start when there is work."""
    darkroom = Darkroom(settings.media_workers)
    secret = keys.derived(ring, "media addresses")
    try:
        async with open_depot(settings, secret, SystemClock()) as depot:
            yield MediaGround(depot, darkroom, MediaMetrics(registry))
    finally:
        await darkroom.close()


async def _open(settings: Settings, url: str, metrics: ApiMetrics) -> Database:
    return await open_database(
        url,
        NAME,
        settings.api_db_pool,
        metrics.database_seconds.observe,
        pgbouncer=settings.database_pgbouncer,
    )


def _batches(
    settings: Settings, name: str, lock_timeout_ms: int = LOCK_TIMEOUT_MS
) -> PostgresBatchConnection:
    return PostgresBatchConnection(
        settings.database_url,
        name,
        lock_timeout_ms=lock_timeout_ms,
        pgbouncer=settings.database_pgbouncer,
    )


async def _load(control: ControlLog, max_age_ms: int) -> None:
    """Who was shut out lately; without that nobody is let in."""
    while True:
        try:
            await control.load(max_age_ms)
        except Refused as refused:
            _log.warning("control log unread", code=refused.code.name)
            await asyncio.sleep(ASK_AGAIN_S)
        else:
            return


async def _sweep(kept: PostgresIdempotency) -> None:
    while True:
        more = False
        try:
            more = await kept.sweep()
        except Refused as refused:
            _log.warning("sweep failed", code=refused.code.name)
        await asyncio.sleep(ASK_AGAIN_S if more else SWEEP_S)


def _config(settings: Settings, ground: Ground) -> uvicorn.Config:
    return uvicorn.Config(
        assemble(ground),
        loop="none",
        http=Wire,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=int(settings.drain_within_s) or 1,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
    )


def _listen(settings: Settings) -> socket.socket:
    """Our address, taken: who connects is refused until uvicorn listens, and does not hang."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    family = socket.AF_INET6 if ":" in settings.listen_host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            lost_ms = int(PEER_LOST_S * 1_000)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, lost_ms)
        listener.bind((settings.listen_host, settings.api_port))
    except OSError:
        listener.close()
        raise
    return listener


def _say(sentence: str) -> None:
    sys.stderr.write(f"muster api: {sentence}\n")
    sys.stderr.flush()


def main() -> int:
    """Read the settings and serve; the exit code."""
    try:
        settings = Settings.from_env(os.environ)
        configure_logging("api", settings.log_level)
        return lifetime.run(lambda stop: serve(settings, stop))
    except (SettingsError, KeysError) as error:
        _say(str(error))
    except OSError as error:
        _say(f"cannot listen: {error.strerror or error}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
