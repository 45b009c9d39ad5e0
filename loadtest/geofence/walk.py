"""People from recorded traces walk past and through fences: what was judged, beside the truth.

Every trace against fences put on it (placement.py), by the product's machine alone. Prints a line per edge, and the
sums. `--plot` draws one of them: the one that shows most, or `--trace NAME`. Owns which is walked and drawn. Must never
judge.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from loadtest.bench.figures import end
from loadtest.geofence.judge import Played, play
from loadtest.geofence.kinds import real
from loadtest.geofence.machine import machine_of
from loadtest.geofence.picture import CLEAR_M, clock, picture
from loadtest.geofence.score import Match, match, total
from loadtest.geofence.trace import BadTrace, Trace, read
from loadtest.geofence.truth import Truth
from loadtest.progress import Progress
from muster.terms import Terms


class Walked(NamedTuple):
    """One trace past one fence."""

    played: Played
    truth: Truth
    match: Match

    def tells(self) -> tuple[int, int, int]:
        """How much there is to see: both kinds of edges, fixes refused on the map, edges matched."""
        fence = self.played.case.fence
        refused = sum(
            bool(seen.refused) and fence.beyond_m(seen.fix.x, seen.fix.y) < CLEAR_M
            for seen in self.played.seen
        )
        kinds = {true.is_enter for true, _ in self.match.matched}
        return len(kinds), refused, len(self.match.matched)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `python -m loadtest walk --help`."""
    parser.add_argument("file", type=Path, help="a zip of traces, or one as CSV")
    parser.add_argument("--plot", type=Path, help="where to draw one of them, as SVG")
    parser.add_argument("--trace", help="which to draw: its name, or name/number of the fence")
    parser.add_argument("--dwell", type=float, default=30.0, help="seconds asked for")
    parser.add_argument("--most", type=int, default=0, help="only the first so many traces")
    parser.add_argument("--seed", type=int, default=1, help="of fences and accuracies")
    parser.add_argument("--quiet", action="store_true", help="no line per visit")


def run(args: argparse.Namespace) -> int:
    """Walk; the exit code is 1 where somebody was told to be where they were not, or a visit was missed."""
    try:
        traces = read(args.file)[: args.most or None]
    except BadTrace as bad:
        raise SystemExit(str(bad)) from bad
    progress = Progress()
    everything: list[Walked] = []
    seconds = 0.0
    for number, trace in enumerate(traces, 1):
        seconds += trace.spots[-1].at_s
        for walked in walk(trace, args.dwell, args.seed):
            everything.append(walked)
            if not (args.quiet or args.json):
                progress.end()
                for line in visits(walked):
                    print(line)
        progress.show(number, len(traces), "walking")
    progress.end()
    if args.plot:
        chosen = drawn(everything, args.trace)
        name = chosen.played.case.name
        title = f"{name}: a recorded trace and a fence, dwell {args.dwell:g} s"
        args.plot.write_text(picture(title, chosen.played, chosen.truth), encoding="utf-8")
        progress.say(f"{name} is drawn in {args.plot}")
    score = total((walked.match for walked in everything), seconds / 3600)
    refused = Counter(
        seen.refused for walked in everything for seen in walked.played.seen if seen.refused
    )
    figures = {"people": len(traces), "fences": len(everything), "dwell_s": args.dwell}
    figures |= score.figures() | {f"refused_{reason}": count for reason, count in refused.items()}
    end(figures, as_json=args.json)
    return 1 if score.false or score.matched < score.true else 0


def walk(trace: Trace, dwell_s: float, seed: int) -> Iterator[Walked]:
    """One trace past each of its fences."""
    terms = Terms(dwell_ms=round(dwell_s * 1000))
    for cases in real([trace], seed):
        for case in cases:
            played, truth = play(case, machine_of(case.fence, terms)), Truth(case, dwell_s)
            yield Walked(played, truth, match(truth, played.told))


def visits(walked: Walked) -> Iterator[str]:
    """A line per edge: what was true, what was told, and which of them do not go together."""
    found, name = walked.match, walked.played.case.name
    kinds = {True: "came", False: "went"}
    for true, told in found.matched:
        yield (
            f"{name}: {kinds[true.is_enter]} at {clock(true.crossed_s)}, told at "
            f"{clock(told.judged_s)} as {clock(told.at_s)}"
        )
    for true in found.missed:
        yield f"{name}: {kinds[true.is_enter]} at {clock(true.crossed_s)}, NOT told"
    for told in found.false:
        yield f"{name}: told at {clock(told.judged_s)} that they {kinds[told.is_enter]}, NOT true"


def drawn(everything: list[Walked], name: str | None) -> Walked:
    """The one of this name, or the one that shows most. Raises `SystemExit` where there is none."""
    asked = [
        walked
        for walked in everything
        if name is None or name in (walked.played.case.name, walked.played.case.name.partition("/")[0])
    ]  # fmt: skip
    if not asked:
        raise SystemExit(f"there is no trace {name}")
    return max(asked, key=Walked.tells)
