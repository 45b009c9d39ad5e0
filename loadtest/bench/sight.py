"""What watchers see of people who come and go, held against the truth.

Owns the judgement: whether all see the truth, and what they were told beyond the least. Must never judge a watcher
whose socket has ended.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import monotonic
from typing import Final, NamedTuple
from uuid import UUID

from loadtest.bench.comings import Comings
from loadtest.bench.visitor import Visitor

WATCHED: Final = 500
"""People whom one watcher hears of: the most that a frame may name."""

LOOK_EVERY_S: Final = 0.1
STEADY_S: Final = 3.0
"""While people come and go, only who has not moved for so long is asked about: news takes its time."""

CALM_S: Final = 5.0
"""Nobody sees anybody wrongly for so long: it is over."""


class Judged(NamedTuple):
    """`told`: changes that people were told, each by the watcher who was told most; `false`: beyond the least."""

    told: int
    false: int


class Sight:
    """Watchers on every hub, who together see everybody."""

    def __init__(self, comings: Comings) -> None:
        self._comings = comings
        self._watched: dict[Visitor, set[UUID]] = {}

    @property
    def watchers(self) -> list[Visitor]:
        """Those who are still there."""
        return [watcher for watcher in self._watched if watcher.open]

    async def open(self, tokens: Sequence[str], hubs: Sequence[str]) -> None:
        """As many watchers on every hub as it takes; `tokens` of as many devices."""
        ids = [comer.person for comer in self._comings.people]
        parts = [ids[at : at + WATCHED] for at in range(0, len(ids), WATCHED)]
        for number, token in enumerate(tokens):
            watcher = await Visitor.enter(token, hubs[number % len(hubs)])
            part = parts[number // len(hubs)]
            watcher.watch(part)
            self._watched[watcher] = set(part)

    def leave(self, hub: int, hubs: int) -> None:
        """The watchers of one hub go."""
        for number, watcher in enumerate(self._watched):
            if number % hubs == hub:
                watcher.drop()

    def begin(self) -> None:
        """What was told so far is not judged."""
        for watcher in self._watched:
            watcher.turns.clear()

    async def agrees(self, within_s: float) -> bool:
        """Wait until all watchers see the truth, or that long; whether they do."""
        deadline = monotonic() + within_s
        while not self._is_true() and monotonic() < deadline:  # noqa: ASYNC110  # only looking tells
            await asyncio.sleep(LOOK_EVERY_S)
        return self._is_true()

    def _is_true(self) -> bool:
        return not self._wrong({comer.person for comer in self._comings.people})

    def _wrong(self, about: set[UUID]) -> int:
        """How often one of these people is not seen as they are."""
        there = self._comings.there()
        return sum(
            len(((watcher.present ^ there) if watcher.known else watched) & watched & about)
            for watcher, watched in self._watched.items()
            if watcher.open
        )

    async def converges(self, least_s: float, within_s: float) -> float | None:
        """Seconds from now until nobody is seen wrongly any more, while people come and go; None: never.

        It is looked for `least_s` at the least, and for as long as it takes, up to `within_s`.
        """
        began = monotonic()
        wrong_at = began
        while (now := monotonic()) - began < least_s or now - wrong_at < CALM_S:
            if now - began > within_s:
                return None
            if self._wrong(self._comings.steady(STEADY_S)):
                wrong_at = now
            await asyncio.sleep(LOOK_EVERY_S)
        return wrong_at - began

    def judged(self) -> Judged:
        """What was told since `begin`."""
        told: dict[UUID, int] = {}
        for watcher in self.watchers:
            for person in self._watched[watcher]:
                told[person] = max(told.get(person, 0), watcher.turns[person])
        false = sum(max(0, turns - self._comings.turns[p]) for p, turns in told.items())
        return Judged(sum(told.values()), false)


def seats(people: int, hubs: int) -> int:
    """How many watchers it takes."""
    return (people + WATCHED - 1) // WATCHED * hubs
