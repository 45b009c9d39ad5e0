"""Reading what `muster doctor` judges of Redis: version, memory, role, clock.

Owns how INFO is read. Must never change anything, and must do with what every managed Redis allows: INFO and TIME,
not CONFIG.
"""

from __future__ import annotations

from typing import Final

from hiredis import pack_command
from redis.exceptions import ResponseError

from muster.clock import Clock
from muster.facts import RedisFacts
from muster.lanes import LaneTable
from muster.stores.redis import commands
from muster.stores.redis.nodes import Nodes
from muster.stores.redis.wire import Address, Reply, Wire

WITHIN_S: Final = 2.0

_INFO: Final[bytes] = pack_command((b"INFO",))


async def read_redis(nodes: Nodes, table: LaneTable, clock: Clock) -> list[RedisFacts]:
    """The facts of every node that holds a lane. Raises one of wire.BROKEN."""
    await nodes.settle()
    addresses = sorted({nodes.node_of(lane) for lane in range(table.lanes)})
    return [await _facts(address, nodes.wire(address), clock) for address in addresses]


async def _facts(address: Address, wire: Wire, clock: Clock) -> RedisFacts:
    try:
        [info] = await wire.ask([_INFO], WITHIN_S)
        started, before = clock.monotonic(), clock.now_ms()
        [time] = await wire.ask([commands.TIME], WITHIN_S)
        ours_ms = before + (clock.monotonic() - started) * 500
    finally:
        await wire.close()
    for reply in (info, time):
        if isinstance(reply, ResponseError):
            raise reply
    told = _told(info)
    return RedisFacts(
        where=f"{address.host}:{address.port}",
        version=told.get("redis_version", "0"),
        maxmemory=int(told.get("maxmemory", 0)),
        used_memory=int(told.get("used_memory", 0)),
        policy=told.get("maxmemory_policy", "unknown"),
        cluster=told.get("cluster_enabled") == "1",
        primary=told.get("role", "master") == "master",
        clock_apart_ms=int(time[0]) * 1000 + int(time[1]) / 1000 - ours_ms,
    )


def _told(info: Reply) -> dict[str, str]:
    lines = (line.partition(":") for line in bytes(info).decode("utf-8", "replace").splitlines())
    return {name: value for name, colon, value in lines if colon}
