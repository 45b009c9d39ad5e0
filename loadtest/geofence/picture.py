"""The picture of one case: a map of fence, path and fixes, and below it what was judged, second by second.

Owns what is drawn and where. Pure. Must never judge: it is given what was judged.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from math import cos, sin, tau
from typing import Final

from loadtest.chart.paper import LEGEND_Y, MARGIN, WIDTH, Paper
from loadtest.geofence.judge import Played, Seen
from loadtest.geofence.terrain import Fence, Round, exit_margin_m
from loadtest.geofence.truth import Told, Truth

HEIGHT: Final = 692
MAP_TOP: Final = 96
MAP_HEIGHT: Final = 430
ROWS_TOP: Final = MAP_TOP + MAP_HEIGHT + 34
ROW_HEIGHT: Final = 26
ROWS_LEFT: Final = 92
CLEAR_M: Final = 90.0
"""Shown around the exit border, at least."""

_FENCE, _OUT, _IN, _ODD, _VAGUE, _PATH = range(6)
_PHASES: Final = {
    "pending_in": f"pale c{_IN}",
    "inside": f"bar c{_IN}",
    "pending_out": f"pale c{_OUT}",
}
_Along = Callable[[float], float]
"""From seconds to a place on paper."""

_CROSS: Final = 4.5
_RAYS: Final = 120


class Map:
    """From metres to places on paper: the fence in the middle, north above."""

    def __init__(self, fence: Fence) -> None:
        self.exit_border = corners = _exit_border(fence)
        xs, ys = [x for x, _ in corners], [y for _, y in corners]
        self._x, self._y = (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2
        wide_m = max(xs) - min(xs) + 2 * CLEAR_M
        high_m = max(ys) - min(ys) + 2 * CLEAR_M
        self.per_m = min((WIDTH - 2 * MARGIN) / wide_m, MAP_HEIGHT / high_m)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """On paper."""
        return (
            WIDTH / 2 + (x - self._x) * self.per_m,
            MAP_TOP + MAP_HEIGHT / 2 - (y - self._y) * self.per_m,
        )


def picture(title: str, played: Played, truth: Truth) -> str:
    """As SVG."""
    paper = Paper(title, HEIGHT)
    _legend(paper, played)
    size = (WIDTH - 2 * MARGIN, MAP_HEIGHT)
    on = Map(played.case.fence)
    paper.block((MARGIN, MAP_TOP), size, "halo ringed c5")
    with paper.within((MARGIN, MAP_TOP), size):
        _draw_fence(paper, on, played.case.fence)
        paper.stroke(
            [on.place(spot.x, spot.y) for spot in played.case.path.spots], f"line soft c{_PATH}"
        )
        for seen in played.seen:
            _draw_fix(paper, on, seen)
        _draw_ends(paper, on, played)
        for told in played.told:
            _draw_edge(paper, on, played, told)
    _scale_bar(paper, on)
    _rows(paper, played, truth)
    return paper.svg()


def _legend(paper: Paper, played: Played) -> None:
    x = _dot(paper, float(MARGIN), f"dot c{_PATH}", "fix that counts")
    refused = sorted({seen.refused for seen in played.seen if seen.refused})
    for reason in refused:
        count = sum(seen.refused == reason for seen in played.seen)
        _cross(paper, x + 6, LEGEND_Y - 4, _colour(reason))
        x = _said(paper, x + 18, f"{reason.replace('_', ' ')}: {count}")
    x = _dot(paper, x, f"dot c{_IN}", "entered", 6)
    _dot(paper, x, f"dot c{_OUT}", "left", 6)
    x, y = float(MARGIN), LEGEND_Y + 22
    for kind, said in (
        (f"line c{_FENCE}", "fence"),
        (f"line dashed thin c{_FENCE}", "exit border"),
        (f"line soft c{_PATH}", "median path"),
    ):
        paper.stroke([(x, y - 4), (x + 22, y - 4)], kind)
        x = _said(paper, x + 28, said)
    paper.words(WIDTH - MARGIN, y, "a pale ring: the accuracy that a refused fix claims", anchor="end")  # fmt: skip


def _dot(paper: Paper, x: float, kind: str, said: str, radius: float = 3.5) -> float:
    paper.ring(x + 6, LEGEND_Y - 4, radius, kind)
    return _said(paper, x + 18, said)


def _said(paper: Paper, x: float, said: str) -> float:
    y = LEGEND_Y if said not in ("fence", "exit border", "median path") else LEGEND_Y + 22
    paper.words(x, y, said)
    return x + len(said) * 6.1 + 20


def _draw_fence(paper: Paper, on: Map, fence: Fence) -> None:
    if isinstance(fence, Round):
        x, y = on.place(fence.x, fence.y)
        paper.ring(x, y, fence.radius_m * on.per_m, f"pale ringed c{_FENCE}")
    else:
        corners = [on.place(*corner) for corner in fence.corners]
        paper.area(corners, f"pale c{_FENCE}")
        paper.stroke([*corners, corners[0]], f"line c{_FENCE}")
    border = [on.place(*corner) for corner in on.exit_border]
    paper.stroke([*border, border[0]], f"line dashed thin c{_FENCE}")


def _exit_border(fence: Fence) -> list[tuple[float, float]]:
    """Looked for from outside on rays to the middle: of a hollow polygon it is the outermost."""
    x, y = fence.middle
    border = []
    for number in range(_RAYS):
        along, up = cos(number * tau / _RAYS), sin(number * tau / _RAYS)
        far_m = 3 * fence.radius_m + exit_margin_m(fence)
        while far_m > 0 and fence.beyond_m(x + far_m * along, y + far_m * up) > exit_margin_m(
            fence
        ):
            # No border is nearer than what is left to it.
            far_m -= fence.beyond_m(x + far_m * along, y + far_m * up) - exit_margin_m(fence) + 0.2
        border.append((x + far_m * along, y + far_m * up))
    return border


def _draw_fix(paper: Paper, on: Map, seen: Seen) -> None:
    x, y = on.place(seen.fix.x, seen.fix.y)
    if not seen.refused:
        paper.ring(x, y, 2.6, f"dot c{_PATH}")
        return
    colour = _colour(seen.refused)
    paper.ring(x, y, seen.fix.accuracy_m * on.per_m, f"halo ringed c{colour}")
    _cross(paper, x, y, colour)


def _colour(refused: str) -> int:
    return _VAGUE if refused == "inaccurate" else _ODD


def _cross(paper: Paper, x: float, y: float, colour: int) -> None:
    for up in (-_CROSS, _CROSS):
        paper.stroke([(x - _CROSS, y - up), (x + _CROSS, y + up)], f"line c{colour}")


def _draw_edge(paper: Paper, on: Map, played: Played, told: Told) -> None:
    """Where the newest fix was that the judge had heard."""
    heard = [seen.fix for seen in played.seen if seen.fix.arrives_s <= told.judged_s]
    spot = max(heard, key=lambda fix: fix.at_s)
    x, y = on.place(spot.x, spot.y)
    paper.ring(x, y, 6, f"dot c{_IN if told.is_enter else _OUT}")
    said = f"{'entered' if told.is_enter else 'left'}, told at {clock(told.judged_s)}"
    is_right = x > WIDTH - MARGIN - 150
    paper.words(
        x + (-10 if is_right else 10), y + 4, said, "ink tag", "end" if is_right else "start"
    )


def _draw_ends(paper: Paper, on: Map, played: Played) -> None:
    """Where the path comes from and where it goes, if the map shows it."""
    spots = played.case.path.spots
    for spot, said, down in ((spots[0], "begins", -8), (spots[-1], "ends", 16)):
        x, y = on.place(spot.x, spot.y)
        paper.block((x - 4, y - 4), (8, 8), "paper outlined")
        paper.words(x - 8, y + down, said, "faint tag", "end")


def _scale_bar(paper: Paper, on: Map) -> None:
    long_m = next(m for m in (500, 200, 100, 50, 20, 10) if m * on.per_m < 180)
    right, y = WIDTH - MARGIN - 12, MAP_TOP + MAP_HEIGHT - 12
    paper.stroke([(right - long_m * on.per_m, y), (right, y)], f"line c{_PATH}")
    paper.words(right, y - 6, f"{long_m} m", anchor="end")


def _rows(paper: Paper, played: Played, truth: Truth) -> None:
    path = played.case.path
    width = WIDTH - MARGIN - ROWS_LEFT - 12

    def x(at_s: float) -> float:
        share = (at_s - path.begins_s) / max(1.0, path.ends_s - path.begins_s)
        return ROWS_LEFT + min(1.0, max(0.0, share)) * width

    for number, name in enumerate(("truth", "judged", "fixes")):
        paper.words(ROWS_LEFT - 10, ROWS_TOP + number * ROW_HEIGHT + 12, name, "ink", "end")
    _truth_blocks(paper, truth, x, path.ends_s)
    _phase_blocks(paper, played, x)
    bottom = ROWS_TOP + 3 * ROW_HEIGHT
    for seen in played.seen:
        at, top = x(seen.fix.at_s), ROWS_TOP + 2 * ROW_HEIGHT
        colour, high = (_colour(seen.refused), 16) if seen.refused else (_PATH, 9)
        paper.stroke([(at, top), (at, top + high)], f"line{'' if seen.refused else ' thin'} c{colour}")  # fmt: skip
    for told in played.told:
        kind = f"line thin dashed c{_IN if told.is_enter else _OUT}"
        paper.stroke([(x(told.judged_s), ROWS_TOP - 8), (x(told.judged_s), bottom)], kind)
    step_s = next(s for s in (60, 120, 300, 600, 1800) if (path.ends_s - path.begins_s) / s < 12)
    for tick in range(int((path.ends_s - path.begins_s) // step_s) + 1):
        at = x(path.begins_s + tick * step_s)
        paper.stroke([(at, bottom), (at, bottom + 5)], "axis")
        paper.words(at, bottom + 20, clock(tick * step_s), anchor="middle")
    paper.stroke([(ROWS_LEFT, bottom), (ROWS_LEFT + width, bottom)], "axis")
    paper.words(MARGIN, HEIGHT - 12, _ROWS_SAID)


_ROWS_SAID: Final = (
    "truth: full inside, pale near the border or unknown, empty outside; "
    "judged: full inside, pale waits for the dwell"
)


def _truth_blocks(paper: Paper, truth: Truth, x: _Along, ends_s: float) -> None:
    """What is neither surely inside nor surely gone is pale."""
    sure = sorted([(run, True) for run in truth.inside] + [(run, False) for run in truth.gone])
    at_s = 0.0
    for run, is_inside in sure:
        paper.block((x(at_s), ROWS_TOP), (x(run.first_s) - x(at_s), 16), f"pale c{_FENCE}")
        at_s = run.last_s + 1
        if is_inside:
            left = x(run.first_s)
            paper.block((left, ROWS_TOP), (x(at_s) - left, 16), f"bar c{_FENCE}")
    paper.block((x(at_s), ROWS_TOP), (x(ends_s) - x(at_s), 16), f"pale c{_FENCE}")


def _phase_blocks(paper: Paper, played: Played, x: _Along) -> None:
    """Phases as they were known when each fix had arrived, until the next."""
    changes = [(seen.fix.arrives_s, seen.phase) for seen in played.seen]
    changes += [(told.judged_s, "inside" if told.is_enter else "left") for told in played.told]
    changes.sort(key=lambda change: change[0])
    ends = [at_s for at_s, _ in changes[1:]] + [played.case.path.ends_s]
    spans = [(phase, at_s, end) for (at_s, phase), end in zip(changes, ends, strict=True)]
    for phase, group in groupby(spans, key=lambda span: span[0]):
        parts = list(group)
        left, right = x(parts[0][1]), x(parts[-1][2])
        kind = _PHASES.get(phase)
        if kind and right > left:
            paper.block((left, ROWS_TOP + ROW_HEIGHT), (right - left, 16), kind)


def clock(at_s: float) -> str:
    """Minutes and seconds."""
    return f"{int(at_s) // 60}:{int(at_s) % 60:02}"
