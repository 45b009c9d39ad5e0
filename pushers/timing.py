"""When fresh candidates are to be judged, by where they are and when they were last rung.

Owns what is asked for that. Must never decide (pushers/decide.py).
"""

from __future__ import annotations

from collections.abc import Sequence

from muster.owed import Candidate
from muster.push_queue import PushQueue
from pushers.attendance import UNKNOWN
from pushers.attending import Attending
from pushers.decide import when
from pushers.pace import PACE, Pace
from pushers.recent import Recent


class Timing:
    """One process's."""

    def __init__(
        self, queue: PushQueue, attending: Attending, recent: Recent, pace: Pace = PACE
    ) -> None:
        self._queue = queue
        self._attending = attending
        self._recent = recent
        self._pace = pace

    async def due(self, candidates: Sequence[Candidate]) -> list[int]:
        """Of each, by the queue's clock, in ms. Raises `Unreachable`."""
        where = await self._attending.of({candidate.key.person for candidate in candidates})
        now_ms = await self._queue.now_ms()
        return [
            when(
                candidate,
                where.get(candidate.key.person, UNKNOWN),
                now_ms,
                self._pace,
                pushed_ms=self._recent.last_ms(candidate.key),
            )
            for candidate in candidates
        ]
