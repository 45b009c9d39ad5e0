"""The garbage collector of a process: what it need not look at, how often it looks, and how long it stops everything.

What runs here has few cycles and many objects that live long: a look at all of them finds nothing and costs
milliseconds in which nobody is served. So what the start has made is set aside, and the collector looks rarely. Owns
these settings and the counts of the pauses, which say whether they are right. Must never collect by itself later on.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from muster.clock import Clock
from muster.durations import Durations

GENERATIONS: Final = 3
_OLDER: Final = (3, 1_000)
"""Looks at the young before one at those that survived one, and of these before one at all.

A look costs half a microsecond an object and more. The first two are kept short by looking at few; the last is a look
at every socket there is, for tenths of a second, and comes after some hundred thousand connections. What is under way
at 7,000 posts/s is some ten thousand objects: a look after fewer finds them all alive, and again at the next.
"""


class Heap(Collector):
    """The pauses of this process' garbage collector, counted while it runs."""

    def __init__(self, clock: Clock, registry: CollectorRegistry) -> None:
        self._clock = clock
        self._began = 0.0
        self._pauses = [Durations() for _ in range(GENERATIONS)]
        registry.register(self)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Count every pause until the end of the block."""
        gc.callbacks.append(self._called)
        try:
            yield
        finally:
            gc.callbacks.remove(self._called)

    async def run(self) -> None:
        """Count until cancelled."""
        with self.watched():
            await asyncio.Event().wait()

    def settle(self, threshold: int) -> None:
        """Everything is in place: never look at it again, and at what comes only every `threshold` objects.

        0 leaves Python as it is. The counts begin anew: nobody was served yet.
        """
        gc.collect()
        if threshold:
            gc.freeze()
            gc.set_threshold(threshold, *_OLDER)
        self._pauses = [Durations() for _ in range(GENERATIONS)]

    def collect(self) -> Iterable[Metric]:
        """What prometheus_client asks for at each scrape."""
        family = HistogramMetricFamily(
            "muster_gc_pause_seconds",
            "Time in which the garbage collector stopped everything, by generation",
            labels=["generation"],
        )
        for generation, pauses in enumerate(self._pauses):
            family.add_metric([str(generation)], pauses.buckets(), pauses.total)
        yield family
        yield GaugeMetricFamily(
            "muster_gc_longest_pause_seconds",
            "The longest pause of the garbage collector since the process was ready",
            value=max(pauses.longest for pauses in self._pauses),
        )

    def _called(self, phase: str, about: dict[str, int]) -> None:
        if phase == "start":
            self._began = self._clock.monotonic()
        else:
            self._pauses[about["generation"]].note(self._clock.monotonic() - self._began)
