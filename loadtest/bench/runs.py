"""What `make bench` runs, with which options, and the bars that each figure is held against.

Owns the list. The bars are fixed before anything is measured. Must never leave a bar out because it is missed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple


class Bar(NamedTuple):
    """One figure of a benchmark and what it has to be."""

    figure: str
    must: Literal["<=", ">="]
    than: float
    what: str

    def holds(self, figures: Mapping[str, Any]) -> bool | None:
        """None where there is no such figure, or none that could be measured."""
        seen = figures.get(self.figure)
        if seen is None:
            return None
        return bool(seen <= self.than if self.must == "<=" else seen >= self.than)


class Run(NamedTuple):
    """One line of `make bench`. `short` takes the place of what both name."""

    key: str
    benchmark: str
    options: str = ""
    short: str = ""
    bars: tuple[Bar, ...] = ()

    def command(self, *, short: bool) -> list[str]:
        """Name and options, as after `python -m loadtest`."""
        chosen = _options(self.options) | (_options(self.short) if short else {})
        return [
            self.benchmark,
            *(word for name, values in chosen.items() for word in (name, *values)),
        ]


def _options(text: str) -> dict[str, list[str]]:
    """What stands after each name."""
    found: dict[str, list[str]] = {}
    for word in text.split():
        if word.startswith("--"):
            found[word] = []
        else:
            found[list(found)[-1]].append(word)
    return found


RUNS: Final = (
    Run(
        "latency",
        "latency",
        "--rate 500",
        "--seconds 5 --warm 1",
        (
            Bar("p50_ms", "<=", 3, "post to delivery, half of them across hubs: p50, ms"),
            Bar("p99_ms", "<=", 12, "p99, ms"),
        ),
    ),
    Run(
        "publish",
        "publish",
        "--rate 10200",
        "--seconds 5 --warm 2",
        (
            Bar("acked_per_s", ">=", 10_000, "posts acked a second"),
            Bar("p99_ms", "<=", 100, "p99 of acks, ms"),
        ),
    ),
    Run(
        "fanout-20",
        "fanout",
        "--members 1000 --rate 20 --seconds 12 --warm 3 --peers",
        "--seconds 4 --warm 1",
        (Bar("ratio", "<=", 1.7, "processor time per delivery, over the floor in C"),),
    ),
    Run(
        "fanout-200",
        "fanout",
        "--members 1000 --rate 200 --seconds 12 --warm 3 --peers",
        "--seconds 4 --warm 1",
        (
            Bar("ratio", "<=", 0.8, "processor time per delivery, over the floor in C"),
            Bar("added_p99_ms", "<=", 15, "from the author's ack to a delivery: p99, ms"),
        ),
    ),
    Run(
        "idle",
        "idle",
        "--sockets 10000 --peers",
        "--sockets 2000 --rooms 200 --seconds 5",
        (Bar("rss_kib_per_socket", "<=", 8, "memory per socket, KiB"),),
    ),
    Run(
        "resume",
        "resume",
        "--sockets 5000",
        "--sockets 500 --rooms 150",
        (
            Bar("resumed_99_s", "<=", 5, "99 of 100 are back after a hub was killed, s"),
            Bar("lost", "<=", 0, "lost"),
            Bar("duplicated", "<=", 0, "duplicated"),
            Bar("presence_events", "<=", 0, "presence events of people who came back"),
        ),
    ),
    Run(
        "stalled",
        "stalled",
        "",
        "--members 1000 --stalled 50 --seconds 5 --warm 1",
        (
            Bar("ratio", "<=", 2, "p99 of 9,500 while 500 beside them stall, over before"),
            Bar("rss_kib_per_stalled_socket", "<=", 256, "memory per stalled socket, KiB"),
        ),
    ),
    Run(
        "presence",
        "presence",
        "",
        "--people 100 --per-minute 600 --seconds 3",
        (
            Bar("false_edges", "<=", 0, "changes of presence told that were none"),
            Bar("converge_s", "<=", 35, "until all see the truth after a hub was killed, s"),
        ),
    ),
    Run(
        "evening",
        "evening",
        "--people 3000 --minutes 3 --alone 30",
        "--people 30 --minutes 0.1 --alone 2 --warm 1",
        (
            Bar(
                "p50_ms", "<=", 3, "chat beside 1,000 check-ins a minute: post to delivery, p50, ms"
            ),
            Bar("p99_ms", "<=", 12, "p99, ms"),
            Bar("check_ins_failed", "<=", 0, "check-ins that failed"),
            Bar("miscounted", "<=", 0, "people that the event counts wrongly"),
        ),
    ),
    Run(
        "push",
        "push",
        "",
        "--requests 2000 --people 200 --groups 200 --seconds 4 --faulty 100",
        (
            Bar("h2_per_s_core", ">=", 5_000, "requests a second and core of the client alone"),
            Bar("worker_per_s_core", ">=", 2_000, "pushes a second and core of a pusher"),
            Bar("lost", "<=", 0, "pushes lost, providers failing"),
            Bar("duplicated", "<=", 0, "pushes twice whose first attempt was answered"),
        ),
    ),
    Run(
        "rest",
        "rest",
        "",
        "--seconds 4 --warm 1",
        (
            Bar("ratio", ">=", 0.7, "requests a second, over the bare twin's"),
            Bar("p95_ms", "<=", 200, "p95, ms"),
            Bar(
                "db_avg_ms", "<=", 20, "a use of the database, the wait for one included: mean, ms"
            ),
            Bar("hit_p95_ms", "<=", 10, "a page that is in memory: p95, ms"),
            Bar("errors", "<=", 0, "errors"),
        ),
    ),
    Run("rest-300", "rest", "--rate 300", "--seconds 4 --warm 1"),
    Run("sync", "sync", "", "--rooms 50 --unread 100 --times 20"),
    Run(
        "media",
        "media",
        "",
        "--uploads 8",
        (Bar("p95_ms", "<=", 1_000, "12-megapixel picture, upload to thumbnail: p95, ms"),),
    ),
    Run(
        "geofence",
        "geofence",
        "",
        "--fences 300 --fixes 4000 --rounds 1 --walkers 7 --most 10",
        (
            Bar("fixes_per_s_core", ">=", 40_000, "fixes judged a second and core"),
            Bar("precision", ">=", 0.99, "edges told that were true, of all told"),
            Bar("recall", ">=", 0.99, "true edges that were told, of all true"),
            Bar("false_edges_per_hour", "<=", 0, "edges told that were none, an hour"),
        ),
    ),
    Run("unit", "unit", "", "--seconds 3"),
    Run("curves", "curves", "", "--most 1000 --seconds 3 --warm 1"),
)
"""In the order in which they run and stand on the page."""
