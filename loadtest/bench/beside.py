"""The peers of a run, as a benchmark shows them beside its own figures.

Owns the option and the words. Must never drop one that is absent.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from loadtest.peers.trial import Trial


def add_option(parser: argparse.ArgumentParser) -> None:
    """`--peers`."""
    parser.add_argument(
        "--peers",
        action="store_true",
        help="then the same load on every other server that is here (make peers)",
    )


def say(trials: Sequence[Trial]) -> None:
    """A line each."""
    for trial in trials:
        print(f"{trial.name:>24}  {_told(trial)}")


def _told(trial: Trial) -> str:
    if trial.absent is not None:
        return f"absent: {trial.absent}"
    cpu = (
        "too little time"
        if trial.cpu_us_per_delivery is None
        else f"{trial.cpu_us_per_delivery} us"
    )
    return (
        f"{cpu} per delivery, {trial.kib_per_socket} KiB per socket, "
        f"delivered {trial.delivered_per_s:,.0f}/s, p99 {trial.delay_ms.get('p99_ms')} ms, "
        f"lost {trial.lost_sockets}  ({trial.version})"
    )
