"""A path: where somebody really was, second by second.

Of a recording it is the median of the fixes around each, before and after: non-causal, as no judge of the moment can
be. Between fixes it is a straight line; where none came for long, nobody knows. Of a made-up walker it is the walk.

Owns both. Pure. Must never know a fence.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median
from typing import Final

from loadtest.geofence.trace import Spot

WINDOW_S: Final = 12.5
"""Before and after: five fixes in all where one comes every 5 s, so that two wrong ones in a row change nothing."""

KNOWN_FOR_S: Final = 30.0
"""Between fixes further apart than this, a straight line would be made up."""


class Path:
    """`spots` ascend in time; `known_for_s`: the longest step between two of them that is believed."""

    def __init__(self, spots: Sequence[Spot], known_for_s: float = KNOWN_FOR_S) -> None:
        self.spots = tuple(spots)
        self._times = [spot.at_s for spot in self.spots]
        self._known_for_s = known_for_s

    @property
    def begins_s(self) -> float:
        """Its first time."""
        return self._times[0]

    @property
    def ends_s(self) -> float:
        """Its last."""
        return self._times[-1]

    def at(self, at_s: float) -> Spot | None:
        """Where they were; None: nobody knows."""
        after = bisect_left(self._times, at_s)
        if after < len(self.spots) and self._times[after] == at_s:
            return self.spots[after]
        if after in (0, len(self.spots)):
            return None
        one, other = self.spots[after - 1], self.spots[after]
        if other.at_s - one.at_s > self._known_for_s:
            return None
        share = (at_s - one.at_s) / (other.at_s - one.at_s)
        return Spot(at_s, one.x + share * (other.x - one.x), one.y + share * (other.y - one.y))

    def seconds(self) -> Iterator[tuple[float, Spot | None]]:
        """Second by second from the first time to the last."""
        count = int(self.ends_s - self.begins_s)
        for second in range(count + 1):
            at_s = self.begins_s + second
            yield at_s, self.at(at_s)


def median_path(spots: Sequence[Spot], window_s: float = WINDOW_S) -> Path:
    """Each place is the median, east and north by themselves, of those recorded around its time."""
    times = [spot.at_s for spot in spots]
    smooth = []
    for at_s in times:
        around = spots[bisect_left(times, at_s - window_s) : bisect_right(times, at_s + window_s)]
        smooth.append(
            Spot(at_s, median(spot.x for spot in around), median(spot.y for spot in around))
        )
    return Path(smooth)


def stops(path: Path, least_s: float = 60.0, within_m: float = 15.0) -> list[Spot]:
    """Where somebody stood: places not left by more than this for so long; their times are when they came."""
    found: list[Spot] = []
    began = 0
    spots = path.spots
    for here, (before, spot) in enumerate(pairwise(spots), 1):
        first = spots[began]
        is_near = abs(spot.x - first.x) <= within_m and abs(spot.y - first.y) <= within_m
        if not is_near:
            if before.at_s - first.at_s >= least_s:
                found.append(first)
            began = here
    if spots[-1].at_s - spots[began].at_s >= least_s:
        found.append(spots[began])
    return found
