"""Looking one entry up on its lane, for `muster trace`.

Owns how far it looks. Must never be on the way of a message: it reads a lane from the time of the entry on.
"""

from __future__ import annotations

import struct
from enum import StrEnum
from typing import Final, NamedTuple
from uuid import UUID

from hiredis import pack_command
from redis.exceptions import ResponseError

from muster.lane import unpack
from muster.lanes import LaneTable
from muster.stores.redis.commands import ENTRY_FIELD, entry_id
from muster.stores.redis.nodes import Nodes
from muster.stores.redis.wire import Reply

PAGE: Final = 1_000
PAGES_MOST: Final = 50
WITHIN_S: Final = 2.0
EARLIER_MS: Final = 5_000
"""Redis' clock may be behind Postgres': look from so long before the entry's time."""


class Whereabouts(StrEnum):
    """What a look at the lane told."""

    there = "there"
    trimmed = "trimmed"
    absent = "absent"
    beyond = "beyond"


class Sighting(NamedTuple):
    """Where an entry is on its lane; `stream_id` is where it is, or how far was looked."""

    whereabouts: Whereabouts
    lane: int
    stream_id: str


async def look_up(nodes: Nodes, table: LaneTable, room: UUID, seq: int, at_ms: int) -> Sighting:
    """Look for an entry of `at_ms` on its lane, at most 50,000 entries far. Raises one of wire.BROKEN."""
    await nodes.settle()
    lane = table.lane_of(room.bytes)
    wire = nodes.wire(nodes.node_of(lane))
    stream, begin = table.streams[lane], b"%d" % max(at_ms - EARLIER_MS, 0)
    try:
        [oldest] = await wire.ask([_range(stream, b"-", 1)], WITHIN_S)
        _refuse(oldest)
        trimmed = not oldest or entry_id(oldest[0][0]).ms > at_ms
        for _ in range(PAGES_MOST):
            [page] = await wire.ask([_range(stream, begin, PAGE)], WITHIN_S)
            _refuse(page)
            for stream_id, fields in page:
                if _is(fields, room.bytes, seq):
                    return Sighting(Whereabouts.there, lane, stream_id.decode())
            if len(page) < PAGE:
                found = Whereabouts.trimmed if trimmed else Whereabouts.absent
                return Sighting(found, lane, begin.decode().lstrip("("))
            begin = b"(" + page[-1][0]
    finally:
        await wire.close()
    return Sighting(Whereabouts.beyond, lane, begin.decode().lstrip("("))


def _range(stream: bytes, begin: bytes, count: int) -> bytes:
    packed: bytes = pack_command((b"XRANGE", stream, begin, b"+", b"COUNT", count))  # type: ignore[arg-type]  # hiredis' stub knows one part
    return packed


def _refuse(reply: Reply) -> None:
    if isinstance(reply, ResponseError):
        raise reply


def _is(fields: list[bytes], room: bytes, seq: int) -> bool:
    if fields[0] != ENTRY_FIELD:
        return False
    try:
        entry = unpack(fields[1])
    except (struct.error, IndexError):  # written by another release
        return False
    return entry.room == room and entry.seq == seq
