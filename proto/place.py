"""The frames of place: what a phone says of where it is, and what was made of it.

Owns them; `frames.py` tells them anew under its own name. Must never hold a rule of who is where (muster/place.py).
"""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from proto import limits
from proto.bases import Client, Server

_Ms = Annotated[int, Meta(ge=0, le=2**53 - 1)]


class PhoneFix(Struct, array_like=True, frozen=True, gc=False):
    """Where a phone is, in degrees (WGS 84), within `accuracy_m` with 68 %; when, by the time the server told it.

    `mock`: its system says that an app made it up. What is no place or no time is answered, not refused.
    """

    lat: float
    lon: float
    accuracy_m: float
    at_ms: _Ms
    speed_mps: float | None = None
    mock: bool = False


class PhoneCrossing(Struct, array_like=True, frozen=True, gc=False):
    """The phone's own region monitoring says that it came into the fence of this event, or went out of it."""

    room: UUID
    is_enter: bool
    at_ms: _Ms


Verdict = Literal[
    "judged",
    "malformed",
    "future",
    "ancient",
    "out_of_order",
    "mocked",
    "inaccurate",
    "jump",
    "too_fast",
    "no_event",
]
"""judged: it counted. no_event: nothing was there to be judged for. Else why it counts for nothing."""

PlacePhase = Literal["unknown", "near", "pending_in", "inside", "pending_out", "left"]
PhoneFixes = Annotated[list[PhoneFix], Meta(min_length=1, max_length=limits.FIXES)]
PhoneCrossings = Annotated[list[PhoneCrossing], Meta(min_length=1, max_length=limits.CROSSINGS)]


class EventPlace(Struct, array_like=True, frozen=True, gc=False):
    """How I stand with an event after what I said. pending: on the way in or out, not believed yet."""

    room: UUID
    phase: PlacePhase


class Fixes(Client, frozen=True, tag=18):
    """Where this phone was, the oldest first: one fix, or what has gathered in the background.

    Nothing is kept of it but the cell of a coarse grid, for minutes.

    Only once I let an event judge my place, or public ones by default; else each is answered `no_event`.
    """

    fixes: PhoneFixes


class Crossings(Client, frozen=True, tag=19):
    """What the phone's region monitoring has told, the oldest first: believed once a fix agrees."""

    crossings: PhoneCrossings


class Placed(Server, frozen=True, tag=80):
    """The answer to `Fixes` and `Crossings`: a verdict on each, and the events that I was judged for."""

    verdicts: list[Verdict]
    events: list[EventPlace]
