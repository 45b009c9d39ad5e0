"""What a trial and the processes of its load say to each other, over their standard input and output.

    Plan -> Online -> Step -> Heard -> Step ... -> (end of input)

Owns these shapes; each is a line of JSON. Must never hold behaviour.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from loadtest.peers.peer import Dialect


class Plan(Struct, kw_only=True):
    """What one process is to open; where it is the one that `speaks`, its speaker comes before everything."""

    dialect: Dialect
    port: int
    members: int
    speaks: bool
    opens_per_s: float
    timed_every: int


class Online(Struct):
    """So many sockets are open."""

    sockets: int


class Step(Struct):
    """Speak from `start_at` (CLOCK_MONOTONIC) for `run_s`; what is late is waited for, `drain_s` at most."""

    rate_per_s: float
    start_at: float
    run_s: float
    drain_s: float


class Heard(Struct):
    """What came: `in_time` while it was said, `delivered` in all. `lost` sockets ended by themselves.

    `delay_us`: from when it was due, at every timed member.
    """

    in_time: int
    delivered: int
    delay_us: list[int]
    lost: int


def line(message: Plan | Online | Step | Heard) -> bytes:
    """As it goes over the pipe."""
    return msgspec.json.encode(message) + b"\n"
