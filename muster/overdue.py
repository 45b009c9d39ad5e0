"""Standings whose time has come: somebody fell silent, a dwell is over, an event has ended.

Owns the rounds of one process among all that make them: each takes what nobody else has in hand. One that sleeps in
between does no harm: what it says late is compared with what is there. Must never judge by itself (muster/place.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from muster.attendance import Confidence, Edge, Source
from muster.edges import Trial, aligned, move_to, settled
from muster.errors import Refused
from muster.place import on_time, unpack
from muster.placing import TRIES, Around
from muster.standing import NONE, Key, Lost, Move, Unreachable
from muster.terms import Terms

EVERY_S: Final = 1.0
PER_BUCKET: Final = 20
WITHIN_S: Final = 8.0
"""Of one round: within the time that others leave us what we took."""


class Overdue:
    """One process's rounds."""

    def __init__(self, around: Around, terms: Terms, every_s: float = EVERY_S) -> None:
        self._around = around
        self._terms = terms
        self._every_s = every_s

    async def run(self) -> None:
        """Make rounds until cancelled."""
        while True:
            count = 0
            try:
                async with asyncio.timeout(WITHIN_S):
                    count = await self.round()
            except (Unreachable, Lost, Refused, TimeoutError):
                self._around.counts.unreachable += 1
            if count < PER_BUCKET:
                await asyncio.sleep(self._every_s)

    async def round(self) -> int:
        """Look at what is due; how many there were. Raises `Unreachable`, `Lost`, `Refused`: it is due still."""
        around = self._around
        keys, late_ms = await around.standings.take_due(PER_BUCKET)
        around.counts.late_s = late_ms / 1000
        around.counts.swept += len(keys)
        if not keys:
            return 0
        loaded = await around.standings.load({key.person for key in keys})
        now_ms = around.clock.now_ms()
        trials, gone = [], []
        for key in keys:
            kept = loaded[key.person].get(key.room, NONE)
            ground = await around.survey.find(key.room)
            if ground is None or not kept.version:
                gone.append((key, kept))
            else:
                judgement = on_time(unpack(kept.state), ground, self._terms, now_ms)
                trials.append(Trial(key, kept, ground, judgement))
        edges = [edge for trial in trials for edge in trial.edges]
        for key, kept in gone:
            if unpack(kept.state).is_inside:  # its event is over, or has no fence any more
                edges.append(_closing(key, now_ms))
        stands = await around.edges.record(edges)
        moves = [Move(key, kept.version, b"", 0, None) for key, kept in gone]
        moves += self._moves(trials, stands, now_ms)
        told = await around.standings.move(moves)
        for move, version in zip(moves, told, strict=True):
            if version == 0:
                around.counts.conflicts += 1
                if move.key in stands:
                    await self._agree(move.key)
        return len(keys)

    async def _agree(self, key: Key) -> None:
        """Somebody else was quicker to move the standing, after we wrote down an edge that they did not know of."""
        around = self._around
        ground = await around.survey.find(key.room)
        for _ in range(TRIES):
            kept = (await around.standings.load([key.person]))[key.person].get(key.room, NONE)
            state = unpack(kept.state)
            is_open = await around.edges.is_open(key)
            if ground is None or state.is_inside is is_open:
                return
            now_ms = around.clock.now_ms()
            state = aligned(state, is_open, ground, now_ms)
            move = move_to(key, kept, state, ground, self._terms, now_ms)
            if await around.standings.move([move]) != [0]:
                return

    def _moves(self, trials: Sequence[Trial], stands: dict[Key, bool], now_ms: int) -> list[Move]:
        """Also of what has not changed: it is due at another time now."""
        return [
            settled(trial, stands.get(trial.key), self._terms, now_ms)
            or move_to(
                trial.key, trial.kept, trial.judgement.state, trial.ground, self._terms, now_ms
            )
            for trial in trials
        ]


def _closing(key: Key, now_ms: int) -> Edge:
    return Edge(key.room, key.person, False, now_ms, Source.closing, Confidence.medium)
