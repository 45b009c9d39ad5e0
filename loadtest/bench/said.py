"""What the hubs say of themselves while they are measured: their own metrics, added up.

Owns the asking and the reading of the text format. Must never be asked for what /proc knows: who is busy answers late.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import httpx
from prometheus_client.parser import text_string_to_metric_families

WITHIN_S = 10.0


class Said(NamedTuple):
    """One look at all hubs. Pauses are of the garbage collector, the longest since the hubs were ready."""

    sockets: int
    tasks: int
    gc_pauses: int
    gc_pause_ms: float
    gc_longest_ms: float
    rss_kib: float

    def since(self, before: Said) -> Said:
        """The same with only the pauses that came after `before`."""
        return self._replace(
            gc_pauses=self.gc_pauses - before.gc_pauses,
            gc_pause_ms=round(self.gc_pause_ms - before.gc_pause_ms, 2),
        )


async def asked(hub_urls: Iterable[str]) -> Said:
    """Ask every hub. `hub_urls` have no path."""
    async with httpx.AsyncClient(timeout=WITHIN_S) as http:
        pages = [
            (await http.get(f"{url.replace('ws', 'http', 1)}/metrics")).text for url in hub_urls
        ]
    return read(pages)


def read(pages: Iterable[str]) -> Said:
    """What these pages say. Metrics that a hub does not have count as nothing."""
    samples = [
        (sample.name, sample.value)
        for page in pages
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    ]

    def values(name: str) -> list[float]:
        return [value for sample, value in samples if sample == name]

    return Said(
        int(sum(values("muster_sockets"))),
        int(sum(values("muster_tasks"))),
        int(sum(values("muster_gc_pause_seconds_count"))),
        round(1_000 * sum(values("muster_gc_pause_seconds_sum")), 2),
        round(1_000 * max(values("muster_gc_longest_pause_seconds"), default=0.0), 2),
        sum(values("process_resident_memory_bytes")) / 1024,
    )
