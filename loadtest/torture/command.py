"""Nothing lost, proven: faults on a whole Muster, and a checker that believes nobody but the log.

`--scenario all` is every scenario but the long ones, which run by name; the mixed hour, `soup`, is one of them. A run
whose fault did not bite is void and says so; one that fails leaves its record in data/torture/. Owns the command line
and what it prints.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from time import monotonic
from typing import Any, Final

import uvloop
from msgspec.structs import replace

from loadtest.progress import Progress
from loadtest.torture.campaign import Campaign, Result
from loadtest.torture.line import RUNS, Line, line_of, line_of_death
from loadtest.torture.page import add
from loadtest.torture.play import Header
from loadtest.torture.scenario import Scenario
from loadtest.torture.scenarios import BY_NAME_ONLY, ENDLESS, SCENARIOS

SOUP_MINUTES: Final = 60.0
EXAMPLES: Final = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What one may choose."""
    names = ", ".join(SCENARIOS)
    parser.add_argument("--scenario", default="all", help=f"all, or some of: {names}")
    parser.add_argument(
        "--repeat", type=int, default=1, help="runs of each, with seeds that follow"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the first run")
    parser.add_argument(
        "--record",
        type=Path,
        default=RUNS,
        help="where each run adds a line, the page beside it; empty: nowhere",
    )
    parser.add_argument(
        "--minutes", type=float, default=SOUP_MINUTES, help="how long the soup is cooked"
    )


def run(args: argparse.Namespace) -> int:
    """Run, print; the exit code is 1 where a promise did not hold, 2 where a run was void."""
    chosen = _chosen(args.scenario)
    results = uvloop.run(_run(chosen, args))
    if args.json:
        print(json.dumps(_summary(results)))
    if any(result.broken for result in results):
        return 1
    return 2 if any(result.void and result.skipped is None for result in results) else 0


def _chosen(names: str) -> list[Scenario]:
    if names == "all":
        return [each for name, each in SCENARIOS.items() if name not in BY_NAME_ONLY]
    try:
        return [SCENARIOS[name] for name in names.split(",")]
    except KeyError as unknown:
        raise SystemExit(
            f"there is no scenario {unknown}; there are {', '.join(SCENARIOS)}"
        ) from None


async def _run(chosen: list[Scenario], args: argparse.Namespace) -> list[Result]:
    progress, results = Progress(), []
    campaign = Campaign(lambda name: _noting(progress, name))
    for scenario in chosen:
        seeds = range(args.seed, args.seed + args.repeat)
        until = None
        if scenario.name in ENDLESS:
            seeds, until = range(args.seed, args.seed + 1_000_000), monotonic() + args.minutes * 60
        runs = campaign.run(scenario, seeds)
        async for result in runs:
            results.append(result)
            if args.record != Path() and result.skipped is None:
                add(args.record, _line(result, campaign.header(result.seed)))
            for line in _told(result):
                progress.say(line)
            if until is not None and (monotonic() >= until or result.broken):
                break
        await runs.aclose()
    progress.end()
    return results


def _noting(progress: Progress, name: str) -> Callable[[int, str], None]:
    def note(acked: int, what: str) -> None:
        scenario = SCENARIOS[name.split(" ", maxsplit=1)[0]]
        progress.show(acked, scenario.minimum * 1.2, f"{name}: {what}, acked {acked}")

    return note


def _line(result: Result, header: Header) -> Line:
    """A run as it is kept; what its scenario demanded in vain is as bad as what the checker found."""
    if result.verdict is None:
        return line_of_death(result.scenario, header, result.seconds)
    line = line_of(result.verdict, result.seconds)
    if not result.complaints:
        return line
    return replace(line, other={**line.other, "demand": len(result.complaints)})


def _told(result: Result) -> Iterable[str]:
    """A run in a line, and what is wrong with it in some more."""
    head = f"{result.scenario:<20} seed {result.seed:<6}"
    if result.skipped is not None:
        yield f"{head} skipped: {result.skipped}"
        return
    verdict = result.verdict
    if verdict is None:
        yield f"{head} FAILED after {result.seconds:.0f} s: {result.failure}; kept in {result.kept}"
        return
    recovery = max(verdict.recovery_s, default=0.0)
    state = "BROKEN" if result.broken else "void" if result.void else "clean"
    yield (
        f"{head} {state:<6} acked {verdict.acked:>5} delivered {verdict.delivered:>6}"
        f" lost {verdict.lost} duplicated {verdict.duplicated} reordered {verdict.reordered}"
        f" phantom {verdict.phantom} recovered {verdict.recovered} within {recovery:.1f} s"
        f" ({result.seconds:.0f} s)"
    )
    if verdict.pushes.accepted:
        pushes = verdict.pushes
        yield (
            f"    pushed {pushes.accepted}, of them again {pushes.again}; the latest {pushes.late_s:.1f} s after its"
            " ack, or after the last fault"
        )
    for sentence in (*verdict.void, *result.complaints):
        yield f"    {sentence}"
    if result.broken:
        for rule, count in verdict.other.items():
            yield f"    {rule}: {count}"
        for finding in verdict.examples[:EXAMPLES]:
            yield f"    {finding.rule}: {finding.says}"
    if result.kept is not None:
        yield f"    kept in {result.kept}"


def _summary(results: list[Result]) -> dict[str, Any]:
    by_name: dict[str, list[Result]] = {}
    for result in results:
        by_name.setdefault(result.scenario, []).append(result)
    return {"scenarios": [_sum(name, runs) for name, runs in by_name.items()]}


def _sum(name: str, runs: list[Result]) -> dict[str, Any]:
    verdicts = [run.verdict for run in runs if run.verdict is not None]
    return {
        "name": name,
        "runs": len([run for run in runs if run.skipped is None]),
        "void": sum(run.void for run in runs),
        "failed": sum(run.broken for run in runs),
        "acked": sum(verdict.acked for verdict in verdicts),
        "lost": sum(verdict.lost for verdict in verdicts),
        "duplicated": sum(verdict.duplicated for verdict in verdicts),
        "reordered": sum(verdict.reordered for verdict in verdicts),
        "phantom": sum(verdict.phantom for verdict in verdicts),
        "other": sum(sum(verdict.other.values()) for verdict in verdicts),
        "recovery_s": max((s for verdict in verdicts for s in verdict.recovery_s), default=0.0),
        "seconds": round(sum(run.seconds for run in runs), 1),
        "seeds": [run.seed for run in runs],
    }
