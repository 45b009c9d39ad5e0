"""Made-up walkers: who walks how past, through and into a fence, so that the truth is known exactly.

    visitor    comes from outside, goes about inside, goes away
    returner   twice, minutes apart
    crosser    walks straight through
    passer     walks past, outside
    queuer     stands outside for minutes; half of them go in
    lingerer   stands inside, not far from the border
    driver     drives past or through, three times; a red light now and then

Owns these walks: times and places, no noise. Pure: the random numbers are passed in. Must never know what is made of
them.
"""

from __future__ import annotations

from collections.abc import Callable
from math import cos, hypot, inf, sin, tau
from random import Random
from typing import Final

from loadtest.geofence.path import Path
from loadtest.geofence.terrain import Fence
from loadtest.geofence.trace import Spot

TRIES: Final = 2_000


class Walk:
    """A walk under way, around one fence."""

    def __init__(self, fence: Fence, random: Random) -> None:
        self._fence = fence
        self.random = random
        self._spots = [Spot(0.0, *self.somewhere(60, 250))]

    def somewhere(self, low_m: float, high_m: float) -> tuple[float, float]:
        """A place that is so far beyond the border; below 0 inside."""
        reach_m = 2 * self._fence.radius_m + high_m
        middle = self._fence.middle
        best, off_m = middle, inf
        for _ in range(TRIES):
            far_m, angle = self.random.uniform(0, reach_m), self.random.uniform(0, tau)
            place = middle[0] + far_m * cos(angle), middle[1] + far_m * sin(angle)
            beyond_m = self._fence.beyond_m(*place)
            if low_m <= beyond_m <= high_m:
                return place
            if max(low_m - beyond_m, beyond_m - high_m) < off_m:
                best, off_m = place, max(low_m - beyond_m, beyond_m - high_m)
        return best

    def go(self, low_m: float, high_m: float, speed_mps: float | None = None) -> None:
        """To a place so far beyond the border, on foot if nothing else is said."""
        self.go_to(*self.somewhere(low_m, high_m), speed_mps)

    def go_to(self, x: float, y: float, speed_mps: float | None = None) -> None:
        """To this place."""
        last = self._spots[-1]
        pace = speed_mps or self.random.uniform(1.1, 1.7)
        self._spots.append(Spot(last.at_s + max(1.0, hypot(x - last.x, y - last.y) / pace), x, y))

    def stay(self, least_s: float, most_s: float) -> None:
        """Stand there."""
        last = self._spots[-1]
        self._spots.append(last._replace(at_s=last.at_s + self.random.uniform(least_s, most_s)))

    def path(self) -> Path:
        """What came of it."""
        return Path(self._spots, known_for_s=inf)

    def drive_past(self) -> None:
        """A straight road, half a kilometre each way."""
        random, (x, y) = self.random, self._fence.middle
        angle, aside_m = random.uniform(0, tau), random.uniform(0, self._fence.radius_m + 80)
        pace = random.uniform(8, 20)
        ends = (-500 - self._fence.radius_m, 500 + self._fence.radius_m)
        light = random.uniform(*ends) if random.random() < 0.3 else None
        for number, along in enumerate((ends[0], *([light] if light is not None else []), ends[1])):
            at = (
                x + along * cos(angle) - aside_m * sin(angle),
                y + along * sin(angle) + aside_m * cos(angle),
            )
            if number == 0:
                self._spots.append(Spot(self._spots[-1].at_s + 60.0, *at))
                self.stay(60, 120)
            else:
                self.go_to(*at, pace)
                if along == light:
                    self.stay(10, 40)


Part = Callable[[Walk], None]
"""What somebody does."""


def visitor(walk: Walk) -> None:
    """Comes, goes about, goes."""
    walk.stay(20, 60)
    walk.go(-200, -25)
    for _ in range(walk.random.randint(2, 6)):
        walk.stay(30, 180)
        walk.go(-200, -22)
    walk.stay(60, 120)
    walk.go(60, 250)
    walk.stay(120, 180)


def returner(walk: Walk) -> None:
    """Comes again."""
    visitor(walk)
    walk.stay(60, 240)
    visitor(walk)


def crosser(walk: Walk) -> None:
    """Straight through."""
    walk.go(-200, -30)
    walk.go(80, 250)
    walk.stay(120, 180)


def passer(walk: Walk) -> None:
    """Past, and perhaps over a corner of it."""
    for _ in range(4):
        walk.go(25, 90)
    walk.stay(60, 120)


def queuer(walk: Walk) -> None:
    """At the door."""
    walk.go(22, 60)
    walk.stay(180, 600)
    if walk.random.random() < 0.5:
        walk.go(-200, -25)
        walk.stay(180, 400)
        walk.go(60, 200)
    walk.stay(120, 180)


def lingerer(walk: Walk) -> None:
    """Near the border."""
    walk.go(-45, -22)
    walk.stay(400, 900)
    walk.go(60, 200)
    walk.stay(120, 180)


def driver(walk: Walk) -> None:
    """Three times."""
    for _ in range(3):
        walk.drive_past()
    walk.stay(60, 120)


PARTS: Final[tuple[Part, ...]] = (
    visitor, returner, crosser, passer, queuer, lingerer, driver,
)  # fmt: skip
