"""Which Redis holds a lane: the one there is, or the primaries of a cluster.

Owns the map from lanes to addresses, read again by `settle` whenever a node refused. Must never
follow a redirection by itself: who was refused settles and tries again.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from typing import Final, Protocol

from redis.exceptions import ClusterDownError, ResponseError

from muster.lanes import LaneTable
from muster.stores.redis import commands
from muster.stores.redis.wire import BROKEN, Address, Dial, Reply, Wire

SETTLE_WITHIN_S: Final = 0.5
SETTLED_FOR_S: Final = 0.05
"""All readers of a cluster are refused at once when it changes: one question answers them all."""


class Nodes(Protocol):
    """Where the lanes are."""

    @property
    def groups(self) -> tuple[tuple[int, ...], ...]:
        """The lanes that one command may read together."""
        ...

    async def settle(self) -> None:
        """Learn anew where the lanes are. Raises one of wire.BROKEN."""
        ...

    def node_of(self, lane: int) -> Address:
        """Where a lane is, as far as known. Raises one of wire.BROKEN when nothing is known yet."""
        ...

    def wire(self, address: Address) -> Wire:
        """A new wire to a node, not yet open."""
        ...


class OneNode:
    """All lanes on one Redis (with or without replicas behind a stable address)."""

    def __init__(self, dial: Dial, table: LaneTable) -> None:
        self._dial = dial
        self.groups = (tuple(range(table.lanes)),)

    async def settle(self) -> None:
        """Nothing to learn: there is one address."""

    def node_of(self, lane: int) -> Address:  # noqa: ARG002  # the same for all
        """The address in the URL."""
        return self._dial.address

    def wire(self, address: Address) -> Wire:  # noqa: ARG002  # also unix://, which has no address
        """A new wire to the one Redis."""
        return self._dial.wire()


class ClusterNodes:
    """Lanes on the primaries of a Redis Cluster, by CLUSTER SLOTS."""

    def __init__(self, dial: Dial, table: LaneTable, rng: random.Random) -> None:
        self._dial = dial
        self._slots = table.slots
        self._rng = rng
        self._nodes: dict[int, Address] = {}
        self._lock = asyncio.Lock()
        self._settled_at = float("-inf")
        self.groups = tuple((lane,) for lane in range(table.lanes))

    async def settle(self) -> None:
        """Ask the nodes known, then the one in the URL, until one answers for every lane."""
        asked_at = asyncio.get_running_loop().time()
        async with self._lock:
            if self._settled_at > asked_at - SETTLED_FOR_S:
                return
            trouble: Exception = ClusterDownError("no node of the cluster answers")
            for address in self._candidates():
                try:
                    self._nodes = await self._ask(address)
                except BROKEN as error:
                    trouble = error
                else:
                    self._settled_at = asyncio.get_running_loop().time()
                    return
            raise trouble

    def node_of(self, lane: int) -> Address:
        """The primary that holds the lane's slot."""
        try:
            return self._nodes[lane]
        except KeyError:
            raise ClusterDownError("the cluster's slots are not known yet") from None

    def wire(self, address: Address) -> Wire:
        """A new wire to one primary."""
        return self._dial.wire(address)

    def _candidates(self) -> Iterator[Address]:
        known = sorted(set(self._nodes.values()))
        self._rng.shuffle(known)
        yield from known
        if self._dial.address not in known:
            yield self._dial.address

    async def _ask(self, address: Address) -> dict[int, Address]:
        wire = self._dial.wire(address)
        try:
            [reply] = await wire.ask([commands.CLUSTER_SLOTS], SETTLE_WITHIN_S)
        finally:
            await wire.close()
        return _located(reply, self._slots, address.host)


def _located(reply: Reply, slots: tuple[int, ...], asked: str) -> dict[int, Address]:
    """CLUSTER SLOTS' reply as lane -> primary. A node that does not know its own name has ours."""
    if isinstance(reply, ResponseError):
        raise reply
    nodes = {}
    for first, last, primary, *_ in reply:
        name = (primary[0] or b"").decode()
        address = Address(name if name not in ("", "?") else asked, primary[1])
        for lane, slot in enumerate(slots):
            if first <= slot <= last:
                nodes[lane] = address
    if len(nodes) < len(slots):
        raise ClusterDownError("some lanes are on slots that no node serves")
    return nodes


def nodes_at(url: str, cluster: bool, table: LaneTable, rng: random.Random) -> Nodes:
    """The Redis that MUSTER_REDIS_URL and MUSTER_REDIS_CLUSTER name."""
    dial = Dial(url)
    return ClusterNodes(dial, table, rng) if cluster else OneNode(dial, table)
