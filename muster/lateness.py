"""How late a process' loop is: whatever waits for it waits at least as long.

Owns the looking, a few times a second, and the number of tasks. Must never be late by its own doing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from muster.clock import Clock
from muster.durations import Durations

EVERY_S: Final = 0.1
"""What blocks a loop for 50 ms is seen every other time; a look costs 20 microseconds."""


class Lateness(Collector):
    """The delay of the running loop. Must be made in it."""

    def __init__(self, clock: Clock, registry: CollectorRegistry) -> None:
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._delays = Durations()
        registry.register(self)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            due = self._clock.monotonic() + EVERY_S
            await asyncio.sleep(EVERY_S)
            self._delays.note(max(0.0, self._clock.monotonic() - due))

    def collect(self) -> Iterable[Metric]:
        """What prometheus_client asks for at each scrape."""
        yield HistogramMetricFamily(
            "muster_loop_delay_seconds",
            "How much later than asked for the loop came round, looked at ten times a second",
            buckets=self._delays.buckets(),
            sum_value=self._delays.total,
        )
        yield GaugeMetricFamily(
            "muster_tasks", "Tasks of asyncio", value=len(asyncio.all_tasks(self._loop))
        )
