"""The hub's process: `python -m realtime`.

    listen (probes answer, sockets are told to wait) -> Postgres, Redis -> the hub -> all lanes read -> open the door

Owns what is opened, and the order in which it stops: the sockets are sent away while everything behind them still
works, then the writer, then the connections. Must never hold anything another module could.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import sys
from contextlib import AsyncExitStack
from typing import Final, cast
from uuid import uuid4

from prometheus_client import CollectorRegistry, Histogram

from muster import lifetime, tls
from muster.agreements import Agreements
from muster.attaching import Attaching
from muster.borders import Borders
from muster.breaker_counts import BreakerCounts
from muster.clock import SystemClock
from muster.config import Settings
from muster.errors import Refused
from muster.guards import Guards, guards_of
from muster.heap import Heap
from muster.ids import SystemRandom
from muster.keys import KeysError
from muster.lanes import LaneTable
from muster.lateness import Lateness
from muster.metrics import WriterMetrics
from muster.outlet import Local, Outlet
from muster.placement import Placement
from muster.quotas import Quotas
from muster.republish import Republisher
from muster.ring import LiveRing
from muster.setting import SettingsError
from muster.stores.postgres.agreements import PostgresAgreements
from muster.stores.postgres.batch import (
    LOCK_TIMEOUT_MS,
    SPARE_LOCK_TIMEOUT_MS,
    PostgresBatchConnection,
)
from muster.stores.postgres.installation import Installation
from muster.stores.postgres.leases import PostgresLeases
from muster.stores.postgres.media import PostgresClaims
from muster.stores.postgres.membership import PostgresControlReader, PostgresHubReader
from muster.stores.postgres.pointers import PostgresPointers
from muster.stores.postgres.pool import Database, open_database
from muster.stores.postgres.presence import PostgresPresence
from muster.stores.postgres.venues import PostgresVenues
from muster.stores.postgres.visits import PostgresVisits
from muster.stores.reach import wait_for_database, wait_for_installation, wait_for_redis
from muster.stores.redis.meters import PublisherMeters, TailMeters
from muster.stores.redis.nodes import nodes_at
from muster.stores.redis.publisher import RedisPublisher
from muster.stores.redis.roll import RedisRoll, roll_at
from muster.stores.redis.standing import standings_at
from muster.stores.redis.tail import RedisTail
from muster.stores.redis.tolls import tolls_at
from muster.stores.redis.trim import LaneTrimmer
from muster.telemetry import configure_logging, exposition, get_logger, new_registry
from muster.tokens import Tokens
from muster.visits import Visits
from muster.writer import Writer
from realtime import rollcall
from realtime.accept import Gate
from realtime.batching import Pace
from realtime.dues import Dues
from realtime.edge import Edge
from realtime.errands import Checks, Errands
from realtime.flusher import Flusher
from realtime.handshake import Handshake, Page
from realtime.hearsay import Hears, Hearsay
from realtime.presence import RolledPresence
from realtime.server import Listening, Server, bounds_of
from realtime.spare import LOGGER, Spare
from realtime.submissions import Submissions
from realtime.tally import Tally
from realtime.terms import Terms
from realtime.wheel import Wheel
from realtime.wiring import TOKEN_LEEWAY_MS, Assembled, MakePresence, Outside, assemble

NAME: Final = "muster-hub"
ASK_AGAIN_S: Final = 1.0

_log = get_logger()


async def serve(settings: Settings, stop: asyncio.Event) -> int:
    """Serve until `stop`; the exit code."""
    registry = new_registry()
    rng = random.Random()  # noqa: S311  # spreads retries, hides nothing
    shared = tolls_at(settings.redis_url, settings.redis_cluster, rng)
    guards = guards_of(settings, shared, SystemClock(), rng, registry, BreakerCounts(registry))
    server = _server(settings, registry, guards.borders)
    heap, lateness = Heap(server.edge.clock, registry), Lateness(server.edge.clock, registry)
    certificate = tls.certificate(settings, registry)
    context = certificate.context if certificate is not None else None
    listening = Listening(settings.listen_host, settings.hub_port, context)
    ring = LiveRing(settings.keys_path, server.edge.clock)
    tokens = Tokens(
        ring,
        settings.issuer,
        settings.audience,
        settings.access_token_s,
        server.edge.clock,
        SystemRandom(),
    )
    port = await server.start(listening)
    _log.info("listening", port=port)
    failed = False

    async def live() -> None:
        nonlocal failed
        try:
            await _live(settings, server, tokens, registry, heap, guards)
        except Exception:  # noqa: BLE001  # whatever it was: people are sent elsewhere before we end
            _log.error("the hub failed", exc_info=True)
            failed = True
            stop.set()

    async with asyncio.TaskGroup() as tasks:
        turning = tasks.create_task(server.edge.wheel.run())
        looking = [tasks.create_task(each.run()) for each in (heap, lateness, ring, guards.borders)]
        if certificate is not None:
            looking.append(tasks.create_task(certificate.run()))
        living = tasks.create_task(live())
        await stop.wait()
        await server.drain(settings.drain_within_s)
        for task in (living, turning, *looking):
            task.cancel()
    await shared.close()
    _log.info("stopped")
    return 1 if failed else 0


async def _live(
    settings: Settings,
    server: Server,
    tokens: Tokens,
    registry: CollectorRegistry,
    heap: Heap,
    guards: Guards,
) -> None:
    """Reach what the hub stands on, put it together, and open the door; until cancelled."""
    await wait_for_database(settings.database_url, _say)
    await wait_for_redis(settings.redis_url, _say, cluster=settings.redis_cluster)
    installation = await wait_for_installation(settings.database_url, settings.lanes, _say)
    async with AsyncExitStack() as closing:
        database = await _open(settings, registry)
        closing.push_async_callback(database.close)
        rng = random.Random()  # noqa: S311  # spreads retries, hides nothing
        lanes = LaneTable(installation.lanes)
        nodes = nodes_at(settings.redis_url, settings.redis_cluster, lanes, rng)
        publisher = RedisPublisher(
            nodes, lanes, PublisherMeters(registry), settings.lane_max_len, rng
        )
        closing.push_async_callback(publisher.close)
        roll = roll_at(settings.redis_url, settings.redis_cluster, rng)
        closing.push_async_callback(roll.close)
        presence = _presence(settings, roll, database, server.edge)
        standings = standings_at(settings.redis_url, settings.redis_cluster, rng)
        closing.push_async_callback(standings.close)
        placement = Placement(
            standings, PostgresVenues(database), server.edge.clock, settings.place_terms, registry
        )
        hears = Hearsay(placement.survey, placement.leaves)
        hub = _hub(settings, installation, database, publisher, registry, (presence, hears))
        await _load(hub, placement, settings)
        tail = RedisTail(nodes, lanes, hub.hub, TailMeters(registry), server.edge.clock, rng)
        writer = cast(Writer, hub.writer)
        async with asyncio.TaskGroup() as tasks:
            hub.start(tasks)
            tasks.create_task(writer.run())
            tasks.create_task(tail.run())
            tasks.create_task(Republisher(PostgresLeases(database), publisher, registry, rng).run())
            tasks.create_task(LaneTrimmer(nodes, lanes, settings.lane_max_age_s, rng).run())
            await tail.ready()
            submissions = Submissions(writer, Attaching(writer, PostgresClaims(database)), tasks)
            visits = Visits(writer, PostgresVisits(database))
            tasks.create_task(placement.survey.run())
            placement.start(tasks, visits, rng, settings.place_sweep_s)
            placing = placement.placing(visits, guards.fixes(settings))
            agreements = Agreements(PostgresAgreements(database), settings.agreements)
            dues = None
            if settings.rate_limits:
                tasks.create_task(guards.tolls.run())
                dues = Dues(guards.tolls, Quotas.of(settings))
            server.serve(
                Errands(
                    server.edge,
                    hub.attendance,
                    submissions,
                    tokens,
                    tasks,
                    placing,
                    Checks(agreements, dues),
                )
            )
            heap.settle(settings.gc_threshold)
            _log.info("ready")


def _server(settings: Settings, registry: CollectorRegistry, borders: Borders) -> Server:
    """The listener and what its sockets share; nothing is opened yet."""
    LOGGER.setLevel(logging.ERROR)
    clock, tally, terms = SystemClock(), Tally(), Terms.of(settings)
    rng = random.Random()  # noqa: S311  # spreads clients, hides nothing
    gate = Gate(bounds_of(settings), rng)
    tally.turned_away = gate.turned_away
    tally.gauge(
        "muster_sockets", "Connections that are open, probes among them", lambda: gate.sockets
    )
    tally.gauge(
        "muster_sockets_nameless", "Connections that have not authenticated", lambda: gate.nameless
    )
    tally.register(registry)
    edge = Edge(
        terms,
        clock,
        Wheel(clock),
        Flusher(asyncio.get_running_loop().call_soon),
        tally,
        Spare(terms.slice_bytes, terms.frame_bytes),
    )

    def probe(path: str) -> Page:
        if path == "/metrics":
            body, content_type = exposition(registry)
            return Page(200, content_type, body)
        if path == "/readyz" and not gate.ready:
            return Page(503, "text/plain", b"not ready\n")
        return Page(200, "text/plain", b"ok\n")

    handshake = Handshake(gate, settings.allowed_origins, probe, borders)
    server = Server(edge, handshake, rng)
    tally.gauge("muster_queue_bytes", "Bytes that wait for sockets", lambda: server.queued_bytes)
    return server


def _hub(
    settings: Settings,
    installation: Installation,
    database: Database,
    publisher: RedisPublisher,
    registry: CollectorRegistry,
    ears: tuple[MakePresence, Hears],
) -> Assembled:
    clock = SystemClock()
    metrics = WriterMetrics(registry)

    def make_writer(local: Local) -> Writer:
        return Writer(
            [_batches(settings, f"{NAME}-writer") for _ in range(settings.db_writers)],
            _batches(settings, f"{NAME}-spare", SPARE_LOCK_TIMEOUT_MS),
            lambda: Outlet(publisher, uuid4, local),
            clock,
            metrics,
        )

    outside = Outside(
        PostgresHubReader(database.lent),
        PostgresControlReader(database.lent),
        PostgresPointers(database),
        publisher,
        make_writer,
        clock,
        Pace(
            settings.batch_from_per_s,
            settings.batch_window_ms / 1_000,
            settings.outbox_bytes // 16,
        ),
        *ears,
    )
    token_ms = settings.access_token_s * 1_000
    return assemble(outside, installation.lanes, installation.generation, token_ms, registry)


def _presence(settings: Settings, roll: RedisRoll, database: Database, edge: Edge) -> MakePresence:
    world = rollcall.Outside(
        roll, PostgresPresence(database), edge.clock, SystemRandom(), settings.grace_s
    )
    return lambda people, registry: RolledPresence(world, edge.wheel, people, registry)


async def _load(hub: Assembled, placement: Placement, settings: Settings) -> None:
    """Who was shut out lately, without which nobody is let in; then venues, of which the control log tells the rest."""
    while True:
        try:
            await hub.control.load(settings.access_token_s * 1_000 + TOKEN_LEEWAY_MS)
            await placement.survey.load()
        except Refused as refused:
            _log.warning("not loaded", code=refused.code.name)
            await asyncio.sleep(ASK_AGAIN_S)
        else:
            return


async def _open(settings: Settings, registry: CollectorRegistry) -> Database:
    seconds = Histogram(
        "muster_hub_database_seconds",
        "One use of a database connection, waiting for it included",
        registry=registry,
    )
    return await open_database(
        settings.database_url,
        NAME,
        settings.db_pool,
        seconds.observe,
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


def _say(sentence: str) -> None:
    sys.stderr.write(f"muster hub: {sentence}\n")
    sys.stderr.flush()


def main() -> int:
    """Read the settings and serve; the exit code."""
    try:
        settings = Settings.from_env(os.environ)
        configure_logging(f"hub{settings.hub_index}", settings.log_level)
        return lifetime.run(lambda stop: serve(settings, stop))
    except (SettingsError, KeysError) as error:
        _say(str(error))
    except OSError as error:
        _say(f"cannot listen: {error.strerror or error}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
