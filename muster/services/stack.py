"""Owns what one `muster up` is made of: Postgres, Redis, migrations, keys, hubs and api.

What a URL in the settings names is used as it is and nothing is started for it. It never keeps
processes itself (keeper.py does) and never imports a door.
"""

import asyncio
import os
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from muster import keys
from muster.backup_key import BackupKeyError
from muster.config import Settings
from muster.services import runfile
from muster.services.backups.service import backups
from muster.services.certificate import lan_address
from muster.services.child import Say, ServiceFailedError
from muster.services.door import Door
from muster.services.master_key import ensure_master
from muster.services.mock_push import as_mocked, mock_push, page_url
from muster.services.ports import LOOPBACK
from muster.services.postgres import EmbeddedPostgres
from muster.services.redis import EmbeddedRedis
from muster.services.runfile import Running
from muster.services.supervisor import Supervisor
from muster.services.unprivileged import CannotDropRootError
from muster.setting import PREFIX
from muster.stores.migrate import migrate
from muster.stores.migrations.execute import MigrationError
from muster.stores.reach import wait_for_database, wait_for_redis

# An OSError is a disk that is full or not ours, or a database that went away again.
_EXPECTED = (
    ServiceFailedError,
    CannotDropRootError,
    MigrationError,
    keys.KeysError,
    BackupKeyError,
    OSError,
)


@dataclass(frozen=True, slots=True)
class DoorModules:
    """Which module each door is; tests put small stand-ins here."""

    hub: str = "realtime"
    api: str = "api"
    pusher: str = "pushers"


class Stack:
    """`run` starts everything, waits to be stopped, and stops everything."""

    def __init__(
        self,
        settings: Settings,
        inherited: Mapping[str, str],
        say: Say,
        on_ready: Callable[[Running], None],
        modules: DoorModules | None = None,
    ) -> None:
        self._settings = settings
        # Children read what we tell them, and none of what was told to us.
        self._inherited = {k: v for k, v in inherited.items() if not k.startswith(PREFIX)}
        self._say = say
        self._on_ready = on_ready
        self._modules = modules if modules is not None else DoorModules()

    async def run(self, stop: asyncio.Event) -> int:
        """Until `stop`, or until something cannot start; the exit code."""
        rng = random.Random()  # noqa: S311  # spreads restarts, hides nothing
        failure: str | None = None
        async with asyncio.TaskGroup() as group:
            supervisor = Supervisor(group, self._say, rng)
            try:
                starting = group.create_task(self._start(supervisor))
                stopped = group.create_task(stop.wait())
                await asyncio.wait({starting, stopped}, return_when=asyncio.FIRST_COMPLETED)
                if starting.done():
                    failure = starting.result()
                if failure is None:
                    await stopped
                self._say(failure or "stopping")
                starting.cancel()
                stopped.cancel()
                await asyncio.wait({starting})  # its last child is known to the supervisor then
                await supervisor.stop()
            finally:
                runfile.remove(self._settings.data_dir)
                supervisor.kill()
        self._say("stopped, nothing is left behind")
        return 0 if failure is None else 1

    async def _start(self, supervisor: Supervisor) -> str | None:
        """Start all in order; None, or why it cannot be."""
        failures: list[str] = []
        try:
            settings = await self._start_stores(supervisor)
            revision = await migrate(settings.database_url, settings.search_language)
            self._say(f"the database is at revision {revision}")
            keys.ensure_key(settings.keys_path)
            await ensure_master(settings, self._say)
            if settings.backs_up:  # before the doors, so that it stops after them
                await supervisor.start([backups(settings, self._inherited)])
            if settings.pushes == "mock":
                await supervisor.start([mock_push(settings, self._inherited)])
                settings = as_mocked(settings)
            await supervisor.start(self._doors(settings))
            self._announce(settings, supervisor)
        except* _EXPECTED as expected:
            failures = _sentences(expected)
        return "\n".join(failures) or None

    async def _start_stores(self, supervisor: Supervisor) -> Settings:
        """Ours, unless a URL says whose. The settings as the doors shall have them."""
        settings = self._settings
        if not settings.database_url:
            postgres = EmbeddedPostgres(settings.data_dir, self._say)
            await supervisor.start([postgres])
            settings = replace(settings, database_url=postgres.url)
        if not settings.redis_url:
            redis = EmbeddedRedis(settings.data_dir, self._say)
            await supervisor.start([redis])
            settings = replace(settings, redis_url=redis.url)
        await wait_for_database(settings.database_url, self._say)
        await wait_for_redis(settings.redis_url, self._say, cluster=settings.redis_cluster)
        return replace(
            settings,
            hub_urls=settings.hub_urls or _hub_urls(settings),
            allowed_origins=tuple(
                dict.fromkeys((*settings.allowed_origins, *page_origins(settings)))
            ),
        )

    def _doors(self, settings: Settings) -> list[Door]:
        ports = _hub_ports(settings)
        hubs = [
            self._door(
                f"hub {index + 1}",
                self._modules.hub,
                ("MUSTER_HUB_PORT", port),
                replace(settings, hub_index=index, hub_port=port),
            )
            for index, port in enumerate(ports)
        ]
        api = ("MUSTER_API_PORT", settings.api_port)
        return [
            *hubs,
            self._door("api", self._modules.api, api, settings),
            *self._pushers(settings),
        ]

    def _pushers(self, settings: Settings) -> list[Door]:
        return [
            self._door(
                f"pusher {name}",
                self._modules.pusher,
                ("MUSTER_PUSHER_PORT", port),
                replace(settings, push_provider=name, pusher_port=port),
            )
            for port, name in enumerate(settings.pushed_by, start=settings.pusher_port)
        ]

    def _door(self, name: str, module: str, port: tuple[str, int], settings: Settings) -> Door:
        return Door(
            name=name,
            module=module,
            host=settings.listen_host,
            port=port[1],
            port_setting=port[0],
            env=self._inherited | settings.to_env(),
            drain_within_s=settings.drain_within_s,
            tls=settings.tls_cert is not None,
        )

    def _announce(self, settings: Settings, supervisor: Supervisor) -> None:
        running = Running(
            pid=os.getpid(),
            api_url=f"http{settings.scheme_suffix}://{_public_host(settings)}:{settings.api_port}",
            hub_urls=settings.hub_urls,
            database_url=settings.database_url,
            redis_url=settings.redis_url,
            keys_dir=str(settings.keys_path.absolute()),
            tls_cert=str(settings.tls_cert.absolute()) if settings.tls_cert else None,
            children=supervisor.pids(),
            phones_url=page_url(settings) if settings.pushes == "mock" else None,
        )
        runfile.write(settings.data_dir, running)
        self._on_ready(running)


def _hub_ports(settings: Settings) -> range:
    return range(settings.hub_port, settings.hub_port + settings.hubs)


def _hub_urls(settings: Settings) -> tuple[str, ...]:
    origin = f"ws{settings.scheme_suffix}://{_public_host(settings)}"
    return tuple(f"{origin}:{port}" for port in _hub_ports(settings))


def page_origins(settings: Settings) -> tuple[str, ...]:
    """Where a browser on this machine or network may have our own page from: its sockets are let in."""
    hosts = dict.fromkeys((_public_host(settings), LOOPBACK, "localhost"))
    return tuple(f"http{settings.scheme_suffix}://{host}:{settings.api_port}" for host in hosts)


def _public_host(settings: Settings) -> str:
    if settings.lan:
        return lan_address()
    return LOOPBACK if settings.bind in ("0.0.0.0", "::") else settings.bind


def _sentences(failures: BaseExceptionGroup[BaseException]) -> list[str]:
    found: list[str] = []
    for failure in failures.exceptions:
        if isinstance(failure, BaseExceptionGroup):
            found.extend(_sentences(failure))
        else:
            found.append(str(failure))
    return found
