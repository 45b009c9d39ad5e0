"""The truth: when somebody came into a fence, and when they went, by the path they really took.

A second of a path is *inside* where the path is more than BAND_M within the border, *outside* where it is further out
than BAND_M and than the exit margin that is promised (`ground.exit_margin_m`: 20 m, or a tenth of the radius), and
otherwise *unclear*, as it is where nobody knows the path. What is unclear is not judged.

A **sure stay** is a run of inside seconds, without any other between, that lasts until the third fix made `dwell_s` or
more after it began: the product looks at three fixes, so whoever judges has had what they need. A **sure absence** is the
same of outside seconds. Everybody begins absent. The **true edges** are the changes from one to the other, in order:

- crossed: an enter's is the last second in which the path was beyond the border itself, before the stay; an exit's is
  the first second of the absence, which is where the exit margin was crossed. Latency counts from here;
- earliest: `dwell_s` after the last fix that was made on the other side of what is unclear. Whoever judged sooner did
  not wait for the dwell;
- deadline: when that third fix, and all made before it, had arrived, and GRACE_S. Whoever judged later missed it.

An edge that is none of these is excused where the path allows it (`could_be`): an enter where nothing was outside for
`dwell_s` or more, up to the third fix after; an exit where nothing was inside for so long. It is not judged.

Owns these words. Pure. Must never know the product's rules for judging, nor its geometry: it is what checks them.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from itertools import groupby
from typing import Final, NamedTuple

from loadtest.geofence.ground import Fence, exit_margin_m
from loadtest.geofence.path import Path
from loadtest.geofence.trace import Spot

BAND_M: Final = 20.0
FIXES: Final = 3
GRACE_S: Final = 2.0
"""What waits for a time instead of a fix is looked at about every second."""


class Side(Enum):
    """Where a second of a path is."""

    inside = auto()
    outside = auto()
    unclear = auto()


class Heard(NamedTuple):
    """A fix as it reaches the judge: made at `at_s`, there at `arrives_s`; metres on the ground. `speed_mps`: if the
    phone says one."""

    at_s: float
    arrives_s: float
    x: float
    y: float
    accuracy_m: float
    speed_mps: float | None = None


class Case(NamedTuple):
    """One person and one fence. `heard` is in order of arrival."""

    name: str
    fence: Fence
    path: Path
    heard: tuple[Heard, ...]


class TrueEdge(NamedTuple):
    """Seconds; see above."""

    is_enter: bool
    crossed_s: float
    earliest_s: float
    deadline_s: float


class Run(NamedTuple):
    """Seconds of one side, the first and the last of them."""

    side: Side
    first_s: float
    last_s: float


class Truth:
    """What is true of one case, with this dwell."""

    def __init__(self, case: Case, dwell_s: float) -> None:
        self._dwell_s = dwell_s
        self._made = sorted(case.heard, key=lambda fix: fix.at_s)
        self._seconds = [
            (at_s, spot, side(case.fence, spot)) for at_s, spot in case.path.seconds()
        ]
        self._fence = case.fence
        self.runs = _runs([(at_s, which) for at_s, _, which in self._seconds])
        self.edges = self._edges()

    def could_be(self, is_enter: bool, judged_s: float) -> bool:
        """Whether the path allows this edge though it asks for none."""
        against = Side.outside if is_enter else Side.inside
        allowed = [(at_s, which is not against) for at_s, _, which in self._seconds]
        for is_allowed, group in groupby(allowed, key=lambda second: second[1]):
            seconds = [at_s for at_s, _ in group]
            if not is_allowed or seconds[-1] - seconds[0] < self._dwell_s:
                continue
            after = self._fix_after(seconds[-1])
            until_s = self._seconds[-1][0] + GRACE_S if after is None else self._arrived_s(after)
            if self._last_made_before(seconds[0]) + self._dwell_s <= judged_s <= until_s + GRACE_S:
                return True
        return False

    def _edges(self) -> list[TrueEdge]:
        edges: list[TrueEdge] = []
        is_inside = False
        for run in self.runs:
            if run.side is Side.unclear or (run.side is Side.inside) == is_inside:
                continue
            needed = self._fix_after(run.first_s + self._dwell_s)
            if needed is None or self._made[needed].at_s > run.last_s:
                continue
            is_inside = not is_inside
            edges.append(
                TrueEdge(
                    is_inside,
                    self._crossed_s(run),
                    self._last_made_before(self._left_other_side_s(run)) + self._dwell_s,
                    self._arrived_s(needed) + GRACE_S,
                )
            )
        return edges

    def _crossed_s(self, run: Run) -> float:
        if run.side is Side.outside:
            return run.first_s
        beyond = [
            at_s
            for at_s, spot, _ in self._seconds
            if at_s < run.first_s and spot is not None and self._fence.beyond_m(spot.x, spot.y) > 0
        ]
        return beyond[-1] if beyond else self._seconds[0][0]

    def _left_other_side_s(self, run: Run) -> float:
        other = Side.outside if run.side is Side.inside else Side.inside
        before = [at.last_s for at in self.runs if at.side is other and at.last_s < run.first_s]
        return before[-1] if before else self._seconds[0][0]

    def _fix_after(self, at_s: float) -> int | None:
        """The number of the third fix made at that time or after it."""
        first = next((n for n, fix in enumerate(self._made) if fix.at_s >= at_s), None)
        if first is None or first + FIXES > len(self._made):
            return None
        return first + FIXES - 1

    def _arrived_s(self, number: int) -> float:
        """When this fix and all made before it had come."""
        return max(fix.arrives_s for fix in self._made[: number + 1])

    def _last_made_before(self, at_s: float) -> float:
        """When the last fix was made by then; the path's beginning if none was."""
        made = [fix.at_s for fix in self._made if fix.at_s <= at_s]
        return made[-1] if made else self._seconds[0][0]


def side(fence: Fence, spot: Spot | None) -> Side:
    """Of one place; None: nobody knows where."""
    if spot is None:
        return Side.unclear
    beyond_m = fence.beyond_m(spot.x, spot.y)
    if beyond_m < -BAND_M:
        return Side.inside
    return Side.outside if beyond_m > max(BAND_M, exit_margin_m(fence)) else Side.unclear


def _runs(seconds: Sequence[tuple[float, Side]]) -> list[Run]:
    runs = []
    for which, group in groupby(seconds, key=lambda second: second[1]):
        times = [at_s for at_s, _ in group]
        runs.append(Run(which, times[0], times[-1]))
    return runs
