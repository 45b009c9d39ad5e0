"""Owns docs/metrics.md: every metric that a hub or an api process shows, as it says itself.

`python -m tests.walk.metrics` starts a Muster and writes the page anew; test_metrics.py fails while it differs from
what the processes say.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

import httpx

from loadtest.stack import ROOMY, Stack, muster_up

PAGE: Final = Path(__file__).parents[2] / "docs" / "metrics.md"
_HEAD: Final = """\
# Metrics

What `GET /metrics` of every hub and api process says, in Prometheus' text format. Written by
`python -m tests.walk.metrics` from what the processes say themselves: edit the help texts, not this page. What to be
woken for is in [runbook.md](runbook.md).

A histogram has `_bucket`, `_sum` and `_count`. Labels are named in the meaning ("by ..."), and have few values each: no
metric has a person, a room or an address in it.
"""


class Told(NamedTuple):
    """One metric, as its HELP and TYPE lines say."""

    kind: str
    meaning: str


async def pages(stack: Stack) -> dict[str, str]:
    """What one hub and the api say."""
    urls = {"hub": stack.hub_urls[0].replace("ws", "http", 1), "api": stack.api_url}
    async with httpx.AsyncClient() as http:
        return {who: (await http.get(f"{url}/metrics")).text for who, url in urls.items()}


def told(page: str) -> dict[str, Told]:
    """The metrics of one page, by name."""
    meanings: dict[str, str] = {}
    found: dict[str, Told] = {}
    for line in page.splitlines():
        if line.startswith("# HELP "):
            _, _, name, meaning = line.split(" ", 3)
            meanings[name] = meaning
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ", 3)
            found[name] = Told(kind, meanings.get(name, ""))
    return found


def written(said: Mapping[str, str]) -> str:
    """docs/metrics.md."""
    hub, api = told(said["hub"]), told(said["api"])
    parts = {
        "Of every process": {name: hub[name] for name in hub if name in api},
        "Of a hub": {name: hub[name] for name in hub if name not in api},
        "Of an api process": {name: api[name] for name in api if name not in hub},
    }
    text = _HEAD
    for title, metrics in parts.items():
        text += f"\n## {title}\n\n| metric | kind | meaning |\n|---|---|---|\n"
        for name, metric in sorted(metrics.items()):
            text += f"| `{name}` | {metric.kind} | {metric.meaning} |\n"
    return text


async def main() -> None:
    """Write the page."""
    async with muster_up(1, ROOMY) as stack:
        PAGE.write_text(written(await pages(stack)), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
