"""Putting standings back: whoever has a visit that lasts is inside.

Redis may lose everything; visits are in Postgres. The same round, made now and then, mends what a process left half
done that died between the two. Owns when it is made. What was put there meanwhile wins: standings are read first, then
visits, and only what nobody has moved since is changed. Must never end a visit or begin one.
"""

from __future__ import annotations

import asyncio
import random
from typing import Final

from muster.attendance import Visit, VisitStore
from muster.edges import move_to, visiting
from muster.errors import Refused
from muster.ids import PersonId, RoomId
from muster.place import unpack
from muster.placing import Around
from muster.standing import NONE, Key, Lost, Move, Unreachable
from muster.telemetry import get_logger
from muster.terms import Terms

LOOK_S: Final = 0.5
AUDIT_S: Final = 600.0
"""So often a round is made although nothing is known to be lost, by each process, at its own time."""

PAGE: Final = 500


class Restoring:
    """One process's rounds."""

    def __init__(
        self, around: Around, visits: VisitStore, terms: Terms, rng: random.Random
    ) -> None:
        self._around = around
        self._visits = visits
        self._terms = terms
        self._rng = rng
        self._log = get_logger()

    async def run(self) -> None:
        """Look whether something is lost, until cancelled."""
        loop = asyncio.get_running_loop()
        audit_at = loop.time()
        is_doubted = True
        while True:
            try:
                health = await self._around.standings.look()
                is_doubted = is_doubted or health.is_doubted
                if health.is_lost or is_doubted or loop.time() >= audit_at:
                    restored = await self.round()
                    is_doubted = False
                    audit_at = loop.time() + AUDIT_S * self._rng.uniform(0.5, 1.5)
                    if health.is_lost:
                        self._log.warning("standings_restored", count=restored)
            except (Unreachable, Lost, Refused):
                self._around.counts.unreachable += 1
            await asyncio.sleep(LOOK_S)

    async def round(self) -> int:
        """Put back what is missing; how many were. Raises `Unreachable`, `Refused`: what is closed stays so."""
        around = self._around
        rebuilding = await around.standings.begin()
        restored, after = 0, None
        while page := await self._visits.open_visits(after, PAGE):
            count, after = await self._restored(page, after)
            restored += count
        await around.standings.finish(rebuilding)
        around.counts.restored += restored
        return restored

    async def _restored(
        self, page: list[Visit], after: tuple[RoomId, PersonId] | None
    ) -> tuple[int, tuple[RoomId, PersonId]]:
        """One page: how many of it were put back, and up to where it was looked at."""
        around = self._around
        people = {visit.person for visit in page}
        kept = await around.standings.load(people, closed=True)
        # Those that still last now, whatever was read before: who left meanwhile was moved, or will be, by whoever
        # wrote it down.
        again = await self._visits.open_visits(after, PAGE)
        last = min((page[-1].room, page[-1].person), *[(v.room, v.person) for v in again[-1:]])
        lasting = {(visit.room, visit.person) for visit in again}
        now_ms = around.clock.now_ms()
        moves: list[Move] = []
        for visit in page:
            held = kept[visit.person].get(visit.room, NONE)
            if (visit.room, visit.person) not in lasting or unpack(held.state).is_inside:
                continue
            ground = await around.survey.find(visit.room)
            if ground is not None:
                key = Key(visit.person, visit.room)
                state = visiting(visit, ground, now_ms)
                moves.append(move_to(key, held, state, ground, self._terms, now_ms))
        versions = await around.standings.move(moves, closed=True)
        return sum(version > 0 for version in versions), last
