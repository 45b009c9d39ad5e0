"""What breakers count: whether they are open, how often they opened, how many they held back.

Owns the names. Must never be global: a process constructs one set on its registry.
"""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from muster.breaker import Breaker


class BreakerCounts(Collector):
    """The breakers of one process, by what they keep us from asking."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        self._breakers: dict[str, Breaker] = {}
        if registry is not None:
            registry.register(self)

    def of(self, to: str, breaker: Breaker) -> Breaker:
        """Count this one as `to`."""
        self._breakers[to] = breaker
        return breaker

    def collect(self) -> Iterable[Metric]:
        """What prometheus_client asks for at each scrape."""
        is_open = GaugeMetricFamily(
            "muster_breaker_open", "1 while nothing goes out, by what is asked", labels=["to"]
        )
        opened = CounterMetricFamily(
            "muster_breaker_opened",
            "Times that it failed too often, by what is asked",
            labels=["to"],
        )
        held = CounterMetricFamily(
            "muster_breaker_held", "Questions not asked meanwhile, by what is asked", labels=["to"]
        )
        for to, breaker in self._breakers.items():
            is_open.add_metric([to], float(breaker.is_open))
            opened.add_metric([to], breaker.opened)
            held.add_metric([to], breaker.held)
        yield from (is_open, opened, held)
