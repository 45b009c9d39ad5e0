"""Whoever judges fixes against one fence, as the measurement sees them: the machine alone, or the whole product.

Owns that contract, and the play of one case: fixes in order of arrival, those that arrive together at once, and the
clock moved in between. Must never know the truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple, Protocol

from loadtest.geofence.truth import Case, Heard, Told


class Seen(NamedTuple):
    """What became of one fix. `refused`: why it counts for nothing, else empty. `phase`: where they are held to be
    from then on."""

    fix: Heard
    refused: str
    phase: str


class Judge(Protocol):
    """Of one person and one fence."""

    def hear(self, fixes: Sequence[Heard]) -> tuple[list[Seen], list[Told]]:
        """These arrive together; their `arrives_s` is now."""
        ...

    def wait(self, until_s: float) -> list[Told]:
        """Nothing arrives until then: what falls due meanwhile."""
        ...


class Played(NamedTuple):
    """A case, and what its judge made of it."""

    case: Case
    seen: tuple[Seen, ...]
    told: tuple[Told, ...]


def play(case: Case, judge: Judge) -> Played:
    """From the first fix to the end of the path."""
    seen: list[Seen] = []
    told: list[Told] = []
    for arrives_s, together in groupby(case.heard, key=lambda fix: fix.arrives_s):
        told += judge.wait(arrives_s)
        some, edges = judge.hear(list(together))
        seen += some
        told += edges
    told += judge.wait(case.path.ends_s)
    return Played(case, tuple(seen), tuple(told))
