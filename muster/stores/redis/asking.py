"""Asking buckets: one wire per node, its scripts loaded, its replies in order.

    {bucket: commands} -> the nodes that hold them -> {bucket: replies}

Owns the wires. A node is asked by one caller at a time; on every new wire it says who it is, so that a reader can
tell a node that only broke off from one that began anew. Must never ask twice: `Unreachable`, and the caller knows
whether saying it again does harm.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from hiredis import pack_command
from redis.exceptions import RedisError, ResponseError

from muster.roll import Unreachable
from muster.stores.redis.nodes import Nodes
from muster.stores.redis.wire import BROKEN, Address, Reply, Wire

WITHIN_S: Final = 1.0


def _pack(*parts: bytes) -> bytes:
    packed: bytes = pack_command(parts)  # type: ignore[arg-type]  # hiredis' stub knows one part
    return packed


_WHO: Final = (_pack(b"INFO", b"server"), _pack(b"INFO", b"replication"))


class _Link:
    """A wire to a node, whose turn it is, and who answered at its other end (nobody yet: empty)."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.turn = asyncio.Lock()
        self.who = b""


class Asking:
    """Questions to the nodes of one Redis or of a cluster."""

    def __init__(self, nodes: Nodes, scripts: Sequence[bytes]) -> None:
        """`scripts` are loaded on every new wire."""
        self._nodes = nodes
        self._loads = [_pack(b"SCRIPT", b"LOAD", script) for script in scripts]
        self._links: dict[Address, _Link] = {}
        self._settled = False

    async def ask(self, asked: Mapping[int, Sequence[bytes]]) -> dict[int, list[Reply]]:
        """The replies of each bucket, in the order of its commands. Raises `Unreachable`."""
        try:
            if not self._settled:
                await self._nodes.settle()
                self._settled = True
            shares: dict[Address, list[int]] = {}
            for bucket in asked:
                shares.setdefault(self._nodes.node_of(bucket), []).append(bucket)
            if len(shares) == 1:
                [(address, buckets)] = shares.items()
                return await self._ask(address, buckets, asked)
            async with asyncio.TaskGroup() as group:
                asks = [
                    group.create_task(self._ask(address, buckets, asked))
                    for address, buckets in shares.items()
                ]
        except BROKEN as broken:
            self._settled = False
            raise Unreachable from broken
        except BaseExceptionGroup as several:
            self._settled = False
            if several.split(BROKEN)[1] is not None:
                raise
            raise Unreachable from several
        return {bucket: replies for ask in asks for bucket, replies in ask.result().items()}

    def who(self, bucket: int) -> bytes:
        """Who answered last for this bucket; empty if nobody has."""
        try:
            link = self._links.get(self._nodes.node_of(bucket))
        except RedisError:
            return b""
        return b"" if link is None else link.who

    async def close(self) -> None:
        """Let go of every wire."""
        for link in self._links.values():
            await link.wire.close()
        self._links.clear()

    async def _ask(
        self, address: Address, buckets: list[int], asked: Mapping[int, Sequence[bytes]]
    ) -> dict[int, list[Reply]]:
        link = self._links.get(address)
        if link is None:
            link = self._links[address] = _Link(self._nodes.wire(address))
        commands = [command for bucket in buckets for command in asked[bucket]]
        async with link.turn:
            replies = await self._answered(link, commands)
        answered = {}
        at = 0
        for bucket in buckets:
            answered[bucket] = replies[at : at + len(asked[bucket])]
            at += len(asked[bucket])
        return answered

    async def _answered(self, link: _Link, commands: Sequence[bytes]) -> list[Reply]:
        understood = False
        try:
            if not link.who:
                link.who = await self._introduced(link.wire)
            replies = await link.wire.ask(commands, WITHIN_S)
            for reply in replies:
                if isinstance(reply, ResponseError):  # MOVED, READONLY, NOSCRIPT, LOADING ...
                    raise reply
            understood = True
            return replies
        finally:
            if not understood:
                link.who = b""
                await link.wire.close()

    async def _introduced(self, wire: Wire) -> bytes:
        server, replication, *loaded = await wire.ask([*_WHO, *self._loads], WITHIN_S)
        for reply in (server, replication, *loaded):
            if isinstance(reply, ResponseError):
                raise reply
        return _line(server, b"run_id") + b" " + _line(replication, b"master_replid")


def _line(info: bytes, name: bytes) -> bytes:
    for line in info.splitlines():
        key, _, value = line.partition(b":")
        if key == name:
            return value
    return b""
