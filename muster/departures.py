"""Departures: who is still there when an event is over, or when its fence moves, leaves.

    a change of the event --trigger, same transaction--> job --fire--> the visits that last, ended a page at a time

Owns what such a job does. It may fire twice, or be cut short: it looks for what is still open. Must never decide that
an event is over.
"""

from __future__ import annotations

from typing import Final, Protocol
from uuid import UUID

import msgspec
from msgspec import Struct

from muster import wishes
from muster.attendance import Source
from muster.ids import PersonId, RoomId
from muster.jobs import Job
from muster.wishes import Wish, Wishes

KIND: Final = "departures"
PAGES_PER_JOB: Final = 20
"""Each is some 30 ms of one writer; with more left there is a next job, so that none meets its deadline."""


class Still(Struct, frozen=True, gc=False):
    """Whose visits end, as of when. `after`: those before this person have ended already."""

    room: UUID
    at_ms: int
    source: str
    after: UUID | None = None


STILL: Final = msgspec.json.Decoder(Still)


class Closer(Protocol):
    """Who ends visits: muster/visits.py."""

    async def close_some(
        self, room: RoomId, at_ms: int, source: Source, after: PersonId | None
    ) -> tuple[int, PersonId | None]: ...


class Departures:
    """Ends visits."""

    def __init__(self, visits: Closer, kept: Wishes) -> None:
        self._visits = visits
        self._wishes = kept

    async def fire(self, job: Job) -> None:
        """A muster.jobs.Handler."""
        still = STILL.decode(job.payload)
        after = None if still.after is None else PersonId(still.after)
        for _ in range(PAGES_PER_JOB):
            _, after = await self._visits.close_some(
                RoomId(still.room), still.at_ms, Source(still.source), after
            )
            if after is None:
                return
        rest = Still(still.room, still.at_ms, still.source, after)
        await wishes.add(self._wishes, Wish(KIND, f"{job.id}:{after}", None, job.due_ms, rest))
