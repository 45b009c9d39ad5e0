"""A long stay of an idle crowd: does memory grow meanwhile, and is everything given back when it has left?

Owns these looks. What Muster opens when it is first used, and keeps, belongs to the start: a few people come and go
before it is looked at first. Must never judge: the benchmark does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from time import monotonic
from typing import Final, NamedTuple

from loadtest.bench.arena import Arena, Size
from loadtest.bench.costs import descriptors, resident_kib
from loadtest.bench.crew import Load
from loadtest.bench.said import asked

LOOK_EVERY_S: Final = 10.0
GONE_WITHIN_S: Final = 30.0
ASK_EVERY_S: Final = 0.25
FEW: Final = 1_000
CONNECTIONS_OF_A_HUB: Final = 5
"""To Postgres, each opened when it is first needed and closed when it is not: see the budget in ARCHITECTURE.md."""

_A_WORD: Final = Load(20.0, 0.0, 0.25)


class Sample(NamedTuple):
    """What the hubs hold in memory, so long after the first look."""

    at_s: float
    kib: float


class Rest(NamedTuple):
    """What hubs without a socket hold; None where their processes are not ours to look at."""

    tasks: int
    descriptors: int | None


async def first_used(here: Arena, tokens: Sequence[str], size: Size) -> None:
    """Let a few people come, say a word and go."""
    few = list(tokens[:FEW])
    async with here.crowd(few, replace(size, workers=1)):
        await here.make(_A_WORD, "a few people")


async def at_rest(here: Arena, most: Rest | None = None) -> Rest:
    """Look until all have gone and all is still and no more than `most`, or it is too late."""
    deadline, last = monotonic() + GONE_WITHIN_S, None
    while True:
        # Before asking: the question is a socket itself.
        held = descriptors(here.hub_pids) if here.hub_pids else None
        said = await asked(here.hub_urls)
        found = Rest(said.tasks, held)
        gone = said.sockets <= len(here.hub_urls) and found == last
        if monotonic() > deadline or (
            gone and not (most is not None and more(found, most, len(here.hub_urls)))
        ):
            return found
        last = found
        await asyncio.sleep(ASK_EVERY_S)


def more(found: Rest, most: Rest, hubs: int) -> bool:
    """Whether something of the crowd was kept: tasks, or descriptors that are no hub's connections to Postgres."""
    spared = CONNECTIONS_OF_A_HUB * hubs
    return found.tasks > most.tasks or (found.descriptors or 0) > (most.descriptors or 0) + spared


async def stay(here: Arena, minutes: float) -> list[Sample]:
    """Look at the hubs' memory every 10 s while nobody says anything."""
    began = monotonic()
    samples = [Sample(0.0, await hubs_kib(here))]
    while (left_s := 60 * minutes - (monotonic() - began)) > 0:
        here.progress.show(60 * minutes - left_s, 60 * minutes, "idle")
        await asyncio.sleep(min(left_s, LOOK_EVERY_S))
        samples.append(Sample(monotonic() - began, await hubs_kib(here)))
    here.progress.end()
    return samples


def slope_kib_per_min(samples: Sequence[Sample]) -> float | None:
    """The straight line through all samples (least squares); None where there is none."""
    count = len(samples)
    mean_s = sum(sample.at_s for sample in samples) / count
    mean_kib = sum(sample.kib for sample in samples) / count
    spread = sum((sample.at_s - mean_s) ** 2 for sample in samples)
    if not spread:
        return None
    together = sum((sample.at_s - mean_s) * (sample.kib - mean_kib) for sample in samples)
    return 60 * together / spread


async def hubs_kib(here: Arena) -> float:
    """From /proc where the hubs are ours, else as they say themselves."""
    if here.hub_pids:
        return resident_kib(here.hub_pids)
    return (await asked(here.hub_urls)).rss_kib
