"""Closing polls whose time is over, by their timers.

Owns what such a timer does: one entry, however often it fires, by nobody. That votes are refused from that moment on
needs no timer: vote_v1 looks at the clock.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from muster import submit
from muster.errors import Refused
from muster.ids import RoomId
from muster.jobs import Job
from muster.sessions import Submitter


class Place(Struct, frozen=True, gc=False):
    """Which message a job is about."""

    room: UUID
    seq: int


PLACE: Final = msgspec.json.Decoder(Place)


class Closing:
    """Closes polls in time."""

    def __init__(self, writer: Submitter) -> None:
        self._writer = writer

    async def fire(self, job: Job) -> None:
        """A muster.jobs.Handler. A poll that is deleted, or in an archived room, is over anyway."""
        place = PLACE.decode(job.payload)
        try:
            await self._writer.submit(submit.close_in_time(RoomId(place.room), place.seq))
        except Refused as refused:
            if refused.temporary:
                raise
