"""What the processes measure is on the page, with a meaning, and costs a scrape little."""

from collections import Counter
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families

from loadtest.stack import Stack
from tests.walk import metrics
from tests.walk.people import people

pytestmark = pytest.mark.asyncio(loop_scope="session")

NEEDED = {
    "sockets": "muster_sockets",
    "frames in": "muster_frames_in_total",
    "frames out": "muster_frames_out_total",
    "bytes in": "muster_bytes_in_total",
    "bytes out": "muster_bytes_out_total",
    "batch sizes": "muster_batch_ops",
    "lane lag": "muster_bus_lag_seconds",
    "lane entries skipped": "muster_lane_entries_skipped_total",
    "loop delay": "muster_loop_delay_seconds",
    "queue bytes": "muster_queue_bytes",
    "resume outcomes": "muster_resumed_rooms_total",
    "commit latency": "muster_commit_seconds",
    "pauses of the garbage collector": "muster_gc_pause_seconds",
    "tasks": "muster_tasks",
}
"""What an operator asks of a hub, and the metric that answers."""

SAMPLES_MOST = 400
"""Of one metric: more labels than that is a person, a room or a path among them."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def pusher(stack: Stack) -> AsyncIterator[str]:
    """Beside the processes that all walks share."""
    async with metrics.pusher_of(stack) as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def backups(stack: Stack) -> AsyncIterator[str]:
    """The same, of backups."""
    async with metrics.backups_of(stack) as url:
        yield url


async def test_the_page_is_what_the_processes_say(stack: Stack, pusher: str, backups: str) -> None:
    """The table is generated, never edited."""
    page = metrics.PAGE.read_text("utf-8")
    assert metrics.written(await metrics.pages(stack, pusher, backups)) == page, (
        "run: python -m tests.walk.metrics"
    )


async def test_every_metric_says_what_it_means(stack: Stack, pusher: str, backups: str) -> None:
    """On all alike; names are ours or the process collector's."""
    for page in (await metrics.pages(stack, pusher, backups)).values():
        for name, metric in metrics.told(page).items():
            assert metric.meaning, name
            assert name.startswith(("muster_", "process_")), name


async def test_what_an_operator_asks_of_a_hub_is_there(
    stack: Stack, pusher: str, backups: str
) -> None:
    """One metric each."""
    there = metrics.told((await metrics.pages(stack, pusher, backups))["hub"])
    assert {asked for asked, name in NEEDED.items() if name not in there} == set()


async def test_no_metric_has_many_labels(stack: Stack, pusher: str, backups: str) -> None:
    """Whatever was done to this Muster before; a histogram has a sample per bucket and route at most."""
    for page in (await metrics.pages(stack, pusher, backups)).values():
        for family in text_string_to_metric_families(page):
            series = Counter(sample.name for sample in family.samples if "le" not in sample.labels)
            assert max(series.values(), default=0) <= SAMPLES_MOST, family.name


async def test_what_people_do_is_counted(stack: Stack) -> None:
    """By the hubs together: frames and bytes both ways, deliveries, and what became of a resume."""
    before = await _counted(stack)
    async with people(stack, "ada", "bob") as (ada, bob):
        room = (await ada.rest.create_room("public", "counted")).id
        await bob.rest.join(room)
        await ada.says(room, "before")
        await bob.has(room, "before")
        bob.phone.drop()
        await ada.says(room, "after")
        await bob.has(room, "after")
        grown = await _counted(stack) - before
    for name in ("frames_in", "frames_out", "bytes_in", "bytes_out", "writes", "deliveries"):
        assert grown[f"muster_{name}_total"] > 0, name
    assert grown["muster_resumes_total"] >= 3
    assert grown["muster_resumed_rooms_total live"] >= 1
    assert grown["muster_commit_seconds_count"] >= 2


async def _counted(stack: Stack) -> Counter[str]:
    """Every sample of all hubs, with the outcome it is of."""
    async with httpx.AsyncClient() as http:
        said = [
            (await http.get(f"{url.replace('ws', 'http', 1)}/metrics")).text
            for url in stack.hub_urls
        ]
    counted: Counter[str] = Counter()
    for page in said:
        for family in text_string_to_metric_families(page):
            for sample in family.samples:
                name = " ".join((sample.name, *sample.labels.values()))
                counted[name] += int(sample.value)
    return counted
