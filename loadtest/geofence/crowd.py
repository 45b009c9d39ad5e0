"""A city of fences and people, for measuring how many fixes a second are judged.

Every fix concerns one fence at least, and half are within EDGE_M of a border, where judging is most work. People stay
at their fence and send a fix each in turn. Owns the layout, which follows from a seed. Pure. Must never measure.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, sin, tau
from random import Random
from typing import Final, NamedTuple

from loadtest.geofence.placement import fence_around
from loadtest.geofence.terrain import Fence, Round

REGION_PER_KM2: Final = 1.0
CITY_PER_KM2: Final = 10.0
"""Ten thousand events at once around a large city; and all of them in it, where a fix concerns two or three."""

EDGE_M: Final = 20.0
_AROUND_M: Final = (22.0, 42.0)
"""Beyond the border, and still of concern."""

_HALVINGS: Final = 12


class Place(NamedTuple):
    """Where a fix is from: whose, and metres on the terrain."""

    person: int
    x: float
    y: float


def fences(count: int, per_km2: float, random: Random) -> list[Fence]:
    """Spread over a square."""
    side_m = 1_000.0 * (count / per_km2) ** 0.5
    return [
        fence_around(random.uniform(0, side_m), random.uniform(0, side_m), random)
        for _ in range(count)
    ]


def homes(around: Sequence[Fence], people: int, random: Random) -> list[Fence]:
    """At whose fence each of them stays."""
    return [random.choice(around) for _ in range(people)]


def places(homes: Sequence[Fence], each: int, random: Random) -> list[Place]:
    """`each` rounds in which everybody sends one fix; every second person keeps to a border."""
    found = []
    for _ in range(each):
        for person, fence in enumerate(homes):
            border_m, angle = _border(fence, random)
            if person % 2:
                far_m = border_m + random.uniform(-EDGE_M, EDGE_M)
            elif random.random() < 0.5:
                far_m = border_m * random.uniform(0.2, 0.8)
            else:
                far_m = border_m + random.uniform(*_AROUND_M)
            x, y = fence.middle
            found.append(Place(person, x + far_m * cos(angle), y + far_m * sin(angle)))
    return found


def _border(fence: Fence, random: Random) -> tuple[float, float]:
    """How far the border is from the middle in some direction, and that direction."""
    angle = random.uniform(0, tau)
    if isinstance(fence, Round):
        return fence.radius_m, angle
    x, y = fence.middle
    low, high = 0.0, 2 * fence.radius_m
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if fence.beyond_m(x + middle * cos(angle), y + middle * sin(angle)) < 0:
            low = middle
        else:
            high = middle
    return low, angle
