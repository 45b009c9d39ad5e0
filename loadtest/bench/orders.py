"""What the benchmark and the load's processes say to each other, over their standard input and output.

    Plan -> Connected ... -> Online -> Step -> Result -> Stall -> Stalled -> Step ... -> (end of input)
    Plan -> Connected ... -> Online -> Step -> Watched -> Compare -> Compared -> (end of input)     of returners.py

Owns these shapes and their framing: length, then msgpack. Must never hold behaviour.
"""

from __future__ import annotations

from asyncio import StreamReader
from uuid import UUID

import msgspec
from msgspec import Struct

_LENGTH = 4


class Seat(Struct, array_like=True):
    """One socket to open: with this token, on this hub. `stalls`: it stops reading when it is told to."""

    token: str
    hub: int
    stalls: bool = False


class Plan(Struct, tag=True):
    """What one process is to open, and how fast."""

    worker: int
    run: str
    hubs: list[str]
    seats: list[Seat]
    opens_per_s: float


class Step(Struct, tag=True):
    """A load to make: `rate_per_s` posts from `start_at` (CLOCK_MONOTONIC), the first `warm_s` of them unmeasured.

    `timed`: measure deliveries, not only acks: those to every `every`-th socket. `sharp`: spend processor time to be
    on time. `apart`: deliveries in this room are no others' company.
    """

    rate_per_s: float
    start_at: float
    warm_s: float
    run_s: float
    text_bytes: int = 128
    timed: bool = False
    sharp: bool = False
    every: int = 1
    apart: UUID | None = None


class Stall(Struct, tag=True):
    """Those whose seats say so stop reading, for good; from now on they neither post nor count."""


class Connected(Struct, tag=True):
    """So many sockets are live in their rooms by now."""

    sockets: int


class Online(Struct, tag=True):
    """All are."""


class Stalled(Struct, tag=True):
    """So many do not read any more."""

    sockets: int


class Result(Struct, tag=True):
    """What one process measured in one step. Times are microseconds, as arrays of 32-bit integers.

    `acked` and `delivered` were counted while the measured part of the step ran. `ack_us` is of every measured post
    that was acked at all, `late_us` how long after its time each left; `same_us` and `cross_us` are deliveries on
    the author's hub and on another, `apart_us` those in the room that is kept apart, on whatever hub, `after_us` from
    the author's ack to a delivery, 0 where that came first, among the sockets of one process. `refused` are the codes
    of posts refused, `lost_sockets` how many ended.
    """

    offered: int
    acked: int
    delivered: int
    unanswered: int
    refused: dict[int, int]
    lost_sockets: int
    ack_us: bytes
    late_us: bytes
    same_us: bytes
    cross_us: bytes
    after_us: bytes
    apart_us: bytes


class Watched(Struct, tag=True):
    """The posts of a step are made and answered, or the time for it is over. `heads`: see `Returner.heads`."""

    offered: int
    unanswered: int
    heads: dict[bytes, int]


class Compare(Struct, tag=True):
    """How far every room's log went, by anybody's account: what of it has not come?"""

    heads: dict[bytes, int]


class Compared(Struct, tag=True):
    """What came of everybody in this process. `absences`: pairs of doubles, from when to when (CLOCK_MONOTONIC)."""

    lost: int
    duplicated: int
    away: int
    refusals: int
    absences: bytes


class Failed(Struct, tag=True):
    """The process gives up; why."""

    reason: str


Order = Plan | Step | Stall | Compare
Report = Connected | Online | Stalled | Result | Watched | Compared | Failed


def written(message: Order | Report) -> bytes:
    """A message as it goes over the pipe."""
    data = msgspec.msgpack.encode(message)
    return len(data).to_bytes(_LENGTH, "big") + data


async def next_order(reader: StreamReader) -> Order:
    """The next order. Raises IncompleteReadError at the end."""
    order: Order = msgspec.msgpack.decode(await _next(reader), type=Order)
    return order


async def next_report(reader: StreamReader) -> Report:
    """The next report. Raises IncompleteReadError at the end."""
    report: Report = msgspec.msgpack.decode(await _next(reader), type=Report)
    return report


async def _next(reader: StreamReader) -> bytes:
    length = int.from_bytes(await reader.readexactly(_LENGTH), "big")
    return await reader.readexactly(length)
