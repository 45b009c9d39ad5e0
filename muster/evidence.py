"""Evidence: what speaks for somebody being at an event or not, and what is wrong with a piece of it.

Owns the shapes, and what rules a piece out whatever else is known of the person. Must never weigh one piece against
another (muster/voting.py).
"""

from __future__ import annotations

from enum import StrEnum
from math import inf

from msgspec import Struct

from muster.attendance import Source
from muster.ground import Ground
from muster.ids import RoomId
from muster.terms import Terms


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


class Claim(Struct, frozen=True, gc=False):
    """Somebody says that a person came or went: themselves by hand, a QR code, a host."""

    is_enter: bool
    at_ms: int
    source: Source


Evidence = Fix | Crossing | Claim


class Reason(StrEnum):
    """Why a piece of evidence counts for nothing."""

    malformed = "malformed"
    future = "future"
    ancient = "ancient"
    out_of_order = "out_of_order"
    mocked = "mocked"
    inaccurate = "inaccurate"
    jump = "jump"
    too_fast = "too_fast"
    closed = "closed"


def fault(evidence: Evidence, ground: Ground, terms: Terms, now_ms: int) -> Reason | None:
    """What is wrong with it whatever is known of the person."""
    at_ms = evidence.at_ms
    if at_ms > now_ms + terms.future_ms:
        return Reason.future
    if at_ms < now_ms - terms.ancient_ms:
        return Reason.ancient
    if now_ms >= ground.until_ms or at_ms >= ground.until_ms:
        return Reason.closed
    # Before doors open nobody comes in, nor do hosts let anybody in (visit_v1). What they say has been taken by the
    # clock of Postgres when it gets here, and ours may be behind.
    doors_ms = ground.from_ms - terms.future_ms if isinstance(evidence, Claim) else ground.from_ms
    if at_ms < doors_ms:
        return Reason.closed
    if isinstance(evidence, Fix):
        if evidence.mock:
            return Reason.mocked
        # Comparisons with NaN are false.
        if not (-90.0 <= evidence.lat <= 90.0 and -180.0 <= evidence.lon <= 180.0):
            return Reason.malformed
        if not 0.0 <= evidence.accuracy_m < inf:
            return Reason.malformed
        speed_mps = evidence.speed_mps
        if speed_mps is not None and not speed_mps <= terms.speed_most_mps:
            return Reason.too_fast if speed_mps < inf else Reason.malformed
        return None
    if isinstance(evidence, Crossing) and evidence.room != ground.room:
        return Reason.malformed
    return None
