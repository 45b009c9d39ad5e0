"""The truth: when somebody came into a fence, and when they went, by the path they really took.

Coming crosses the border; going crosses the exit border, which is promised to be 20 m (or a tenth of the radius)
further out (`terrain.exit_margin_m`). What a path does within BAND_M of the border that an edge crosses, and where
nobody knows the path, is not judged:

- a second is **surely inside** where the path is more than BAND_M within the border, and **surely gone** where it is
  more than BAND_M beyond the exit border. A **stay** is a run of surely inside seconds that lasts until the third fix
  made `dwell_s` or more after the first one made in it: the product looks at three fixes, so whoever judges has had
  all they need. An **absence** is the same of surely gone seconds. Everybody begins absent. The **true edges** are the
  changes from one to the other, in their order.
- a second **speaks against** coming where the path is more than BAND_M beyond the border, and against going where it
  is more than BAND_M within the exit border. An edge **could be** where nothing spoke against it for `dwell_s`: told
  from the end of such a dwell (counted from the last fix made while something did) until the third fix after it had
  arrived, and said to have been no further than a dwell (and a fix) from it.

A true edge is expected a dwell after the crossing; the tolerance is another dwell and what three fixes are apart. So it
may be told from its last crossing of the border on, or wherever it could be before that (nobody is asked to wait who
judges rightly while the path is still near the border), until the third fix made two dwells or more after the first one
of the stay or absence, and all made before it, had arrived, and GRACE_S.

Owns these words. Pure. Must never know the product's rules for judging, nor its geometry: it is what checks them.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from itertools import accumulate, groupby
from typing import Final, NamedTuple

from loadtest.geofence.path import Path
from loadtest.geofence.terrain import Fence, exit_margin_m

BAND_M: Final = 20.0
FIXES: Final = 3
SECOND_S: Final = 1.0
"""What the path is looked at by: a run may be so much longer at either end."""

GRACE_S: Final = 2.0
"""What waits for a time instead of a fix is looked at about every second."""


class Heard(NamedTuple):
    """A fix as it reaches the judge: made at `at_s`, there at `arrives_s`; metres on the terrain. `speed_mps`: if the
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
    """Seconds. `since_s`: the end of the stay or absence before it; `crossed_s`: when the path last crossed the border
    that it crosses, where latency counts from; `shown_s`: when the fix was made that shows it."""

    is_enter: bool
    since_s: float
    crossed_s: float
    shown_s: float
    deadline_s: float


class Told(NamedTuple):
    """An edge that a judge told at `judged_s`; by the evidence it was at `at_s`. `is_silence`: for want of evidence."""

    is_enter: bool
    judged_s: float
    at_s: float
    is_silence: bool = False


class Run(NamedTuple):
    """Seconds in a row, the first and the last of them."""

    first_s: float
    last_s: float


class Truth:
    """What is true of one case, with this dwell."""

    def __init__(self, case: Case, dwell_s: float) -> None:
        self._dwell_s = dwell_s
        self._exit_m = exit_margin_m(case.fence)
        self._seconds = [
            (at_s, case.fence.beyond_m(spot.x, spot.y) if spot is not None else None)
            for at_s, spot in case.path.seconds()
        ]
        made = sorted(case.heard, key=lambda fix: fix.at_s)
        self._made_s = [fix.at_s for fix in made]
        self._there_s = list(accumulate((fix.arrives_s for fix in made), max))
        self._over_s = max(case.path.ends_s, *self._there_s[-1:])
        self.inside = self._runs(lambda far_m: far_m is not None and far_m < -BAND_M)
        self.gone = self._runs(lambda far_m: far_m is not None and far_m > self._exit_m + BAND_M)
        self._may_come = self._runs(lambda far_m: far_m is None or far_m <= BAND_M)
        self._may_go = self._runs(lambda far_m: far_m is None or far_m >= self._exit_m - BAND_M)
        self.edges = self._edges()

    def could_be(self, told: Told) -> bool:
        """Whether it follows the crossing of a true edge, or nothing spoke against it for as long as the dwell."""
        for true in self.edges:
            is_after = true.crossed_s <= told.judged_s <= true.deadline_s
            is_said_so = told.at_s + self._dwell_s >= self._last_made(true.since_s)
            if true.is_enter is told.is_enter and is_after and is_said_so:
                return True
        for run in self._may_come if told.is_enter else self._may_go:
            if run.last_s - run.first_s + 2 * SECOND_S < self._dwell_s:
                continue
            after = self._third_fix(run.last_s)
            last_s = self._there_s[after] if after is not None else self._over_s
            began_s = self._last_made(run.first_s - SECOND_S)
            is_in_time = began_s + self._dwell_s <= told.judged_s <= last_s + GRACE_S
            if is_in_time and began_s <= told.at_s + self._dwell_s <= run.last_s + 2 * self._dwell_s:  # fmt: skip
                return True
        return False

    def _edges(self) -> list[TrueEdge]:
        runs = [(run, True) for run in self.inside] + [(run, False) for run in self.gone]
        edges: list[TrueEdge] = []
        is_inside, since_s = False, self._seconds[0][0]
        for run, is_stay in sorted(runs):
            first = bisect_left(self._made_s, run.first_s)
            if first == len(self._made_s):
                break
            enough = self._third_fix(self._made_s[first] + self._dwell_s)
            if enough is None or self._made_s[enough] > run.last_s:
                continue
            if is_stay is not is_inside:
                last = self._third_fix(self._made_s[first] + 2 * self._dwell_s)
                last_s = self._there_s[last] if last is not None else self._over_s
                crossed_s, shown_s = self._crossed_s(run, is_stay), self._made_s[enough]
                edges.append(TrueEdge(is_stay, since_s, crossed_s, shown_s, last_s + GRACE_S))
                is_inside = is_stay
            since_s = run.last_s
        return edges

    def _crossed_s(self, run: Run, is_enter: bool) -> float:
        border_m = 0.0 if is_enter else self._exit_m
        for at_s, far_m in reversed(self._seconds):
            if at_s < run.first_s and far_m is not None and (far_m > border_m) is is_enter:
                return at_s
        return self._seconds[0][0]

    def _third_fix(self, at_s: float) -> int | None:
        """The number of the third fix made then or later; None: there are not so many."""
        third = bisect_left(self._made_s, at_s) + FIXES - 1
        return third if third < len(self._made_s) else None

    def _last_made(self, at_s: float) -> float:
        """When the last fix was made by then; the path's beginning if none was."""
        count = bisect_right(self._made_s, at_s)
        return self._made_s[count - 1] if count else self._seconds[0][0]

    def _runs(self, holds: Callable[[float | None], bool]) -> list[Run]:
        runs = []
        for is_held, group in groupby(self._seconds, key=lambda second: holds(second[1])):
            if is_held:
                times = [at_s for at_s, _ in group]
                runs.append(Run(times[0], times[-1]))
        return runs
