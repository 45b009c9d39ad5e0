"""A Redis Cluster of three primaries without replicas: its nodes, and who serves which slots.

Owns the nodes' processes and the commands a run gives them. Must never be emptied by somebody who is not alone with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import redis.asyncio as redis

from loadtest.torture.redis import PASSWORD, OpenRedis
from loadtest.torture.server import Server
from muster.lanes import SLOTS
from muster.services.child import Program
from muster.services.ports import LOOPBACK

PRIMARIES: Final = 3
_LAST_PORT: Final = 65_535
AGREED_WITHIN_S: Final = 20.0
_BUS_OFFSET: Final = 10_000  # Redis 6.2 always talks to its peers on its port and this
_CONFIGURATION: Final = """
cluster-enabled yes
cluster-config-file nodes.conf
cluster-node-timeout 2000
"""

Announce = Callable[[int, int], Awaitable[int]]
"""Called with a node's number and port; the port that clients are told instead."""


class RedisCluster:
    """Its nodes, by index; `url` is of the first."""

    def __init__(self, urls: list[str]) -> None:
        self.urls = urls
        self.url = urls[0]
        self.clients = [redis.Redis.from_url(url, protocol=2) for url in urls]

    async def ask(self, node: int, *words: str | int | bytes) -> object:
        """One command to one node."""
        client = self.clients[node]
        return await client.execute_command(*words)  # type: ignore[no-untyped-call]  # redis-py

    async def flush(self) -> None:
        """Everything is gone."""
        for node in range(len(self.urls)):
            await self.ask(node, "FLUSHALL")

    async def holder(self, slot: int) -> int:
        """The node that serves a slot."""
        ids = await self._ids()
        for first, last, (_, _, node, *_), *_ in await self.ask(0, "CLUSTER", "SLOTS"):  # type: ignore[attr-defined]
            if first <= slot <= last:
                return ids.index(node)
        raise AssertionError(f"nobody serves slot {slot}")

    async def move(self, slot: int, to: int) -> None:
        """Move a slot with its keys to another node, as redis-cli does."""
        source, ids = await self.holder(slot), await self._ids()
        await self.ask(to, "CLUSTER", "SETSLOT", slot, "IMPORTING", ids[source])
        await self.ask(source, "CLUSTER", "SETSLOT", slot, "MIGRATING", ids[to])
        port = urlsplit(self.urls[to]).port or 0
        keys = await self.ask(source, "CLUSTER", "GETKEYSINSLOT", slot, 100)
        where = ("MIGRATE", LOOPBACK, port, "", 0, 1000, "AUTH", PASSWORD, "KEYS")
        await self.ask(source, *where, *keys)  # type: ignore[misc]
        for node in (to, source, *range(len(self.urls))):
            await self.ask(node, "CLUSTER", "SETSLOT", slot, "NODE", ids[to])

    async def close(self) -> None:
        """Let go of the clients."""
        for client in self.clients:
            await client.aclose()

    async def join(self) -> None:
        """Make new nodes one cluster that agrees on who serves which slots."""
        nodes = range(len(self.urls))
        for node in nodes:
            share = range(SLOTS * node // len(nodes), SLOTS * (node + 1) // len(nodes))
            await self.ask(node, "CLUSTER", "ADDSLOTS", *share)
            await self.ask(node, "CLUSTER", "SET-CONFIG-EPOCH", node + 1)
            await self.ask(0, "CLUSTER", "MEET", LOOPBACK, urlsplit(self.urls[node]).port or 0)
        async with asyncio.timeout(AGREED_WITHIN_S):
            # Nothing tells when gossip is done: ask until they say so.
            while not all([await self._agrees(node) for node in nodes]):
                pass

    async def _agrees(self, node: int) -> bool:
        known = str(await self.ask(node, "CLUSTER", "INFO"))
        return "cluster_state:ok" in known and f"cluster_known_nodes:{len(self.urls)}" in known

    async def _ids(self) -> list[str | bytes]:
        return [await self.ask(node, "CLUSTER", "MYID") for node in range(len(self.urls))]  # type: ignore[misc]


class _Node(OpenRedis):
    """A member of a cluster, on a port whose bus port is free too."""

    def __init__(self, directory: Path, number: int, announce: Announce | None) -> None:
        super().__init__(directory, _CONFIGURATION, f"redis {number}")
        self._number = number
        self._announce = announce
        self._told = 0

    async def program(self) -> Program:
        """The embedded one's, with the lines of a cluster."""
        while True:
            program = await super().program()
            if self.port + _BUS_OFFSET > _LAST_PORT:
                continue
            try:
                server = await asyncio.start_server(_hang_up, LOOPBACK, self.port + _BUS_OFFSET)
            except OSError:
                continue
            server.close()
            await server.wait_closed()
            break
        if self._announce is not None:
            self._told = self._told or await self._announce(self._number, self.port)
            bus = f"cluster-announce-bus-port {self.port + _BUS_OFFSET}\n"
            self.configure(program, f"cluster-announce-port {self._told}\n{bus}")
        return program


@asynccontextmanager
async def cluster_nodes(
    directory: Path, announce: Announce | None = None
) -> AsyncIterator[tuple[list[str], list[Server]]]:
    """The URLs and processes of three primaries that agree on who serves which slots."""
    async with AsyncExitStack() as stack:
        nodes = [_Node(directory / f"node{n}", n, announce) for n in range(1, PRIMARIES + 1)]
        servers = [Server(node) for node in nodes]
        for server in servers:
            stack.push_async_callback(server.stop)
            await server.start()
        urls = [node.url for node in nodes]
        cluster = RedisCluster(urls)
        try:
            await cluster.join()
        finally:
            await cluster.close()
        yield urls, servers


def _hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()
