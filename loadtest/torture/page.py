"""docs/reliability.md, made from the runs in docs/reliability.jsonl: `python -m loadtest.torture.page`.

Owns the page and that it always tells every run of the file beside it. Must never leave a run out: void and broken
ones are shown as such.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fcntl import LOCK_EX, flock
from pathlib import Path
from typing import Final

import msgspec

from loadtest.percentiles import percentile
from loadtest.torture.line import RUNS, Line, read

PAGE: Final = RUNS.with_suffix(".md")
_BOUND: Final = 3.0
"""Nothing in n: with 95 % confidence the true share is below 3 / n (the rule of three)."""

_HEAD: Final = """\
# Reliability

What was tried to make Muster lose, repeat, reorder or invent an entry, and what came of it. Every run records all
that its clients asked and got, and a checker compares that with the log in Postgres, entry by entry and device by
device. This page is made from [reliability.jsonl](reliability.jsonl), one line a run, by `python -m
loadtest.torture.page`. Runs are only ever added: one that broke a promise stays, with its seed. A run whose fault did
not bite is *void*: it is counted, and adds to nothing else. What a broken run turned out to be stands beside it; its
figures stay as they were found, also where it was the checker or a client of the harness that was wrong.
"""
_COLUMNS: Final = (
    "scenario", "runs", "void", "broken", "acked", "delivered", "lost", "duplicated", "reordered", "phantom",
    "other", "lost in truth, at most", "recovery p50", "recovery max", "seen within, p99",
)  # fmt: skip
_LEGEND: Final = """\
`acked` counts entries whose author was told that they are committed; `delivered` entries that reached a device, skips
not among them. *Lost in truth, at most*: nothing lost in n entries acked since the last broken run means, with 95 %
confidence, a share below 3 / n. *Recovery* is the time from the end of a fault until every device had everything that
was said till then (p50 over runs of each run's median; the worst of all runs). *Seen within*: from the ack of an
entry to its delivery, faults included, the 99th percentile of the worst run.
"""


def render(lines: Sequence[Line]) -> str:
    """The whole page. Scenarios stand in the order in which they were first run."""
    if not lines:
        return _HEAD + "\nNo run has been recorded yet.\n"
    scenarios = list(dict.fromkeys(line.scenario for line in lines))
    rows = [_row(name, [line for line in lines if line.scenario == name]) for name in scenarios]
    rows.append(_row("**all**", lines))
    parts = [_HEAD, _sum(lines), _table(_COLUMNS, rows), _LEGEND, _machines(lines), *_broken(lines)]
    return "\n".join(parts)


def _sum(lines: Sequence[Line]) -> str:
    told = [line for line in lines if not line.void]
    acked = sum(line.acked for line in told)
    hours = sum(line.duration_s for line in lines) / 3_600
    return f"**{acked:,} entries acked in {len(told):,} runs, {hours:.1f} hours in all.**\n"


def _row(name: str, lines: Sequence[Line]) -> list[str]:
    told = [line for line in lines if not line.void]
    medians = sorted(line.recovery_p50_s for line in told if line.recovery_p50_s is not None)
    worst = [line.recovery_max_s for line in told if line.recovery_max_s is not None]
    other: Counter[str] = Counter()
    for line in told:
        other.update(line.other)
    return [
        name if name.startswith("*") else f"`{name}`",
        *(f"{count:,}" for count in (len(lines), len(lines) - len(told), sum(x.broken for x in lines))),
        *(
            f"{sum(getattr(line, field) for line in told):,}"
            for field in ("acked", "delivered", "lost", "duplicated", "reordered", "phantom")
        ),
        ", ".join(f"{rule} {count}" for rule, count in sorted(other.items())) or "0",
        _bound(lines),
        f"{percentile(medians, 0.5):.1f} s" if medians else "",
        f"{max(worst):.1f} s" if worst else "",
        f"{max(line.staleness_p99_s for line in told):.1f} s" if told else "",
    ]  # fmt: skip


def _bound(lines: Sequence[Line]) -> str:
    """Of what was acked since anything was last broken."""
    acked = 0
    for line in reversed(lines):
        if line.broken:
            break
        if not line.void:
            acked += line.acked
    return f"{_BOUND / acked:.1e}" if acked >= _BOUND else ""


def _machines(lines: Sequence[Line]) -> str:
    runs = Counter(line.machine for line in lines)
    commits = list(dict.fromkeys(line.commit for line in lines))
    named = "; ".join(f"{machine} ({count} runs)" for machine, count in sorted(runs.items()))
    return f"Machines: {named}. Commits: {len(commits)}, from `{commits[0][:12]}` to `{commits[-1][:12]}`.\n"


def _broken(lines: Sequence[Line]) -> list[str]:
    found = [line for line in lines if line.broken]
    if not found:
        return ["## Broken runs\n\nNone.\n"]
    rows = [
        [
            f"`{line.scenario}`", str(line.seed), f"`{line.commit[:12]}`", "yes" if line.void else "",
            *(str(count) for count in (line.lost, line.duplicated, line.reordered, line.phantom)),
            ", ".join(f"{rule} {count}" for rule, count in sorted(line.other.items())) or "0",
            line.note,
        ]
        for line in found
    ]  # fmt: skip
    columns = (
        "scenario",
        "seed",
        "commit",
        "void",
        "lost",
        "duplicated",
        "reordered",
        "phantom",
        "other",
        "what it was",
    )
    return ["## Broken runs\n\nOldest first.\n", _table(columns, rows)]


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    ruled = ["---", *(["---:"] * (len(columns) - 1))]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (columns, ruled, *rows)) + "\n"


def add(runs: Path, line: Line) -> None:
    """Append a run to the file and make the page beside it anew. Several processes may record at once."""
    with runs.open("ab") as file:
        flock(file, LOCK_EX)
        file.write(msgspec.json.encode(line) + b"\n")
        file.flush()
        runs.with_suffix(".md").write_text(render(read(runs)), encoding="utf-8")


def main() -> None:
    """Write the page anew."""
    PAGE.write_text(render(read(RUNS)), encoding="utf-8")


if __name__ == "__main__":
    main()
