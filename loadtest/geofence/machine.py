"""The machine alone (muster/place.py) as a judge: its states, the clock and what falls due, without Redis and sockets.

Owns that, and how fences and fixes of the terrain are said to the product. Must never hold a rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from loadtest.geofence.judge import Seen
from loadtest.geofence.terrain import Fence, Round, Terrain
from loadtest.geofence.truth import Heard, Told
from muster.attendance import Source
from muster.evidence import Fix
from muster.ground import Ground, ground_of
from muster.ids import RoomId
from muster.place import NOWHERE, State, Turn, judge_all, on_time
from muster.point import Point
from muster.terms import Terms
from muster.venue import Circle, Polygon, Shape, Venue, Visibility

HOME: Final = Terrain(52.52, 13.405)
BEGAN_MS: Final = 1_800_000_000_000
_DAY_MS: Final = 86_400_000


class Machine:
    """Of one person and one fence. Every `due_ms` is met to the millisecond, as a perfect sweep would."""

    def __init__(self, ground: Ground, terms: Terms) -> None:
        self._ground = ground
        self._terms = terms
        self._state: State = NOWHERE
        self._due_ms: int | None = None

    def hear(self, fixes: Sequence[Heard]) -> tuple[list[Seen], list[Told]]:
        """See `Judge`."""
        now_ms = _ms(fixes[0].arrives_s)
        said = [fix_of(fix) for fix in fixes]
        judged, reasons = judge_all(self._state, said, self._ground, self._terms, now_ms)
        self._state, self._due_ms = judged.state, judged.due_ms
        phase = self._state.phase.name
        seen = [
            Seen(fix, reason.value if reason is not None else "", phase)
            for fix, reason in zip(fixes, reasons, strict=True)
        ]
        return seen, [_told(turn, fixes[0].arrives_s) for turn in judged.turns]

    def wait(self, until_s: float) -> list[Told]:
        """See `Judge`."""
        told: list[Told] = []
        until_ms = _ms(until_s)
        while self._due_ms is not None and self._due_ms <= until_ms:
            now_ms = self._due_ms
            judged = on_time(self._state, self._ground, self._terms, now_ms)
            self._state, self._due_ms = judged.state, judged.due_ms
            told += [_told(turn, (now_ms - BEGAN_MS) / 1000) for turn in judged.turns]
            if self._due_ms == now_ms:
                raise AssertionError("the machine is due for ever")
        return told


def fix_of(fix: Heard, terrain: Terrain = HOME) -> Fix:
    """As a phone says it."""
    lat, lon = terrain.degrees(fix.x, fix.y)
    return Fix(lat, lon, fix.accuracy_m, _ms(fix.at_s), fix.speed_mps)


def venue_of(number: int, fence: Fence, terrain: Terrain = HOME) -> Venue:
    """A public event within this fence, all day long."""
    return Venue(
        room=RoomId(UUID(int=number)),
        version=1,
        fence_version=1,
        shape=shape_of(fence, terrain),
        visibility=Visibility.public,
        from_ms=BEGAN_MS - _DAY_MS,
        until_ms=BEGAN_MS + _DAY_MS,
    )


def shape_of(fence: Fence, terrain: Terrain) -> Shape:
    """As a host writes it."""
    if isinstance(fence, Round):
        lat, lon = terrain.degrees(fence.x, fence.y)
        return Circle(Point(lat, lon), fence.radius_m)
    ring = [terrain.degrees(x, y)[::-1] for x, y in (*fence.corners, fence.corners[0])]
    return Polygon([[(lon, lat) for lon, lat in ring]])


def machine_of(fence: Fence, terms: Terms) -> Machine:
    """Its judge."""
    return Machine(ground_of(venue_of(1, fence)), terms)


def _ms(at_s: float) -> int:
    return BEGAN_MS + round(at_s * 1000)


def _told(turn: Turn, judged_s: float) -> Told:
    at_s = (turn.at_ms - BEGAN_MS) / 1000
    return Told(turn.is_enter, judged_s, at_s, turn.source is Source.silence)
