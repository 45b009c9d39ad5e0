"""Where fences are put: around stops and on the ways of a recorded trace, so that it crosses them; and at random.

Owns the choice, which follows from seed and name alone. Pure. Must never know what is made of a fence.
"""

from __future__ import annotations

from math import cos, sin, tau
from random import Random
from typing import Final

from loadtest.geofence.path import Path, stops
from loadtest.geofence.terrain import Fence, Round, outline

RADII_M: Final = (50.0, 200.0)
"""Up to the second one the exit margin is 20 m."""

OUTLINES: Final = 1 / 3


def fence_around(x: float, y: float, random: Random) -> Fence:
    """A circle, or one time in three a polygon, hollow ones among them."""
    radius_m = random.uniform(*RADII_M)
    if random.random() > OUTLINES:
        return Round(x, y, radius_m)
    reaches_m = [radius_m * random.uniform(0.75, 1.25) for _ in range(random.randint(4, 9))]
    return outline(x, y, reaches_m, random.uniform(0, tau))


def fences_on(path: Path, random: Random) -> list[Fence]:
    """Six: two where somebody stood (or was), two on the way, two beside it; none exactly there."""
    spots = path.spots
    chosen = stops(path) or list(spots)
    places = [random.choice(chosen) for _ in range(2)] + [random.choice(spots) for _ in range(4)]
    fences = []
    for number, place in enumerate(places):
        offset_m = random.uniform(0, 40) if number < 4 else random.uniform(60, 260)
        angle = random.uniform(0, tau)
        x, y = place.x + offset_m * cos(angle), place.y + offset_m * sin(angle)
        fences.append(fence_around(x, y, random))
    return fences
