"""Attendance: what is known of where somebody is when a push of theirs is judged.

Owns this shape. Must never say what follows from it (pushers/witness.py) nor ask anybody (the roll: muster/roll.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple
from uuid import UUID

from muster.presence import Attention


class Seat(NamedTuple):
    """One device that is in. `room`: what it looks at, bytes of its id; only somebody active looks."""

    attention: Attention
    room: bytes | None = None


class Attendance(NamedTuple):
    """All devices of one person that are in, also those that no push reaches; who is not there is out.

    `known` is false when the roll cannot be asked or believed: then nothing follows from `seats`.
    """

    seats: Mapping[UUID, Seat]
    known: bool = True


AWAY: Final = Attendance({})
UNKNOWN: Final = Attendance({}, known=False)
