"""What limits count: who was refused by which, and whether processes share them.

Owns the names. Counting is adding to an integer; the registry reads them when it is scraped. Must never count by person
or address.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from muster.tolls import Tolls


class TollCounts(Collector):
    """Of one process."""

    def __init__(
        self, tolls: Tolls, others: Sequence[Counter[str]], registry: CollectorRegistry
    ) -> None:
        """`others`: what else refuses, by limit."""
        self._tolls = tolls
        self._others = others
        registry.register(self)

    def collect(self) -> Iterable[Metric]:
        """What prometheus_client asks for at each scrape."""
        refused = CounterMetricFamily(
            "muster_limit_refused", "Requests, frames and tries refused, by limit", labels=["limit"]
        )
        for counts in (self._tolls.refused, *self._others):
            for limit, count in counts.items():
                refused.add_metric([limit], count)
        yield refused
        yield CounterMetricFamily(
            "muster_limit_rounds", "Round trips to the shared buckets", value=self._tolls.asked
        )
        yield CounterMetricFamily(
            "muster_limit_alone",
            "Requests and frames decided without the shared buckets, which were out of reach",
            value=self._tolls.decided_alone,
        )
        yield GaugeMetricFamily(
            "muster_limit_shared",
            "1 while limits are shared with the other processes",
            value=float(self._tolls.is_shared),
        )
