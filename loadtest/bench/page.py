"""docs/benchmarks.md and its plots, made from the results in docs/bench: `python -m loadtest.bench.page`.

Owns the page and that it tells every result that is recorded, with its date. Must never run a benchmark, and never
leave a result out because it misses its bar.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from loadtest.bench.machine import Machine
from loadtest.bench.plots import FANOUT, OURS, plots
from loadtest.bench.record import RECORDS, Record, read
from loadtest.bench.runs import RUNS, Bar
from loadtest.percentiles import SHARES

PAGE: Final = "benchmarks.md"
_HEAD: Final = """\
# Benchmarks

What Muster does, beside a floor and beside every other server that could be had, each under the same load in the same
call. `make bench` measures and makes this page of what it recorded in [bench/](bench); nothing on it is written by
hand. How it is measured, where the time goes and what was tried: [profile.md](profile.md).
"""
_VERDICTS: Final = {True: "holds", False: "**missed**", None: "not measured"}
_TIMES: Final = {
    "": "",
    "added_": "from the author's ack to a delivery",
    "ack_ms": "until the ack",
    "across_ms": "to the other hub",
    "delivery_ms": "to a delivery",
    "late_ms": "the load itself was late by",
    "alone_ms": "before the doors open",
    "event_ms": "in the event's own room",
    "check_in_ms": "to be checked in",
    "twin_ms": "the bare twin",
}
_PLAIN: Final = ("resume", "stalled", "presence", "evening", "push", "unit")
"""What is neither a time nor beside others is told as it was printed."""

_SHARES: Final = [f"p{share * 100:g}" for share in SHARES.values()]
_ASKED: Final = {
    "rooms": "`me/rooms?limit=500`",
    "sync": "`me/sync?limit=500`, everything in one page",
    "sync_100": "`me/sync`, the first page of 100",
    "since": "`me/sync?since=`, nothing changed",
}


def render(records: Mapping[str, Record]) -> str:
    """The whole page."""
    ran = [records[run.key] for run in RUNS if run.key in records]
    if not ran:
        return f"{_HEAD}\nNothing has been measured yet.\n"
    parts = [
        _HEAD,
        _bars(records),
        _peers(records),
        _curves(records),
        _times(ran),
        _sync(records.get("sync")),
        _geofence(records.get("geofence")),
        _plain([record for record in ran if record.key in _PLAIN]),
        _processors(ran),
        _machines(ran),
    ]
    return "\n".join(part for part in parts if part)


def make(directory: Path) -> None:
    """Write the page beside the directory of results, and the plots into it."""
    records = read(directory)
    (directory.parent / PAGE).write_text(render(records), encoding="utf-8")
    for name, svg in plots(records).items():
        (directory / name).write_text(svg, encoding="utf-8")


def _bars(records: Mapping[str, Record]) -> str:
    rows = []
    for run in RUNS:
        record = records.get(run.key)
        told = f"`{' '.join(run.command(short=False)) if record is None else record.command}`"
        for bar in run.bars:
            rows.append([told, bar.what, f"{bar.must} {bar.than:,g}", *_seen(bar, record)])
            told = ""
    columns = ("`python -m loadtest ...`", "", "bar", "seen", "", "measured")
    return "## The bars\n\n" + _table(columns, rows)


def _seen(bar: Bar, record: Record | None) -> list[str]:
    if record is None:
        return ["", "not run", ""]
    seen = record.figures.get(bar.figure)
    shown = "" if seen is None else f"{seen:,}"
    return [shown, _VERDICTS[bar.holds(record.figures)], _when(record)]


def _when(record: Record) -> str:
    return record.date.partition(" ")[0] + (", short" if record.short else "")


def _peers(records: Mapping[str, Record]) -> str:
    ran = [key for key in FANOUT if key in records]
    idle = records.get("idle")
    if not ran and idle is None:
        return ""
    parts = ["## Beside others\n", _PEERS]
    for key in ran:
        parts += [_fanout(FANOUT[key], records[key])]
    if ran:
        parts += ["![Processor time per delivery, Muster and peers](bench/fanout.svg)\n"]
    if idle is not None:
        parts += [_idle(idle), "![Memory per idle socket, Muster and peers](bench/idle.svg)\n"]
    return "\n".join(parts)


_PEERS: Final = """\
One room of 1,000 members, one who speaks, frames of 247 bytes; the same client for all servers. Processor time is
that of the server's process and its descendants; for Muster that of the hub, and in a line of its own with Postgres,
Redis and everything else, for it alone commits each message (with fsync) before it is delivered. Times count from when
a message was due to its delivery. A server that did not keep up delivered less than it was offered.
"""


def _fanout(rate: str, record: Record) -> str:
    figures = record.figures
    peers: Sequence[Mapping[str, Any]] = figures["peers"]
    floor = figures["floor_cpu_us_per_delivery"]
    delay, share = figures["delivery_ms"], figures.get("kept_up")
    rows = [
        [f"**{OURS}**", "", *_cost(figures["cpu_us_per_delivery"], floor), *_delay(delay, share)],
        ["Muster, all its processes", "", *_cost(figures["all_cpu_us_per_delivery"], floor), *_NOTHING],
    ]  # fmt: skip
    for peer in peers:
        if peer["absent"]:
            rows.append([peer["name"], f"absent: {peer['absent']}", "", "", *_NOTHING])
            continue
        cost = _cost(peer["cpu_us_per_delivery"], floor)
        rows.append(
            [peer["name"], peer["version"], *cost, *_delay(peer["delay_ms"], peer["kept_up"])]
        )
    times = ("p50 ms", "p99 ms", "p99.9 ms")
    columns = ("server", "version", "us per delivery", "over the floor", *times, "delivered")
    return f"### {rate}, {_when(record)}\n\n" + _table(columns, rows, words=2)


_NOTHING: Final = ("", "", "", "")


def _cost(us: float | None, floor: float | None) -> list[str]:
    if us is None:
        return ["too little to tell", ""]
    return [f"{us:.1f}", "" if floor is None else f"{us / floor:.2f}"]


def _delay(ms: Mapping[str, float], share: float | None) -> list[str]:
    said = [f"{ms[f'{name}_ms']:,.1f}" if ms else "" for name in ("p50", "p99", "p99_9")]
    return [*said, "" if share is None else f"{share:.0%}"]


def _idle(record: Record) -> str:
    rows = [
        [f"**{OURS}**", "authenticated, in three rooms", f"{record.figures['rss_kib_per_socket']}"]
    ]
    for peer in record.figures["peers"]:
        shown = "" if peer["absent"] else f"{peer['kib_per_socket']}"
        rows.append([peer["name"], peer["version"] or f"absent: {peer['absent']}", shown])
    title = f"### {record.figures['sockets']:,} idle sockets, {_when(record)}\n\n"
    return title + _table(("server", "", "KiB per socket"), rows, words=2)


def _curves(records: Mapping[str, Record]) -> str:
    record = records.get("curves")
    if record is None:
        return ""
    drawn = list(plots({"curves": record}))
    pictures = "\n\n".join(f"![{name.removesuffix('.svg')}](bench/{name})" for name in drawn)
    return f"## As things grow\n\n`{record.command}`, {_when(record)}.\n\n{pictures}\n"


def _times(ran: Sequence[Record]) -> str:
    rows = []
    for record in ran:
        for name, what in _TIMES.items():
            found = record.figures if not name.endswith("_ms") else record.figures.get(name, {})
            prefix = "" if name.endswith("_ms") else name
            keys = [f"{prefix}{share}_ms" for share in SHARES]
            if all(key in found for key in keys):
                shown = [f"{found[key]:,}" for key in keys]
                rows.append([f"`{record.command}`", what, *shown])
    columns = ("", "", *_SHARES)
    return "## Times, in milliseconds\n\n" + _table(columns, rows, words=2)


def _sync(record: Record | None) -> str:
    if record is None:
        return ""
    figures = record.figures
    rows = []
    for name, path in _ASKED.items():
        for phase, what in (("read", "nothing"), ("unread", f"{figures['unread']:,} in each")):
            keys = [f"{phase}_{name}_{share}_ms" for share in SHARES]
            sizes = [f"{phase}_{name}_bytes", f"{phase}_{name}_wire_bytes"]
            rows.append([path, what, *(f"{figures[key]:,}" for key in (*keys, *sizes))])
    columns = ("request", "unread", *_SHARES, "bytes", "gzipped")
    title = f"## A list of {figures['rooms']:,} rooms, {_when(record)}\n\n"
    return title + "Milliseconds, one request at a time.\n\n" + _table(columns, rows, words=2)


def _geofence(record: Record | None) -> str:
    """When edges are told beside the dwell asked for, by kind of walk; and how fast, beside what finding costs."""
    if record is None:
        return ""
    figures = record.figures
    walks = [
        [kind, *(f"{each[name]:,}" for name in _EDGES)] for kind, each in figures["kinds"].items()
    ]
    speeds = [
        [what, *(f"{each[name]:,}" for name in _SPEED)]
        for what, each in (("around a city", figures), ("all of them in it", figures["city"]))
    ]
    return "\n".join(
        [
            f"## Edges told of walks, {_when(record)}\n",
            _GEOFENCE.format(dwell=figures["dwell_s"]),
            _table(("walks", *_EDGES.values()), walks),
            _table(("fences", *_SPEED.values()), speeds),
        ]
    )


_EDGES: Final = {
    "hours": "hours",
    "true_edges": "true edges",
    "precision": "precision",
    "recall": "recall",
    "false_edges_per_hour": "false an hour",
    "edge_latency_p50_s": "told after, p50 s",
    "edge_latency_p95_s": "p95 s",
}
_SPEED: Final = {
    "fixes_per_s_core": "fixes/s and core",
    "us_per_fix": "us a fix",
    "candidates_per_fix": "fences it concerns",
    "near_share": "share near a border",
    "floor_us_per_fix": "STRtree alone, us",
    "floor_batch_us_per_fix": "in batches, us",
}
_GEOFENCE: Final = """\
Somebody must be inside, or gone, for {dwell:g} s before it is told: *told after* counts from the crossing, and holds
that dwell. *real* are recorded traces, the others made-up walkers with phones that are wrong in one way each; what is
true is worked out without the product. An STRtree only finds fences, and judges nothing.
"""


def _plain(ran: Sequence[Record]) -> str:
    """Each figure by the name that it has in the JSON."""
    rows = []
    for record in ran:
        for number, (name, value) in enumerate(record.figures.items()):
            if value is None or isinstance(value, int | float):
                shown = "" if value is None else f"{value:,}"
                rows.append(["" if number else f"`{record.command}`", f"`{name}`", shown])
    return "## Single figures\n\n" + _table(("", "", ""), rows, words=2) if rows else ""


def _processors(ran: Sequence[Record]) -> str:
    rows = [
        [f"`{record.command}`", ", ".join(f"{name} {share:.0%}" for name, share in spent.items())]
        for record in ran
        if (spent := record.figures.get("processor"))
    ]
    said = "Percent of one core while it was measured, from /proc; what used less than half a percent is left out.\n\n"
    return "## Processor time\n\n" + said + _table(("", "process"), rows, words=2)


def _machines(ran: Sequence[Record]) -> str:
    parts = ["## Machine and versions\n"]
    rows = [
        [
            f"`{record.key}`", record.date, "short" if record.short else "", _told(record.machine),
            f"{record.machine.load}",
        ]
        for record in ran
    ]  # fmt: skip
    columns = ("", "began, UTC", "", "machine", "load before")
    parts.append(_table(columns, rows, words=4))
    parts.append(
        "*Load before* is what ran or waited for a core in the minute before: 0 on a quiet machine. "
        "A *short* run shows that everything works, and says little of how fast.\n"
    )
    parts += [
        ", ".join(f"{name} {number}" for name, number in versions.items()) + ".\n"
        for versions in _distinct(ran)
    ]
    return "\n".join(parts)


def _told(machine: Machine) -> str:
    return (
        f"{machine.processor}, {machine.cores} of {machine.cores_in_all} cores, "
        f"{machine.memory_gib} GiB, {machine.kernel}"
    )


def _distinct(ran: Sequence[Record]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for record in ran:
        if record.machine.versions not in found:
            found.append(record.machine.versions)
    return found


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], words: int = 1) -> str:
    """The first `words` columns are text, the rest figures."""
    ruled = [*["---"] * words, *["---:"] * (len(columns) - words)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (columns, ruled, *rows)) + "\n"


if __name__ == "__main__":
    make(RECORDS)
