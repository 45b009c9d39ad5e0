"""How well and how fast fixes are judged, on recorded and on made-up walks whose truth is known.

`precision`, `recall`, `false_edges_per_hour` and the latency of edges, beside the dwell asked for, are of recorded
traces (of all kinds together where there are none); `kinds` has them by kind of input (kinds.py), and `worst` the worst
of each. truth.py says what is true, score.py how edges are held against it; `fixes_per_s_core`: speed.py. Owns which
input is judged, and how it ends. Must never leave out a kind because it went badly.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from loadtest.bench.figures import end
from loadtest.geofence import speed
from loadtest.geofence.crowd import CITY_PER_KM2, REGION_PER_KM2
from loadtest.geofence.judge import play
from loadtest.geofence.kinds import REAL, SKIES, made_up, real
from loadtest.geofence.machine import machine_of
from loadtest.geofence.score import Match, Score, match, together, total
from loadtest.geofence.trace import BadTrace, Trace, read
from loadtest.geofence.truth import Case, Truth
from loadtest.progress import Progress
from muster.terms import Terms

TRACES: Final = Path("../shared/data/gps/traces.zip")
PRECISION: Final = 0.99
RECALL: Final = 0.99


class Wrong(NamedTuple):
    """A case that was judged wrongly, for whoever wants to look at it."""

    name: str
    match: Match


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `python -m loadtest geofence --help`."""
    parser.add_argument("--fences", type=int, default=10_000, help="of the city judged for speed")
    parser.add_argument("--fixes", type=int, default=40_000, help="of one round")
    parser.add_argument("--rounds", type=int, default=5, help="rounds; the median counts")
    parser.add_argument("--walkers", type=int, default=140, help="made-up ones of each kind")
    parser.add_argument("--dwell", type=float, default=30.0, help="seconds asked for")
    parser.add_argument(
        "--traces", type=Path, default=TRACES, help="recorded ones; absent: made-up alone"
    )
    parser.add_argument("--most", type=int, default=0, help="only the first so many traces")
    parser.add_argument("--seed", type=int, default=1, help="of whatever is left to chance")
    parser.add_argument("--wrong", action="store_true", help="say which cases went wrong")


def run(args: argparse.Namespace) -> int:
    """Measure, print the figures; the exit code is 1 where an edge was false, or too many were missed."""
    progress = Progress()
    traces: list[Trace] = []
    if args.traces.exists():
        try:
            traces = read(args.traces)[: args.most or None]
        except BadTrace as bad:
            raise SystemExit(str(bad)) from bad
    else:
        progress.say(f"{args.traces} is not here: no recorded traces among the kinds")
    region, city = (
        speed.measured(args.fences, per_km2, args.fixes, args.rounds, args.seed, progress)
        for per_km2 in (REGION_PER_KM2, CITY_PER_KM2)
    )
    scores: dict[str, Score] = {}
    for kind, cases, count in _kinds(traces, args.walkers, args.seed):
        scores[kind], wrong = judged(kind, cases, count, args.dwell, progress)
        for one in wrong if args.wrong else ():
            progress.say(f"{one.name}: missed {one.match.missed}, false {one.match.false}")
    progress.end()
    figures = _figures(region, scores, args.dwell) | {"city": city._asdict()}
    if not args.json:
        _print(scores)
    end(figures, as_json=args.json)
    chief = _chief(scores)
    is_good = not chief.false and chief.precision >= PRECISION and chief.recall >= RECALL
    return 0 if is_good else 1


def judged(
    kind: str, people: Iterable[list[Case]], count: int, dwell_s: float, progress: Progress
) -> tuple[Score, list[Wrong]]:
    """One kind, by the machine alone; each item of `people` is one person's cases."""
    terms = Terms(dwell_ms=round(dwell_s * 1000))
    matches: list[Match] = []
    wrong: list[Wrong] = []
    seconds = 0.0
    for number, cases in enumerate(people, 1):
        seconds += cases[0].path.ends_s - cases[0].path.begins_s
        for case in cases:
            found = match(Truth(case, dwell_s), play(case, machine_of(case.fence, terms)).told)
            matches.append(found)
            if found.missed or found.false:
                wrong.append(Wrong(case.name, found))
        progress.show(number, count, kind)
    return total(matches, seconds / 3600), wrong


def _kinds(
    traces: list[Trace], walkers: int, seed: int
) -> Iterator[tuple[str, Iterable[list[Case]], int]]:
    if traces:
        yield REAL, real(traces, seed), len(traces)
    for kind in SKIES:
        yield kind, made_up(kind, walkers, seed), walkers


def _chief(scores: dict[str, Score]) -> Score:
    """What the bars are for: recorded traces; where there are none, everything that there is."""
    return scores[REAL] if REAL in scores else together(scores.values())


def _figures(fast: speed.Speed, scores: dict[str, Score], dwell_s: float) -> dict[str, object]:
    kinds = {kind: score.figures() for kind, score in scores.items()}
    chief = _chief(scores).figures()
    return {
        "fixes_per_s_core": fast.fixes_per_s_core,
        "precision": chief["precision"],
        "recall": chief["recall"],
        "false_edges_per_hour": chief["false_edges_per_hour"],
        "dwell_s": dwell_s,
        "edge_latency_p50_s": chief["edge_latency_p50_s"],
        "edge_latency_p95_s": chief["edge_latency_p95_s"],
        "us_per_fix": fast.us_per_fix,
        "floor_us_per_fix": fast.floor_us_per_fix,
        "floor_batch_us_per_fix": fast.floor_batch_us_per_fix,
        "candidates_per_fix": fast.candidates_per_fix,
        "near_share": fast.near_share,
        "concerned_share": fast.concerned_share,
        "worst": {
            "precision": min(each["precision"] for each in kinds.values()),
            "recall": min(each["recall"] for each in kinds.values()),
            "false_edges_per_hour": max(each["false_edges_per_hour"] for each in kinds.values()),
        },
        "kinds": kinds,
    }


def _print(scores: dict[str, Score]) -> None:
    heads = list(Score(0, 0, 0, 0, 0, 0.0, ()).figures())
    widths = [max(10, len(head)) for head in heads]
    print(" " * 8 + "  ".join(f"{head:>{w}}" for head, w in zip(heads, widths, strict=True)))
    for kind, score in scores.items():
        row = [str(figure) for figure in score.figures().values()]
        print(f"{kind:<8}" + "  ".join(f"{x:>{w}}" for x, w in zip(row, widths, strict=True)))
    print()
