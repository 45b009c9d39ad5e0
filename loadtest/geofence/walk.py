"""People from recorded traces walk past and through fences: what was judged, beside the truth.

Every trace against fences put on it (placement.py), by the product's machine alone; with `--product` some of them, each
with an account and an event, through a whole Muster at the pace at which they were recorded (product.py). Prints a line
per edge, and the sums. `--plot` draws one of them: the one that shows most, or `--trace NAME`. Owns which is walked and
drawn. Must never judge.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import secrets
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from loadtest.bench.figures import end
from loadtest.geofence.judge import Played, play
from loadtest.geofence.kinds import real
from loadtest.geofence.machine import machine_of
from loadtest.geofence.picture import CLEAR_M, clock, picture
from loadtest.geofence.product import through
from loadtest.geofence.score import Match, match, total
from loadtest.geofence.trace import BadTrace, Trace, read
from loadtest.geofence.truth import Case, Truth
from loadtest.progress import Progress
from loadtest.stack import muster_up
from muster.terms import Terms

LONGEST_S: Final = 450.0
"""Of a trace that is walked as slowly as it was recorded."""


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
    parser.add_argument("--product", action="store_true", help="through a whole Muster, by REST")
    parser.add_argument("--people", type=int, default=40, help="how many walk there at once")
    parser.add_argument("--url", help="the api of a running Muster; none: start one")
    parser.add_argument("--quiet", action="store_true", help="no line per visit")


def run(args: argparse.Namespace) -> int:
    """Walk; the exit code is 1 where somebody was told to be where they were not, or a visit was missed."""
    try:
        traces = read(args.file)[: args.most or None]
    except BadTrace as bad:
        raise SystemExit(str(bad)) from bad
    progress = Progress()
    if args.product:
        everything, differing = asyncio.run(through_product(traces, args, progress))
    else:
        everything, differing = walk_all(traces, args.dwell, args.seed, progress), 0
    progress.end()
    if not (args.quiet or args.json):
        for line in (line for walked in everything for line in visits(walked)):
            print(line)
    if args.plot:
        chosen = drawn(everything, args.trace)
        name = chosen.played.case.name
        title = f"{name}: a recorded trace and a fence, dwell {args.dwell:g} s"
        args.plot.write_text(picture(title, chosen.played, chosen.truth), encoding="utf-8")
        progress.say(f"{name} is drawn in {args.plot}")
    figures, is_good = sums(everything, args.dwell)
    if args.product:
        figures["attendance_differs"] = differing
    end(figures, as_json=args.json)
    return 0 if is_good and not differing else 1


def sums(everything: Sequence[Walked], dwell_s: float) -> tuple[dict[str, object], bool]:
    """The figures of all, and whether no edge was false and none missed."""
    hours = {
        walked.played.case.name.partition("/")[0]: walked.played.case.path.ends_s / 3600
        for walked in everything
    }
    score = total((walked.match for walked in everything), sum(hours.values()))
    refused = Counter(
        seen.refused for walked in everything for seen in walked.played.seen if seen.refused
    )
    figures: dict[str, object] = {"people": len(hours), "fences": len(everything)}
    figures |= {"dwell_s": dwell_s} | score.figures()
    figures |= {f"refused_{reason}": count for reason, count in sorted(refused.items())}
    return figures, not score.false and score.matched == score.true


def walk_all(
    traces: Sequence[Trace], dwell_s: float, seed: int, progress: Progress
) -> list[Walked]:
    """Every trace past each of its fences, by the machine alone."""
    everything: list[Walked] = []
    for number, trace in enumerate(traces, 1):
        everything += walk(trace, dwell_s, seed)
        progress.show(number, len(traces), "walking")
    return everything


async def through_product(
    traces: Sequence[Trace], args: argparse.Namespace, progress: Progress
) -> tuple[list[Walked], int]:
    """Some of them through a Muster; how many of these hosts saw otherwise than they were told."""
    cases = most_telling(traces, args)
    run, url = secrets.token_hex(3), args.url
    async with contextlib.AsyncExitStack() as exits:
        if url is None:
            progress.show(0, 1, "starting Muster")
            url = (await exits.enter_async_context(muster_up(hubs=1))).api_url
        sights = await through(cases, url, args.dwell, run, progress)
    everything = []
    for sight in sights:
        truth = Truth(sight.played.case, args.dwell)
        everything.append(Walked(sight.played, truth, match(truth, sight.played.told)))
    for sight in sights:
        if not sight.agrees:
            name, visits = sight.played.case.name, sight.visits
            progress.say(f"{name}: hosts saw {visits} visits, told {sight.played.told}")
    return everything, sum(not sight.agrees for sight in sights)


def most_telling(traces: Sequence[Trace], args: argparse.Namespace) -> list[Case]:
    """Of each trace the fence with most true edges, if there are any; only traces that do not last for ever."""
    cases: list[Case] = []
    for trace in traces:
        if len(cases) < args.people and trace.spots[-1].at_s <= LONGEST_S:
            for fences in real([trace], args.seed):
                edges = [len(Truth(case, args.dwell).edges) for case in fences]
                if max(edges):
                    cases.append(fences[edges.index(max(edges))])
    return cases


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
