"""The whole of Muster for one run, every process ours to kill and every link ours to break.

    phones --client-hubN--> hub N --hubN-postgres--> Postgres        replica --replica-primary--> Redis
           --client-apiN--> api N --hubN-redis----> Redis
                                  (apiN- likewise; a cluster's nodes are anybody-nodeN)
    pusher P --pusher-P-provider--> mocks of APNs and FCM, where they are wanted (push_stack.py)

Owns the processes and where they are. Nothing here speaks to anything but through a link, save the run itself, which
looks at the truth directly. Must never start again by itself what a scenario has killed.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Final, Literal
from urllib.parse import urlsplit

from loadtest.mocks.kit import PORTS
from loadtest.torture.cluster import RedisCluster, cluster_nodes
from loadtest.torture.doors import LaunchedDoor
from loadtest.torture.link import LOOPBACK, through
from loadtest.torture.links import Links, links
from loadtest.torture.mount import mount, unmount
from loadtest.torture.push_stack import Mocked, mock_door, provider_url
from loadtest.torture.redis import AOF, OpenRedis
from loadtest.torture.server import Server
from muster import keys, master
from muster.config import Settings
from muster.push_device import Provider
from muster.services.ports import why_not_free
from muster.services.postgres import EmbeddedPostgres
from muster.setting import PREFIX
from muster.stores.migrate import migrate

HEARTBEAT_S: Final = 2.0
DOOR_PORTS: Final = range(20_000, 32_000)
DRAIN_WITHIN_S: Final = 4.0

BASE: Final[Mapping[str, object]] = {
    "rate_limits": False,
    "password_memory_kib": 64,
    "heartbeat_s": HEARTBEAT_S,
    "drain_within_s": DRAIN_WITHIN_S,
}
"""One machine plays everybody, and a silent peer is to be noticed within seconds."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What is to be there. `launcher` goes before the module of every door: `python -m LAUNCHER ... realtime`."""

    hubs: int = 3
    apis: int = 2
    redis: Literal["one", "pair", "cluster"] = "one"
    aof: bool = False
    pushers: int = 0
    """So many for each provider, and mocks of these; 0: there are no pushes."""
    settings: Mapping[str, object] = field(default_factory=dict)
    launcher: tuple[str, ...] = ()
    preload: Mapping[str, str] = field(default_factory=dict)
    """Environment of the first hub alone; {directory} is the stack's."""
    postgres_mib: int = 0
    """Postgres lives on a file system of its own, this small; 0: it does not. Needs root."""


class World:
    """A running stack. Hubs and apis are counted from 1 in names, from 0 in the lists."""

    def __init__(self, shape: Shape, directory: Path, wires: Links) -> None:
        self.shape = shape
        self.directory = directory
        self.links = wires
        self.postgres: Server
        self.redis: Server
        self.replica: Server | None = None
        self.nodes: list[Server] = []
        self.cluster: RedisCluster | None = None
        self.hubs: list[Server] = []
        self.apis: list[Server] = []
        self.mocks: Server | None = None
        self.mocks_url = ""
        self.pushers: list[Server] = []
        self.hub_urls: list[str] = []
        self.api_urls: list[str] = []
        self.database_url = ""
        self._random = Random()
        self._taken: set[int] = set()

    @property
    def drain_within_s(self) -> float:
        """How long a door that is asked to end may take."""
        return float(str(self.shape.settings.get("drain_within_s", DRAIN_WITHIN_S)))

    @property
    def servers(self) -> list[Server]:
        """Every process but the proxy."""
        stores = [self.postgres, *(self.nodes or [self.redis])]
        stores += [server for server in (self.replica, self.mocks) if server is not None]
        return [*stores, *self.hubs, *self.apis, *self.pushers]

    async def heal(self) -> None:
        """Everything runs and every link is well: whatever the run before did."""
        await self.links.mend()
        for server in self.servers:
            server.thaw()
            if not server.up:
                await server.start()
        for server in self.servers:
            await server.until_ready()

    def redis_of(self, server: Server) -> OpenRedis:
        """The Redis that this process is."""
        assert isinstance(server.service, OpenRedis)
        return server.service

    async def start(self, exits: AsyncExitStack) -> None:
        """Everything, in order; `exits` takes it down again."""
        home = self.directory / "postgres"
        if self.shape.postgres_mib:
            exits.callback(unmount, home / "postgres")
            mount(home / "postgres", self.shape.postgres_mib)
        postgres = EmbeddedPostgres(home, _silent)
        self.postgres = await self._keep(exits, Server(postgres))
        self.database_url = postgres.url
        await self._start_redis(exits)
        await migrate(self.database_url)
        keys.ensure_key(self.directory / "keys")
        master.ensure(self.directory / "keys" / "master.key")
        await self._start_doors(exits)
        if self.shape.pushers:
            await self._start_pushers(exits)

    async def _keep(self, exits: AsyncExitStack, server: Server) -> Server:
        exits.push_async_callback(server.stop)
        await server.start()
        return server

    async def _start_redis(self, exits: AsyncExitStack) -> None:
        if self.shape.redis == "cluster":

            async def announce(number: int, port: int) -> int:
                return await self.links.open(f"anybody-node{number}", port)

            made = cluster_nodes(self.directory / "cluster", announce)
            urls, self.nodes = await exits.enter_async_context(made)
            self.cluster = RedisCluster(urls)
            exits.push_async_callback(self.cluster.close)
            return
        first = OpenRedis(self.directory / "redis", AOF if self.shape.aof else "")
        self.redis = await self._keep(exits, Server(first))
        exits.push_async_callback(first.close)
        if self.shape.redis == "pair":
            port = await self.links.open("replica-primary", first.port)
            more = f"replicaof {LOOPBACK} {port}\nrepl-timeout 5\n"
            second = OpenRedis(self.directory / "replica", more, "replica")
            self.replica = await self._keep(exits, Server(second))
            exits.push_async_callback(second.close)

    async def _start_doors(self, exits: AsyncExitStack) -> None:
        for kind, count in (("hub", self.shape.hubs), ("api", self.shape.apis)):
            for number in range(1, count + 1):
                port = self._door_port()
                front = await self.links.open(f"client-{kind}{number}", port)
                scheme, urls = ("ws", self.hub_urls) if kind == "hub" else ("http", self.api_urls)
                urls.append(f"{scheme}://{LOOPBACK}:{front}")
                module = "realtime" if kind == "hub" else "api"
                door = await self._door(f"{kind}{number}", module, port, hub_index=number - 1)
                (self.hubs if kind == "hub" else self.apis).append(Server(door))
        for server in (*self.hubs, *self.apis):
            exits.push_async_callback(server.stop)
        async with asyncio.TaskGroup() as tasks:
            for server in (*self.hubs, *self.apis):
                tasks.create_task(server.start())

    async def _start_pushers(self, exits: AsyncExitStack) -> None:
        """The mocks first: what a pusher is configured from is theirs."""
        mocked = Mocked(self.directory, self._door_port(PORTS))
        self.mocks = await self._keep(exits, Server(mock_door(mocked)))
        self.mocks_url = mocked.admin_url
        for provider in Provider:
            for number in range(1, self.shape.pushers + 1):
                name = f"pusher-{provider}{number}"
                url = provider_url(mocked, provider)
                port = await self.links.open(f"{name}-provider", urlsplit(url).port or 0)
                told = mocked.told(provider, through(url, port))
                port = self._door_port()
                door = await self._door(name, "pushers", port, pusher_port=port, **told)
                self.pushers.append(await self._keep(exits, Server(door)))

    def _door_port(self, row: int = 1) -> int:
        """The first of so many, below those that the system hands out by itself to whoever connects meanwhile."""
        while True:
            port = self._random.randrange(DOOR_PORTS.start, DOOR_PORTS.stop)
            ports = set(range(port, port + row))
            if not ports & self._taken and all(
                why_not_free(LOOPBACK, one) is None for one in ports
            ):
                self._taken |= ports
                return port

    async def _door(self, name: str, module: str, port: int, **told: object) -> LaunchedDoor:
        postgres_port = urlsplit(self.database_url).port or 0
        to_postgres = await self.links.open(f"{name}-postgres", postgres_port)
        settings = replace(
            Settings(),
            data_dir=self.directory,
            database_url=through(self.database_url, to_postgres),
            redis_url=await self._redis_url(name),
            redis_cluster=self.shape.redis == "cluster",
            hub_urls=tuple(self.hub_urls),
            hub_port=port,
            api_port=port,
            **{**BASE, **self.shape.settings, **told},  # type: ignore[arg-type]  # checked where they are read
        )
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(PREFIX)}
        preload = self.shape.preload.items() if name == "hub1" else ()
        return LaunchedDoor(
            name=name,
            module=module,
            host=LOOPBACK,
            port=port,
            port_setting="",
            env=inherited
            | settings.to_env()
            | {key: value.format(directory=self.directory) for key, value in preload},
            drain_within_s=settings.drain_within_s,
            launcher=self.shape.launcher,
            log=self.directory / f"{name}.log",
        )

    async def _redis_url(self, name: str) -> str:
        if self.cluster is not None:
            return through(self.cluster.url, self.links.port("anybody-node1"))
        first = self.redis_of(self.redis)
        return through(first.url, await self.links.open(f"{name}-redis", first.port))


@asynccontextmanager
async def world(shape: Shape, directory: Path) -> AsyncIterator[World]:
    """Start a stack in this directory, which is emptied first; stop it at the end."""
    _empty(directory)
    async with AsyncExitStack() as exits:
        wires = await exits.enter_async_context(links())
        made = World(shape, directory, wires)
        await made.start(exits)
        yield made


def _empty(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)


def _silent(_: str) -> None:
    """What a service would say to a terminal."""
