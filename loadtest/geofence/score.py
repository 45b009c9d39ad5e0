"""How well edges were told: those that a judge told against the true ones.

A true edge is matched by the judge's last word on it: of what was told by its deadline about the time up to it
(truth.py). What matches none was missed. An edge told that matches none is excused, and not judged, if it could be by
the path and does not follow an edge that was false: the way back from one that should not have been is another.

    precision  matched / (matched + false)
    recall     matched / true
    false edges per hour: hours of people's time, however many fences each was judged against

Edges by silence end a visit of which nothing was heard for long: they are counted, and neither right nor wrong.

Owns the matching and the sums. Pure. Must never decide what is true.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import NamedTuple

from loadtest.geofence.truth import Told, TrueEdge, Truth
from loadtest.percentiles import percentile


class Match(NamedTuple):
    """One case, compared."""

    matched: tuple[tuple[TrueEdge, Told], ...]
    missed: tuple[TrueEdge, ...]
    false: tuple[Told, ...]
    excused: int
    silent: int


class Score(NamedTuple):
    """Sums of cases. Latencies in seconds from the crossing to the moment when it was told, in ascending order."""

    true: int
    matched: int
    false: int
    excused: int
    silent: int
    hours: float
    latencies_s: tuple[float, ...]

    @property
    def precision(self) -> float:
        """1 where nothing was told."""
        told = self.matched + self.false
        return self.matched / told if told else 1.0

    @property
    def recall(self) -> float:
        """1 where nothing was to be told."""
        return self.matched / self.true if self.true else 1.0

    @property
    def false_per_hour(self) -> float:
        """Of people's time."""
        return self.false / self.hours if self.hours else 0.0

    def figures(self) -> dict[str, float | int]:
        """As they are printed."""
        return {
            "precision": round(self.precision, 4),
            "recall": round(self.recall, 4),
            "false_edges_per_hour": round(self.false_per_hour, 3),
            "edge_latency_p50_s": round(percentile(self.latencies_s, 0.50), 1),
            "edge_latency_p95_s": round(percentile(self.latencies_s, 0.95), 1),
            "true_edges": self.true,
            "false_edges": self.false,
            "not_judged": self.excused,
            "hours": round(self.hours, 1),
        }


def match(truth: Truth, told: Sequence[Told]) -> Match:
    """`told` in the order it was told."""
    matched = [(true, edge) for true in truth.edges if (edge := _answer(truth, true, told))]
    used = {id(edge) for _, edge in matched}
    found = {id(true) for true, _ in matched}
    false: list[Told] = []
    excused = silent = 0
    follows_false = False
    for edge in told:
        if edge.is_silence:
            silent += 1
        elif id(edge) in used:
            follows_false = False
        elif not follows_false and truth.could_be(edge):
            excused += 1
        else:
            false.append(edge)
            follows_false = not follows_false
    missed = tuple(true for true in truth.edges if id(true) not in found)
    return Match(tuple(matched), missed, tuple(false), excused, silent)


def total(matches: Iterable[Match], hours: float) -> Score:
    """All of them together, over so many hours of people's time."""
    everything = list(matches)
    pairs = [pair for one in everything for pair in one.matched]
    return Score(
        len(pairs) + sum(len(one.missed) for one in everything),
        len(pairs),
        sum(len(one.false) for one in everything),
        sum(one.excused for one in everything),
        sum(one.silent for one in everything),
        hours,
        tuple(sorted(max(0.0, told.judged_s - true.crossed_s) for true, told in pairs)),
    )


def together(scores: Iterable[Score]) -> Score:
    """Several kinds as one."""
    true, matched, false, excused, silent, hours, latencies = zip(*scores, strict=True)
    return Score(
        sum(true),
        sum(matched),
        sum(false),
        sum(excused),
        sum(silent),
        sum(hours),
        tuple(sorted(chain.from_iterable(latencies))),
    )


def _answer(truth: Truth, true: TrueEdge, told: Sequence[Told]) -> Told | None:
    """The judge's last word on it; None: there was none, or it was another, or it could not be."""
    words = [
        edge
        for edge in told
        if true.since_s < edge.judged_s <= true.deadline_s and edge.at_s <= true.shown_s
    ]
    if not words or words[-1].is_enter is not true.is_enter:
        return None
    return words[-1] if truth.could_be(words[-1]) else None
