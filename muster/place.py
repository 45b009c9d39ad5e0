"""Place: where somebody is with regard to one event, judged from evidence, one piece at a time.

    unknown -> near -> pending_in -> inside -> pending_out -> left

Owns the shapes of evidence, state and terms. Pure: the clock is passed in. Must never remember a position: of where
somebody was, a state keeps what the rules need and no more.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import NamedTuple

from msgspec import Struct

from muster.attendance import Confidence, Source
from muster.ids import RoomId


class Fix(Struct, frozen=True, gc=False):
    """What a phone says of where it is. `accuracy_m`: radius within which it is with 68 %; `at_ms` by its own clock,
    corrected by the server time it was told. `mock`: the system says that an app made it up."""

    lat: float
    lon: float
    accuracy_m: float
    at_ms: int
    speed_mps: float | None = None
    mock: bool = False


class Crossing(Struct, frozen=True, gc=False):
    """A phone's own region monitoring says that it crossed the fence of `room`: evidence of low confidence."""

    room: RoomId
    is_enter: bool
    at_ms: int


class Phase(IntEnum):
    """Numbers are kept in Redis: they never change."""

    unknown = 0
    near = 1
    pending_in = 2
    inside = 3
    pending_out = 4
    left = 5


class Reason(StrEnum):
    """Why a fix counts for nothing."""

    malformed = "malformed"
    future = "future"
    ancient = "ancient"
    out_of_order = "out_of_order"
    mocked = "mocked"
    inaccurate = "inaccurate"
    jump = "jump"
    too_fast = "too_fast"


class Terms(NamedTuple):
    """The rules' numbers; each has a setting MUSTER_PLACE_*."""

    dwell_ms: int = 60_000
    accuracy_m: float = 100.0
    exit_share: float = 0.10
    exit_least_m: float = 20.0
    fixes_needed: int = 2
    fixes_looked_at: int = 3
    speed_most_mps: float = 70.0
    silence_ms: int = 900_000
    future_ms: int = 30_000
    ancient_ms: int = 600_000


class Turn(NamedTuple):
    """An edge that a judgement brings: somebody came, or went, at that time by the evidence."""

    is_enter: bool
    at_ms: int
    source: Source
    confidence: Confidence
