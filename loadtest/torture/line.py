"""A run as one line of docs/reliability.jsonl, so that runs add up over days, machines and commits.

Owns the shape of the line. Lines are only ever appended: a broken run is a fault with a seed, and stays.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from loadtest.percentiles import percentile
from loadtest.torture.checker.verdict import Verdict
from loadtest.torture.play import Header

RUNS: Final = Path(__file__).parents[2] / "docs" / "reliability.jsonl"


class Line(Struct, frozen=True, kw_only=True):
    """The figures of one run; `other` counts findings that are none of the four before it, by rule.

    `recovery_p50_s`, `recovery_max_s`: of the faults of this run, from a fault's end until everybody had everything
    that was said till then; None without a fault that ended. `void`: why the run proves nothing, else empty.
    `note`: what a broken run turned out to be, written afterwards by whoever found out.
    """

    commit: str
    scenario: str
    seed: int
    machine: str
    acked: int
    delivered: int
    lost: int
    duplicated: int
    reordered: int
    phantom: int
    other: dict[str, int]
    recovered: int
    recovery_p50_s: float | None
    recovery_max_s: float | None
    staleness_p99_s: float
    void: list[str]
    duration_s: float
    note: str = ""

    @property
    def broken(self) -> bool:
        """Whether any promise was broken."""
        return bool(self.lost or self.duplicated or self.reordered or self.phantom or self.other)


def line_of(verdict: Verdict, duration_s: float) -> Line:
    """The line of a run that was judged."""
    recovery, run = sorted(verdict.recovery_s), verdict.run
    return Line(
        commit=run.commit,
        scenario=run.scenario,
        seed=run.seed,
        machine=run.machine,
        acked=verdict.acked,
        delivered=verdict.delivered,
        lost=verdict.lost,
        duplicated=verdict.duplicated,
        reordered=verdict.reordered,
        phantom=verdict.phantom,
        other=verdict.other,
        recovered=verdict.recovered,
        recovery_p50_s=percentile(recovery, 0.5) if recovery else None,
        recovery_max_s=recovery[-1] if recovery else None,
        staleness_p99_s=verdict.staleness_p99_s,
        void=verdict.void,
        duration_s=round(duration_s, 1),
    )


def line_of_death(scenario: str, header: Header, duration_s: float) -> Line:
    """The line of a run that did not come to an end: it says nothing of entries, and counts as broken."""
    return Line(
        commit=header.commit,
        scenario=scenario,
        seed=header.seed,
        machine=header.machine,
        acked=0,
        delivered=0,
        lost=0,
        duplicated=0,
        reordered=0,
        phantom=0,
        other={"died": 1},
        recovered=0,
        recovery_p50_s=None,
        recovery_max_s=None,
        staleness_p99_s=0.0,
        void=[],
        duration_s=round(duration_s, 1),
    )


def read(path: Path) -> list[Line]:
    """All runs, in the order in which they were added. Raises msgspec.DecodeError at a line that is none."""
    return [msgspec.json.decode(text, type=Line) for text in path.read_bytes().splitlines() if text]
