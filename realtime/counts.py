"""What the hub counts: entries taken in, deliveries, and each way the lanes fell short.

Owns the names. Counting is adding to an integer on the hot path; the registry reads them when it is scraped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


class HubCounts(Collector):
    """The counts of one hub."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.entries = 0
        self.skipped = 0
        self.old = 0
        self.held = 0
        self.delivered = 0
        self.filled = 0
        self.jumped = 0
        self.heads_checked = 0
        self.doubts = 0
        self.admitted = 0
        self.ephemera_lost = 0
        self.resumes = 0
        self.resumed: Counter[str] = Counter()
        self._gauges: dict[str, tuple[str, Callable[[], float]]] = {}
        if registry is not None:
            registry.register(self)

    def gauge(self, name: str, meaning: str, read: Callable[[], float]) -> None:
        """A value that is looked up when scraped."""
        self._gauges[name] = (meaning, read)

    def collect(self) -> Iterable[Metric]:
        """What prometheus_client asks for at each scrape."""
        for name, meaning, value in (
            (
                "muster_lane_entries",
                "Entries taken in from lanes and from this process",
                self.entries,
            ),
            (
                "muster_lane_entries_skipped",
                "Entries of rooms that nobody here is in",
                self.skipped,
            ),
            ("muster_lane_entries_old", "Entries that came again", self.old),
            ("muster_lane_entries_held", "Entries that came ahead of their turn", self.held),
            ("muster_deliveries", "Entries pushed to sockets as they happened", self.delivered),
            (
                "muster_entries_filled",
                "Entries read from Postgres because no lane brought them",
                self.filled,
            ),
            ("muster_rooms_jumped", "Times a room was too far behind to be filled", self.jumped),
            ("muster_heads_checked", "Heads compared with Postgres", self.heads_checked),
            ("muster_doubts", "Times a tail may have missed something", self.doubts),
            ("muster_people_admitted", "People read from Postgres", self.admitted),
            (
                "muster_ephemera_lost",
                "Typing and pointers that found the bus closed",
                self.ephemera_lost,
            ),
            ("muster_resumes", "Resume frames answered", self.resumes),
        ):
            yield CounterMetricFamily(name, meaning, value=value)
        resumed = CounterMetricFamily(
            "muster_resumed_rooms",
            "Rooms of answered resumes, by outcome as in the protocol: live, head, joined, gap, removed",
            labels=["outcome"],
        )
        for outcome, count in self.resumed.items():
            resumed.add_metric([outcome], count)
        yield resumed
        for name, (meaning, read) in self._gauges.items():
            yield GaugeMetricFamily(name, meaning, value=read())
