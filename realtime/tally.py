"""What this door counts: sockets, frames, bytes, closes.

Owns the names. Counting is adding to an integer: the registry reads them when it is scraped. Must never be
global: a process constructs one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from proto.codes import Code

STEPS: Final = ("ephemeral", "head_only", "goaway", "abort")
"""What a slow socket meets, one after the other: realtime/outbox.py."""


class Tally(Collector):
    """The counts of one process."""

    def __init__(self) -> None:
        self.opened = 0
        self.frames_in = 0
        self.bytes_in = 0
        self.frames_out = 0
        self.writes = 0
        self.bytes_out = 0
        self.pings = 0
        self.aborted = 0
        self.faults = 0
        self.steps: Counter[str] = Counter(dict.fromkeys(STEPS, 0))
        self.refused: Counter[str] = Counter()
        self.closed: Counter[str] = Counter()
        self.turned_away: Counter[str] = Counter()
        self._gauges: dict[str, tuple[str, Callable[[], float]]] = {}

    def refuse(self, code: int) -> None:
        """A request was answered with this error."""
        self.refused[Code(code).name] += 1

    def gauge(self, name: str, meaning: str, read: Callable[[], float]) -> None:
        """A value that is looked up when scraped."""
        self._gauges[name] = (meaning, read)

    def register(self, registry: CollectorRegistry) -> None:
        """Let `registry` read these counts."""
        registry.register(self)

    def collect(self) -> Iterable[Metric]:
        """What prometheus_client asks for at each scrape."""
        for name, meaning, value in (
            ("muster_sockets_opened", "WebSockets opened", self.opened),
            ("muster_frames_in", "Messages received from clients", self.frames_in),
            ("muster_bytes_in", "Bytes read from sockets", self.bytes_in),
            ("muster_frames_out", "Messages put on their way to clients", self.frames_out),
            ("muster_writes", "Writes to sockets", self.writes),
            ("muster_bytes_out", "Bytes written to sockets", self.bytes_out),
            ("muster_pings", "Pings sent after silence", self.pings),
            ("muster_sockets_aborted", "Sockets cut off by a deadline", self.aborted),
            ("muster_faults", "Requests that failed by a fault of ours", self.faults),
        ):
            yield CounterMetricFamily(name, meaning, value=value)
        yield _labelled(
            "muster_ladder_steps",
            "Slow sockets, by step: spared ephemeral frames, sent heads alone, told to come back, cut off",
            "step",
            self.steps,
        )
        yield _labelled(
            "muster_refused", "Requests answered with an error, by code", "code", self.refused
        )
        yield _labelled(
            "muster_closed",
            "Sockets closed, by code: ours, by_client, or of HTTP where none was opened",
            "code",
            self.closed,
        )
        yield _labelled(
            "muster_turned_away",
            "Sockets and people told to come back later, before anything was done for them, by reason",
            "reason",
            self.turned_away,
        )
        for name, (meaning, read) in self._gauges.items():
            yield GaugeMetricFamily(name, meaning, value=read())


def _labelled(name: str, meaning: str, label: str, counts: Counter[str]) -> Metric:
    family = CounterMetricFamily(name, meaning, labels=[label])
    for value, count in counts.items():
        family.add_metric([value], count)
    return family
