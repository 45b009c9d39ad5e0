"""What presence counts: what was said, what was heard, and each way it fell short.

Owns the names. Counting is adding to an integer; the registry reads them when it is scraped.
"""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector


class PresenceCounts(Collector):
    """The counts of one hub."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.said = 0
        self.in_ = 0
        self.out = 0
        self.damped = 0
        self.edges = 0
        self.told = 0
        self.snapshots = 0
        self.entered = 0
        self.swept = 0
        self.fenced = 0
        self.lost = 0
        self.unreachable = 0
        if registry is not None:
            registry.register(self)

    def collect(self) -> Iterable[Metric]:
        """What prometheus_client asks for at each scrape."""
        for name, meaning, value in (
            ("said", "Devices of which the roll was told", self.said),
            ("in", "People who came in with what this hub said", self.in_),
            ("out", "People who went out with what this hub said", self.out),
            ("damped", "Goodbyes that were not believed, for there were too many", self.damped),
            ("edges", "Changes read from the roll", self.edges),
            ("told", "Changes pushed to sockets", self.told),
            ("snapshots", "Whole answers pushed to sockets", self.snapshots),
            ("entered", "Generations this hub has begun", self.entered),
            ("swept", "Dead generations this hub took out", self.swept),
            ("fenced", "Times this hub found its generation dead", self.fenced),
            ("lost", "Times the roll was found to have lost something", self.lost),
            ("unreachable", "Questions that the roll did not answer", self.unreachable),
        ):
            yield CounterMetricFamily(f"muster_presence_{name}", meaning, value=value)
