"""The kinds of input that a judge is measured by.

    real      recorded traces past and through fences put on them
    canyon, jumps, sparse, tunnel      made-up walkers, by what their phones make of it (sky.py)
    steady    made-up walkers under open sky

Owns how many of each there are, and their seeds. Pure. Must never know a judge.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Final

from loadtest.geofence.path import median_path
from loadtest.geofence.placement import fence_around, fences_on
from loadtest.geofence.sky import Sky, canyon, jumps, recorded, sparse, steady, tunnel
from loadtest.geofence.trace import Trace
from loadtest.geofence.truth import Case
from loadtest.geofence.walker import PARTS, Walk

REAL: Final = "real"
SKIES: Final[dict[str, Sky]] = {
    "steady": steady,
    "canyon": canyon,
    "jumps": jumps,
    "sparse": sparse,
    "tunnel": tunnel,
}


def real(traces: Sequence[Trace], seed: int) -> Iterator[list[Case]]:
    """Per trace: the same fixes against six fences."""
    for trace in traces:
        random = Random(f"{seed}:{trace.name}")
        path = median_path(trace.spots)
        heard = tuple(recorded(trace.spots, path, random))
        yield [
            Case(f"{trace.name}/{number}", fence, path, heard)
            for number, fence in enumerate(fences_on(path, random))
        ]


def made_up(kind: str, walkers: int, seed: int) -> Iterator[list[Case]]:
    """Per walker: one fence. The parts take turns."""
    for number in range(walkers):
        random = Random(f"{seed}:{kind}:{number}")
        fence = fence_around(0.0, 0.0, random)
        walk = Walk(fence, random)
        part = PARTS[number % len(PARTS)]
        part(walk)
        path = walk.path()
        heard = tuple(SKIES[kind](path, random))
        yield [Case(f"{kind}-{number}-{part.__name__}", fence, path, heard)]
