"""Prometheus metrics of the bus.

Owns names and labels, few and of few values. Must never be global: a process constructs one set on
its registry.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from muster.doubt import Cause

_LAGS = (0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.125, 0.25, 0.5, 1.0, 4.0, 16.0, 64.0)


class PublisherMeters:
    """How publishing does."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.published = Counter(
            "muster_bus_published", "Entries put on their lanes", registry=registry
        )
        self.unpublished = Counter(
            "muster_bus_unpublished", "Entries that were given up in time", registry=registry
        )
        self.created = Counter(
            "muster_bus_lanes_created", "Lanes found missing and made anew", registry=registry
        )


class TailMeters:
    """How reading does."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.read = Counter("muster_bus_read", "Entries read from the lanes", registry=registry)
        self.malformed = Counter(
            "muster_bus_malformed", "Stream entries that could not be read", registry=registry
        )
        self.lag = Histogram(
            "muster_bus_lag_seconds",
            "Age of the oldest entry of a read, by Redis' clock",
            buckets=_LAGS,
            registry=registry,
        )
        self.unreadable = Gauge(
            "muster_bus_unreadable_lanes", "Lanes that cannot be read now", registry=registry
        )
        doubts = Counter(
            "muster_bus_doubts", "Lanes doubted, by cause", labelnames=["cause"], registry=registry
        )
        self.doubts = {cause: doubts.labels(cause) for cause in Cause}
