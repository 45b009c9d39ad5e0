"""The life of an event by the clock: doors open, live, ended, and the reminder before it starts.

    create, change --SQL--> job `event` at the next of its times --turn--> state, and the job at the time after that

Owns what these timers do. Which state is due, Postgres says when the op commits: so a timer may fire late, twice, or of
a time that was moved meanwhile. Must never keep a time of its own.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from muster import hosting
from muster.clock import Clock
from muster.errors import Refused
from muster.event_notices import Notice, NoticeState, Telling
from muster.events import OVER, EventStore
from muster.ids import RoomId
from muster.jobs import Job
from muster.sessions import Submitter

TURN: Final = "event"
SOON: Final = "event_soon"
SLACK_MS: Final = 60_000
"""A reminder this much too early is one whose event was moved: the job that waits for the new time sees to it."""


class About(Struct, frozen=True, gc=False):
    """Which event a job is about."""

    room: UUID


ABOUT: Final = msgspec.json.Decoder(About)


class EventTimers:
    """Fires them. Both are muster.jobs.Handlers."""

    def __init__(
        self,
        store: EventStore,
        telling: Telling,
        writer: Submitter,
        clock: Clock,
        soon_s: float,
    ) -> None:
        self._store = store
        self._telling = telling
        self._writer = writer
        self._clock = clock
        self._soon_ms = round(soon_s * 1000)

    async def turn(self, job: Job) -> None:
        """Bring the event to the state that is due; an event that is gone needs none."""
        room = RoomId(ABOUT.decode(job.payload).room)
        try:
            await self._writer.submit(hosting.turn(room))
        except Refused as refused:
            if refused.temporary:
                raise

    async def soon(self, job: Job) -> None:
        """Tell who is going, or may: once per time at which it starts."""
        room = RoomId(ABOUT.decode(job.payload).room)
        event = await self._store.head(room)
        if event is None or event.state in OVER:
            return
        left_ms = event.starts_at_ms - self._clock.now_ms()
        if 0 < left_ms <= self._soon_ms + SLACK_MS:
            state = NoticeState.starts_soon
            await self._telling.tell(Notice(room, state, event.starts_at_ms))
