"""The REST door's process: `python -m api`.

Owns what is opened, and the order in which it stops: no new requests, those in flight answered, then the
writer, then the connections. Must never hold anything another module could.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Final, Protocol
from uuid import uuid4

import httpcore

from api.assembly import (
    assemble,
    courier,
    previewing,
    sending,
    timers,
)
from api.edge import ApiMetrics
from api.forgetting import exporter
from api.ground import Abroad, Ground
from api.listener import Server, config, listen
from api.memory import Ear, remembering, shares
from api.proving import proving
from api.rounds import Begins, rounds
from api.storing import storing
from muster import lifetime, master, tls
from muster.addresses import networks
from muster.breached import BreachedError
from muster.breaker_counts import BreakerCounts
from muster.clock import SystemClock
from muster.config import Settings
from muster.control import ControlLog, ControlView
from muster.dialer import SystemDialer
from muster.egress import EVERYWHERE, Egress
from muster.errors import Refused
from muster.fetch import Pages
from muster.guards import guards_of
from muster.heap import Heap
from muster.ids import SystemRandom
from muster.jobs import JobMetrics
from muster.keys import KeysError, Ring
from muster.lanes import LaneTable
from muster.lateness import Lateness
from muster.master import Masters
from muster.metrics import WriterMetrics
from muster.outlet import Outlet
from muster.placement import Placement
from muster.resolver import SystemResolver
from muster.ring import LiveRing
from muster.setting import SettingsError
from muster.sorting import Sorting
from muster.stores.postgres.batch import (
    LOCK_TIMEOUT_MS,
    SPARE_LOCK_TIMEOUT_MS,
    PostgresBatchConnection,
)
from muster.stores.postgres.data_keys import data_keys
from muster.stores.postgres.idempotency import PostgresIdempotency
from muster.stores.postgres.membership import PostgresControlReader
from muster.stores.postgres.pool import Database, Replica, open_database
from muster.stores.postgres.search import PostgresSorting
from muster.stores.postgres.venues import PostgresVenues
from muster.stores.reach import wait_for_installation
from muster.stores.redis.meters import PublisherMeters, TailMeters
from muster.stores.redis.nodes import nodes_at
from muster.stores.redis.publisher import RedisPublisher
from muster.stores.redis.roll import roll_at
from muster.stores.redis.standing import standings_at
from muster.stores.redis.tail import RedisTail
from muster.stores.redis.tolls import tolls_at
from muster.telemetry import configure_logging, get_logger, new_registry
from muster.writer import Writer

NAME: Final = "muster-api"
SWEEP_S: Final = 600.0
ASK_AGAIN_S: Final = 1.0
_TOKEN_LEEWAY_MS: Final = 60_000

_log = get_logger()


async def serve(settings: Settings, stop: asyncio.Event) -> int:
    """Serve until `stop`; the exit code."""
    ring = LiveRing(settings.keys_path, SystemClock())
    masters = master.load(settings.master_path, settings.master_key)
    listening = listen(settings)
    reached = wait_for_installation(settings.database_url, settings.lanes, _say)
    if not await _unless(stop, reached):
        listening.close()
        return 0
    rng = random.Random()  # noqa: S311  # spreads looks and retries, hides nothing
    async with _ground(settings, ring, masters) as (ground, control, writer, tail):
        jobs = JobMetrics(ground.registry)
        heap = Heap(ground.clock, ground.registry)
        lateness = Lateness(ground.clock, ground.registry)
        certificate = tls.certificate(settings, ground.registry)
        context = certificate.context if certificate is not None else None
        server = Server(config(settings, assemble(ground), context))
        heap.settle(settings.gc_threshold)
        async with asyncio.TaskGroup() as tasks:
            background = [
                tasks.create_task(heap.run()),
                tasks.create_task(lateness.run()),
                tasks.create_task(ring.run()),
                tasks.create_task(writer.run()),
                tasks.create_task(control.run()),
                tasks.create_task(ground.data_keys.run()),
                tasks.create_task(ground.placement.survey.run()),
                *ground.guards.start(tasks),
                tasks.create_task(timers(ground, rng, jobs).run()),
                tasks.create_task(previewing(ground, rng, _pages(ground), jobs).run()),
                tasks.create_task(sending(ground, rng, jobs).run()),
                tasks.create_task(courier(ground, rng).run()),
                tasks.create_task(_sweep(PostgresIdempotency(ground.primary))),
                tasks.create_task(Sorting(PostgresSorting(ground.primary), rng).run()),
                *(tasks.create_task(_begun(each)) for each in rounds(ground)),
                tasks.create_task(exporter(ground).run(rng)),
            ]
            if certificate is not None:
                background.append(tasks.create_task(certificate.run()))
            if ground.memory is not None and tail is not None:
                background.append(tasks.create_task(ground.memory.views.run()))
                background.append(tasks.create_task(tail.run()))
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


async def _begun(chain: Begins) -> None:
    """The first of these rounds; each sees to the next."""
    while True:
        try:
            await chain.begin()
        except Refused as refused:
            _log.warning("no first round", job=type(chain).__name__, code=refused.code.name)
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
    settings: Settings, ring: Ring, masters: Masters
) -> AsyncIterator[tuple[Ground, ControlLog, Writer, RedisTail | None]]:
    """Everything open; closed in the reverse order."""
    clock, registry = SystemClock(), new_registry()
    metrics = ApiMetrics(registry)
    share = shares(settings)
    databases, reads = await _open(settings, share.reads, metrics.database_seconds.observe)
    primary = databases[0]
    apart, seeing = await _open(settings, share.views, _unmeasured) if share.views else ([], reads)
    observe = metrics.database_seconds.observe if share.views else _unmeasured
    memory = remembering(settings, seeing, clock, registry, observe)
    rng = random.Random()  # noqa: S311  # spreads retries, hides nothing
    lanes = LaneTable(settings.lanes)
    nodes = nodes_at(settings.redis_url, settings.redis_cluster, lanes, rng)
    publisher = RedisPublisher(nodes, lanes, PublisherMeters(registry), settings.lane_max_len, rng)
    roll = roll_at(settings.redis_url, settings.redis_cluster, rng)
    writer = Writer(
        [_batches(settings, f"{NAME}-writer") for _ in range(settings.api_db_writers)],
        _batches(settings, f"{NAME}-spare", SPARE_LOCK_TIMEOUT_MS),
        lambda: Outlet(publisher, uuid4, memory.shelf.told if memory is not None else None),
        clock,
        WriterMetrics(registry),
    )
    token_ms = settings.access_token_s * 1_000 + _TOKEN_LEEWAY_MS
    view = ControlView(token_ms)
    standings = standings_at(settings.redis_url, settings.redis_cluster, rng)
    placement = Placement(standings, PostgresVenues(primary), clock, settings.place_terms, registry)
    heard = placement.survey.control
    control = ControlLog(PostgresControlReader(primary.lent), view, clock, heard)
    sealed = data_keys(primary, masters, clock, registry)
    await sealed.begin()
    await _load(control, token_ms, placement)
    tail = None
    if memory is not None:
        ear, meters = Ear(memory.shelf, control), TailMeters(registry)
        tail = RedisTail(nodes, lanes, ear, meters, clock, rng)
    # The operator chose the issuers, and may have them on the inside.
    abroad = Abroad(Egress(networks(settings.egress_networks)), Egress(networks(EVERYWHERE)))
    shown = proving(settings, clock, registry)
    breakers = BreakerCounts(registry)
    shared = tolls_at(settings.redis_url, settings.redis_cluster, rng)
    guards = guards_of(settings, shared, clock, rng, registry, breakers)
    async with storing(settings, ring, registry, breakers) as media, shown as identity:
        with ThreadPoolExecutor(settings.password_threads, "passwords") as hashing:
            ground = Ground(
                settings,
                ring,
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
                sealed,
                identity,
                guards,
                breakers,
                memory,
            )
            yield ground, control, writer, tail
    await _close(*abroad, roll, standings, shared, publisher, *databases, *apart)


class _Closes(Protocol):
    async def close(self) -> None: ...


async def _close(*opened: _Closes) -> None:
    """In this order."""
    for one in opened:
        await one.close()


def _pages(ground: Ground) -> Pages:
    tls = httpcore.default_ssl_context()
    return Pages(SystemResolver(), SystemDialer(), tls, ground.clock)


async def _open(
    settings: Settings, size: int, observe: Callable[[float], None]
) -> tuple[list[Database], Replica]:
    """So many connections to the primary, and to the replica if there is one."""
    urls = [url for url in (settings.database_url, settings.database_replica_url) if url]
    databases = [
        await open_database(url, NAME, size, observe, pgbouncer=settings.database_pgbouncer)
        for url in urls
    ]
    return databases, Replica(databases[0], databases[1] if len(databases) > 1 else None)


def _unmeasured(_seconds: float) -> None:
    """Who waits for a view measures that, and not each statement by which many are answered."""


def _batches(
    settings: Settings, name: str, lock_timeout_ms: int = LOCK_TIMEOUT_MS
) -> PostgresBatchConnection:
    return PostgresBatchConnection(
        settings.database_url,
        name,
        lock_timeout_ms=lock_timeout_ms,
        pgbouncer=settings.database_pgbouncer,
    )


async def _load(control: ControlLog, max_age_ms: int, placement: Placement) -> None:
    """Who was shut out lately, without which nobody is let in; then venues, of which the control log tells the rest."""
    while True:
        try:
            await control.load(max_age_ms)
            await placement.survey.load()
        except Refused as refused:
            _log.warning("not loaded", code=refused.code.name)
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


def _say(sentence: str) -> None:
    sys.stderr.write(f"muster api: {sentence}\n")
    sys.stderr.flush()


def main() -> int:
    """Read the settings and serve; the exit code."""
    try:
        settings = Settings.from_env(os.environ)
        configure_logging("api", settings.log_level)
        return lifetime.run(lambda stop: serve(settings, stop))
    except (SettingsError, KeysError, BreachedError) as error:
        _say(str(error))
    except OSError as error:
        _say(f"cannot listen: {error.strerror or error}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
