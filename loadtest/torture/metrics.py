"""What the hubs and pushers of a run say of themselves at /metrics.

Owns the reading. Must never go through a link: what is broken on purpose is between others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import httpx
from prometheus_client.parser import text_string_to_metric_families

from loadtest.torture.server import Server
from muster.services.door import Door

_HERE: Final = "127.0.0.1"
ANSWER_WITHIN_S: Final = 30.0
"""A machine under torture stands still now and then."""


async def sum_of(hubs: Sequence[Server], name: str, **labels: str) -> float:
    """A sample over these processes and all its labels but those named.

    Raises httpx.TransportError where one does not answer.
    """
    total = 0.0
    async with httpx.AsyncClient(timeout=ANSWER_WITHIN_S) as http:
        for hub in hubs:
            assert isinstance(hub.service, Door)
            page = await http.get(f"http://{_HERE}:{hub.service.port}/metrics")
            total += sum(
                sample.value
                for family in text_string_to_metric_families(page.text)
                for sample in family.samples
                if sample.name == name and labels.items() <= sample.labels.items()
            )
    return total
