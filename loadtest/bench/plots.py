"""The plots of docs/benchmarks.md, made from the recorded results.

Owns which figures are drawn. Must never compare what was measured in different calls: bars of one
colour, and the lines of one plot, are of one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from loadtest.bench.record import Record
from loadtest.chart.bars import Row, bars
from loadtest.chart.lines import Line, Plot, lines

FANOUT: Final = {"fanout-20": "20 posts/s", "fanout-200": "200 posts/s"}
OURS: Final = "Muster's hub"

_AXES: Final = {
    "members": Plot(
        "Processor time per delivery, as rooms get larger",
        "members of a room; 10,000 deliveries a second in all",
        "us per delivery",
    ),
    "rooms": Plot(
        "Processor time per post and its ten deliveries, as rooms get more",
        "rooms of 10; 1,000 posts a second in all, two hubs",
        "us per post",
        y_log=False,
    ),
    "hubs": Plot(
        "Processor time per post and its ten deliveries, as hubs get more",
        "hubs; 200 rooms of 10, 1,000 posts a second in all",
        "us per post",
        x_log=False,
        y_log=False,
    ),
}
_LINES: Final = {
    "all_us": "all processes, Postgres and Redis among them",
    "hub_us": "hubs",
    "floor_us": "floor: one send() each, in C",
}


def plots(records: Mapping[str, Record]) -> dict[str, str]:
    """The pictures by file name; none of what was never run."""
    drawn: dict[str, str] = {}
    if ran := [key for key in FANOUT if key in records]:
        legend = [FANOUT[key] for key in ran]
        title = "Processor time per delivery to 1,000 members, us"
        drawn["fanout.svg"] = bars(title, legend, _fanout([records[key].figures for key in ran]))
    if idle := records.get("idle"):
        own = Row(OURS, [idle.figures["rss_kib_per_socket"]])
        rows = [own, *(_row(peer, [peer["kib_per_socket"]]) for peer in idle.figures["peers"])]
        title = f"Memory per idle socket of {idle.figures['sockets']:,}, KiB"
        drawn["idle.svg"] = bars(title, ["KiB"], rows)
    if curves := records.get("curves"):
        for axis, points in curves.figures.items():
            if len(points) > 1:
                drawn[f"{axis}.svg"] = lines(_AXES[axis], _lines(points))
    return drawn


def _fanout(runs: Sequence[Mapping[str, Any]]) -> list[Row]:
    told = [{peer["name"]: peer for peer in run["peers"]} for run in runs]
    named = {name: peer for peers in told for name, peer in peers.items()}
    return [
        Row(OURS, [run["cpu_us_per_delivery"] for run in runs]),
        *(
            _row(peer, [peers.get(name, {}).get("cpu_us_per_delivery") for peers in told])
            for name, peer in named.items()
        ),
    ]


def _row(peer: Mapping[str, Any], figures: Sequence[float | None]) -> Row:
    why = f"absent: {peer['absent']}" if peer["absent"] else ""
    return Row(peer["name"], figures, why)


def _lines(points: Sequence[Mapping[str, Any]]) -> list[Line]:
    drawn = []
    for key, name in _LINES.items():
        known = [(float(point["at"]), float(point[key])) for point in points if point[key]]
        if known:
            drawn.append(Line(name, known))
    return drawn
