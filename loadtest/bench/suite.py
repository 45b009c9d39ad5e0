"""All benchmarks one after another, beside every peer that is here: `make bench`.

Owns that each runs in a process of its own, that its result is recorded and the page made anew after each. A part may
be run alone; the page keeps the rest, with its own date. Must never record a run that gave no figures.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any, Final

import msgspec

from loadtest.bench import machine
from loadtest.bench.page import make
from loadtest.bench.record import RECORDS, Record, write
from loadtest.bench.runs import RUNS, Run

MOST_S: Final = 900
"""For one benchmark; what takes longer hangs."""

ENDS_WITHIN_S: Final = 60
"""After it was interrupted: it ends the servers that it started."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `python -m loadtest bench --help`."""
    keys = sorted({run.benchmark for run in RUNS} | {run.key for run in RUNS})
    parser.add_argument("--only", action="append", choices=keys, help="this part; may be repeated")
    parser.add_argument("--short", action="store_true", help="small and brief: does it all run?")
    parser.add_argument("--into", type=Path, default=RECORDS, help="where results are recorded")


def run(args: argparse.Namespace) -> int:
    """Run, record, tell; the exit code is 1 if one gave no figures."""
    silent = [
        each.key for each in chosen(args.only) if not _ran(each, short=args.short, into=args.into)
    ]
    if silent:
        print(f"no figures: {', '.join(silent)}")
    return int(bool(silent))


def chosen(only: Sequence[str] | None) -> list[Run]:
    """By key, or all of a benchmark by its name; everything where nothing is named."""
    return [each for each in RUNS if not only or each.key in only or each.benchmark in only]


def _ran(each: Run, *, short: bool, into: Path) -> bool:
    here, began = machine.look(), monotonic()
    command = each.command(short=short)
    print(f"== {' '.join(command)}", flush=True)
    figures = _figures([sys.executable, "-m", "loadtest", *command, "--json"])
    print(f"   {monotonic() - began:.0f} s", flush=True)
    if figures is None:
        return False
    record = Record(
        key=each.key,
        command=" ".join(command),
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
        short=short,
        machine=here,
        figures=figures,
    )
    write(record, into)
    make(into)
    return True


def _figures(command: Sequence[str]) -> dict[str, Any] | None:
    """The last line that it prints; a missed bar ends with 1 and has figures all the same."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        try:
            said, _ = running.communicate(timeout=MOST_S)
        except subprocess.TimeoutExpired:
            said = _interrupted(running)
    *told, last = said.splitlines() or [""]
    print("\n".join(f"   {line}" for line in told), flush=True)
    try:
        figures: dict[str, Any] = msgspec.json.decode(last)
    except msgspec.DecodeError:
        return None
    return figures


def _interrupted(running: subprocess.Popen[str]) -> str:
    running.send_signal(signal.SIGINT)
    try:
        return running.communicate(timeout=ENDS_WITHIN_S)[0]
    except subprocess.TimeoutExpired:
        running.kill()
        return running.communicate()[0]
