"""A pusher's process: `python -m pushers`, for the provider that MUSTER_PUSH_PROVIDER names.

Owns what is opened, and the order in which it stops. Must never serve two providers: an outage of one would be felt by
the other's people.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from contextlib import AsyncExitStack
from typing import Final

from prometheus_client import CollectorRegistry, Histogram

from muster import lifetime, master
from muster.clock import SystemClock
from muster.config import Settings
from muster.data_keys import DataKeys
from muster.heap import Heap
from muster.keys import KeysError
from muster.lanes import LaneTable
from muster.lateness import Lateness
from muster.master import Masters
from muster.probes import listening, probes
from muster.push_device import Provider
from muster.setting import SettingsError
from muster.stores.postgres.data_keys import data_keys
from muster.stores.postgres.owed import PostgresOwed
from muster.stores.postgres.pool import Database, open_database
from muster.stores.reach import wait_for_installation, wait_for_redis
from muster.stores.redis.meters import TailMeters
from muster.stores.redis.nodes import nodes_at
from muster.stores.redis.push_queue import push_queue_at
from muster.stores.redis.roll import roll_at
from muster.stores.redis.tail import RedisTail
from muster.stores.redis.token_shelf import RedisShelf
from muster.stores.redis.wire import Dial
from muster.telemetry import configure_logging, get_logger, new_registry
from pushers.assembly import Outside, Pusher
from pushers.carrier_meters import CarrierMeters
from pushers.carriers import Carried, carrier_of
from pushers.pace import Pace

NAME: Final = "muster-pusher"

_log = get_logger()


async def serve(settings: Settings, stop: asyncio.Event) -> int:
    """Push until `stop`; the exit code."""
    masters = master.load(settings.master_path, settings.master_key)
    registry = new_registry()
    clock = SystemClock()
    rng = random.Random()  # noqa: S311  # spreads retries, hides nothing
    shelf = RedisShelf(Dial(settings.redis_url))
    carrier = carrier_of(settings, Provider(settings.push_provider), shelf, clock, rng)
    ready = _Ready()
    server = probes(settings, registry, lambda: ready.pusher is not None, ready.measure)
    socket = listening(settings, settings.pusher_port)
    async with AsyncExitStack() as closing:
        closing.push_async_callback(shelf.close)
        closing.push_async_callback(carrier.close)
        try:
            async with asyncio.TaskGroup() as tasks:
                serving = tasks.create_task(server.serve(sockets=[socket]))
                living = tasks.create_task(
                    _live(settings, (carrier, masters), registry, closing, ready)
                )
                await stop.wait()
                living.cancel()
                server.should_exit = True
                await serving
        except Exception:  # noqa: BLE001  # whatever it was: whoever keeps us starts us again
            _log.error("the pusher failed", exc_info=True)
            return 1
    _log.info("stopped")
    return 0


class _Ready:
    """What there is once the pusher is at work."""

    def __init__(self) -> None:
        self.pusher: Pusher | None = None

    async def measure(self) -> None:
        """What is only measured when somebody asks."""
        if self.pusher is not None:
            await self.pusher.measure()


async def _live(
    settings: Settings,
    given: tuple[Carried, Masters],
    registry: CollectorRegistry,
    closing: AsyncExitStack,
    ready: _Ready,
) -> None:
    """Reach what a pusher stands on, put it together, and push; until cancelled."""
    clock = SystemClock()
    heap, lateness = Heap(clock, registry), Lateness(clock, registry)
    pusher, tail, keys = await _open(settings, given, registry, closing)
    async with asyncio.TaskGroup() as tasks:
        for each in (heap.run(), lateness.run(), tail.run(), keys.run()):
            tasks.create_task(each)
        await tail.ready()
        tasks.create_task(pusher.run())
        heap.settle(settings.gc_threshold)
        ready.pusher = pusher
        _log.info("ready", port=settings.pusher_port, service=settings.push_provider)


async def _open(
    settings: Settings,
    given: tuple[Carried, Masters],
    registry: CollectorRegistry,
    closing: AsyncExitStack,
) -> tuple[Pusher, RedisTail, DataKeys]:
    carrier, masters = given
    provider = Provider(settings.push_provider)
    installation = await wait_for_installation(settings.database_url, settings.lanes, _say)
    await wait_for_redis(settings.redis_url, _say, cluster=settings.redis_cluster)
    rng = random.Random()  # noqa: S311  # spreads retries, hides nothing
    clock = SystemClock()
    database = await _database(settings, registry)
    closing.push_async_callback(database.close)
    keys = data_keys(database, masters, clock, registry)
    await keys.begin()
    lanes = LaneTable(installation.lanes)
    queue = push_queue_at(settings.redis_url, settings.redis_cluster, provider, rng)
    closing.push_async_callback(queue.close)
    roll = roll_at(settings.redis_url, settings.redis_cluster, rng)
    closing.push_async_callback(roll.close)
    outside = Outside(provider, PostgresOwed(database, keys.sealer), queue, roll, carrier, clock)
    CarrierMeters(carrier, registry)
    pusher = Pusher(outside, registry, rng, _pace(settings))
    nodes = nodes_at(settings.redis_url, settings.redis_cluster, lanes, rng)
    tail = RedisTail(nodes, lanes, pusher.intake, TailMeters(registry), clock, rng)
    return pusher, tail, keys


def _pace(settings: Settings) -> Pace:
    return Pace(
        elsewhere_ms=round(settings.push_elsewhere_s * 1000),
        burst_ms=round(settings.push_burst_s * 1000),
        read_ms=round(settings.push_read_s * 1000),
    )


async def _database(settings: Settings, registry: CollectorRegistry) -> Database:
    seconds = Histogram(
        "muster_pusher_database_seconds",
        "One use of a database connection, waiting for it included",
        registry=registry,
    )
    return await open_database(
        settings.database_url,
        NAME,
        settings.pusher_db_pool,
        seconds.observe,
        pgbouncer=settings.database_pgbouncer,
    )


def _say(sentence: str) -> None:
    sys.stderr.write(f"muster pusher: {sentence}\n")
    sys.stderr.flush()


def main() -> int:
    """Read the settings and serve; the exit code."""
    try:
        settings = Settings.from_env(os.environ)
        configure_logging(f"pusher-{settings.push_provider}", settings.log_level)
        return lifetime.run(lambda stop: serve(settings, stop))
    except (SettingsError, KeysError) as error:
        _say(str(error))
    except OSError as error:
        _say(f"cannot listen: {error.strerror or error}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
