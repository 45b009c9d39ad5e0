"""docs/scaling.md, made from docs/scaling.json: `python -m loadtest.growth.page`.

Owns the page. Must never hold a figure of its own: what is measured stands in the file, what is assumed in crowd.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields
from math import ceil
from random import Random
from typing import Final

from msgspec.structs import asdict

from loadtest.growth.crowd import Bounds, Habits
from loadtest.growth.figures import FIGURES, Figures, Measured, read
from loadtest.growth.need import Model, Need, Streams
from loadtest.growth.placement import Town, simulate

PAGE: Final = FIGURES.with_suffix(".md")
CROWDS: Final = (100_000, 300_000, 1_000_000, 3_000_000)
MONTHS: Final = (0, 3, 6, 9, 12, 15, 18, 24)
GROWTH: Final = 1.2
ENTRIES: Final = 20_000
PEOPLE_PER_CELL: Final = 250_000

_HEAD: Final = """\
# Scaling

How many hubs, Redis primaries, database cores and how much network a crowd needs, what breaks first as it grows,
and what the next step gains. Worked out from the cost of one post, one delivery, one socket, one read by
`python -m loadtest.growth.page`: nothing on this page was written by hand but the text. It is arithmetic, not a test
with a million sockets: a part near its bound is to be measured before it is trusted.
"""
_NEEDS: Final = """\
Every hub is counted so that a third of them may be away (a zone) while the rest carries everybody. *Core* is the
share of its one core that a hub then uses. Connections are what the processes open; above 100 a transaction pooler
stands before Postgres (`MUSTER_DATABASE_PGBOUNCER`). *Near its bound* says how much of what it may take the fullest
part takes: 100 % is the end.
"""
_NEXT: Final = """\
Every hub reads every entry, wanted or not: `lane_entries_skipped` on a hub's metrics shows it come. Two ways on,
simulated with {entries:,} entries of rooms of 2 to 600 members online (mean {mean:.0f}), people placed on hubs by a
balancer that knows no rooms, {near:.0%} of a room's members in the cell of the room:

- *Inbox streams*: an entry is added to one stream for each hub that has a member of its room online, and no other
  hub reads it. Redis pays for more XADDs, hubs for less reading.
- *Cells*: people in cells of {cell:,}, each with hubs, lanes and Redis of its own, one Postgres (or Citus) below;
  rooms across cells are added in each cell they reach.
"""
_END: Final = """\
Read so: lanes are the cheapest while hubs are few, for an entry is added once and a read is nearly free. Inboxes
win once there are more hubs than members online in a usual room. Cells bound both, at the price of a second hop for
rooms that span them. Neither changes the room log, resume or the protocol: an entry that did not come is a hole,
and holes are filled from Postgres as they are now.
"""


def render(figures: Figures) -> str:
    """The whole page."""
    habits, bounds, town = Habits(online_members=Town().mean), Bounds(), Town()
    model = Model(figures, habits, bounds)
    needs = [model.need(people) for people in CROWDS]
    return "\n".join(
        [
            _HEAD,
            "## A crowd and what it needs\n",
            _table(("people online at the peak", *(f"{need.people:,}" for need in needs)), _rows(needs)),
            _NEEDS,
            f"## From {CROWDS[0]:,} at 20 % a month\n",
            _months(model),
            "## The next step, simulated\n",
            _NEXT.format(entries=ENTRIES, mean=town.mean, near=town.near, cell=PEOPLE_PER_CELL),
            _streams(model, town),
            _END,
            "## What was measured\n",
            f"{figures.machine}, {figures.day}.\n",
            _measured(figures),
            "## What is assumed\n",
            "Change `loadtest/growth/crowd.py` to what your people do, and make the page anew.\n",
            _table(("of one person at the peak", ""), _assumed(habits)),
            _table(("bound", ""), _assumed(bounds)),
        ]
    )  # fmt: skip


def _rows(needs: Sequence[Need]) -> list[list[str]]:
    told: list[tuple[str, list[str]]] = [
        ("entries/s", [f"{need.posts_per_s:,.0f}" for need in needs]),
        ("deliveries/s", [f"{need.deliveries_per_s:,.0f}" for need in needs]),
        ("REST requests/s", [f"{need.requests_per_s:,.0f}" for need in needs]),
        ("hubs", [f"{need.hubs:,.0f}" for need in needs]),
        ("sockets per hub", [f"{need.sockets_per_hub:,.0f}" for need in needs]),
        ("core of a hub, a third away", [f"{need.hub_core:.0%}" for need in needs]),
        ("memory of a hub, GiB", [f"{need.hub_gib:.2f}" for need in needs]),
        ("api processes", [f"{need.apis:,}" for need in needs]),
        ("Redis primaries", [f"{need.redis_primaries:,.0f}" for need in needs]),
        ("Redis to hubs, Gbit/s", [f"{need.redis_gbit_per_s:.2f}" for need in needs]),
        ("Postgres, cores busy", [f"{need.postgres_cores:.1f}" for need in needs]),
        ("Postgres' log, MB/s", [f"{need.wal_mb_per_s:.1f}" for need in needs]),
        ("rows and indexes, GB a day", [f"{need.disk_gb_per_day:.0f}" for need in needs]),
        ("connections", [f"{need.connections:,.0f}" for need in needs]),
        ("to phones, Gbit/s", [f"{need.out_gbit_per_s:.2f}" for need in needs]),
        ("nearest its bound", [need.first for need in needs]),
        ("near its bound", [f"{need.share[need.first]:.0%}" for need in needs]),
    ]
    return [[name, *values] for name, values in told]


def _months(model: Model) -> str:
    needs = [(month, model.need(ceil(CROWDS[0] * GROWTH**month))) for month in MONTHS]
    parts = list(needs[0][1].share)
    rows = [
        [
            str(month),
            f"{need.people:,}",
            f"{need.hubs:,.0f}",
            f"{need.redis_primaries:,.0f}",
            f"{need.postgres_cores:.1f}",
            *(f"{need.share[part]:.0%}" for part in parts),
        ]
        for month, need in needs
    ]
    head = ("month", "people", "hubs", "Redis primaries", "Postgres cores", *parts)
    return _table(head, rows) + "\n" + _ends(model, parts)


def _ends(model: Model, parts: Sequence[str]) -> str:
    said = []
    for part in parts:
        month = next((m for m in range(61) if _share(model, m, part) > 1), None)
        when = "not in five years."
        if month is not None:
            when = f"reached in month {month}, at {ceil(CROWDS[0] * GROWTH**month):,} people."
        said.append(f"- {part}: {when}")
    return "When each bound is reached:\n\n" + "\n".join(said) + "\n"


def _share(model: Model, month: int, part: str) -> float:
    return model.need(ceil(CROWDS[0] * GROWTH**month)).share[part]


def _streams(model: Model, town: Town) -> str:
    rows = []
    for people in CROWDS:
        need = model.need(people)
        hubs, cells = int(need.hubs), max(1, ceil(people / PEOPLE_PER_CELL))
        found = simulate(town, hubs, cells, ENTRIES, Random(people))
        for way, streams in found.items():
            rows.append([f"{people:,}", f"{hubs:,}", way, *_of(model, need, streams)])
    head = (
        "people",
        "hubs",
        "way",
        "XADDs per entry",
        "reads per entry",
        "reading, of a hub's core",
        "Redis cores",
    )
    return _table(head, rows)  # fmt: skip


def _of(model: Model, need: Need, streams: Streams) -> Iterable[str]:
    read = need.posts_per_s * streams.reads / need.hubs
    yield f"{streams.adds:.1f}"
    yield f"{streams.reads:.1f}"
    yield f"{model.reading_core(read):.1%}"
    yield f"{model.redis_core(need.posts_per_s, streams):.2f}"


def _measured(figures: Figures) -> str:
    rows = [
        [f"`{name}`", f"{value.value:,g}", value.source]
        for name, value in asdict(figures).items()
        if isinstance(value, Measured)
    ]
    return _table(("figure", "value", "from"), rows)


def _assumed(given: Habits | Bounds) -> list[list[str]]:
    return [[f"`{one.name}`", f"{getattr(given, one.name):,g}"] for one in fields(given)]


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    ruled = ["---", *(["---:"] * (len(columns) - 1))]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (columns, ruled, *rows)) + "\n"


def main() -> None:
    """Write the page anew."""
    PAGE.write_text(render(read(FIGURES)), encoding="utf-8")


if __name__ == "__main__":
    main()
