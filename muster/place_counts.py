"""What placing counts: fixes by verdict, edges by source, how late they are, and each way it fell short.

Owns the names. Must never count by person or place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from muster.attendance import Edge

_LAGS_S: Final = (0.1, 0.5, 1, 2, 5, 10, 30, 60, 90, 120, 300, 900, 1800)
"""An edge is as old as its dwell when it is believed; one by silence as old as the silence."""


class PlaceCounts(Collector):
    """The counts of one process."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self.verdicts: Counter[str] = Counter()
        self.edges: Counter[tuple[str, str]] = Counter()
        self.conflicts = 0
        self.swept = 0
        self.late_s = 0.0
        self.restored = 0
        self.unreachable = 0
        self._lag = Histogram(
            "muster_place_edge_lag_seconds",
            "From when somebody came or went, by the evidence, to when it was written down",
            buckets=_LAGS_S,
            registry=registry,
        )
        if registry is not None:
            registry.register(self)

    def edge(self, edge: Edge, now_ms: int) -> None:
        """This one was written down."""
        self.edges[edge.source.value, "enter" if edge.is_enter else "exit"] += 1
        self._lag.observe(max(0, now_ms - edge.at_ms) / 1000)

    def collect(self) -> Iterable[Metric]:
        """What prometheus_client asks for at each scrape."""
        fixes = CounterMetricFamily(
            "muster_place_evidence",
            "Fixes and crossings by what was made of them",
            labels=["verdict"],
        )
        for verdict, count in self.verdicts.items():
            fixes.add_metric([verdict], count)
        edges = CounterMetricFamily(
            "muster_place_edges",
            "Comings and goings written down, by what spoke for them",
            labels=["source", "way"],
        )
        for labels, count in self.edges.items():
            edges.add_metric(labels, count)
        yield fixes
        yield edges
        for name, meaning, value in (
            ("conflicts", "Standings that somebody else had moved meanwhile", self.conflicts),
            ("swept", "Standings looked at because their time had come", self.swept),
            ("restored", "Standings put back from open visits", self.restored),
            ("unreachable", "Questions that Redis or Postgres did not answer", self.unreachable),
        ):
            yield CounterMetricFamily(f"muster_place_{name}", meaning, value=value)
        yield GaugeMetricFamily(
            "muster_place_due_late_seconds",
            "How long the oldest standing that is due has waited",
            value=self.late_s,
        )
