"""Looking one person up on the roll, for `muster trace`.

Owns what is read. Must never change anything: it is not on the way of anybody's presence.
"""

from __future__ import annotations

from redis.exceptions import ResponseError

from muster.roll import bucket_of
from muster.stores.redis.nodes import Nodes
from muster.stores.redis.roll_commands import RollCommands, RollKeys, devices_in, read_register
from muster.stores.redis.wire import Reply
from muster.trace_presence import TracedDevice

WITHIN_S = 2.0


async def devices_of(nodes: Nodes, keys: RollKeys, person: bytes) -> list[TracedDevice]:
    """What the roll holds of somebody, the latest first. Raises one of wire.BROKEN."""
    await nodes.settle()
    bucket = bucket_of(person)
    commands = RollCommands(keys)
    fields = await _ask(nodes, bucket, commands.devices_of(bucket, person))
    body = commands.whole_register()
    register = read_register(await _ask(nodes, 0, body))[1]
    leases = {peer.generation: peer for peer in register.peers}
    found = []
    for device, held in devices_in(fields).items():
        peer = leases.get(held.generation)
        left_s = None if peer is None else (peer.expires_ms - register.now_ms) / 1000
        found.append(
            TracedDevice(device, held.attention, held.stamp_ms, held.generation.hex(), left_s)
        )
    return sorted(found, key=lambda one: -one.since_ms)


async def _ask(nodes: Nodes, bucket: int, command: bytes) -> Reply:
    wire = nodes.wire(nodes.node_of(bucket))
    try:
        [reply] = await wire.ask([command], WITHIN_S)
    finally:
        await wire.close()
    if isinstance(reply, ResponseError):
        raise reply
    return reply
