"""Reminders: a message of a room that somebody wants to be told of again, at a time they chose.

Owns what waits, and the entry of the own log that comes of it: one, however often the job fires. A reminder holds
nothing of the message but its place, so it may come due after its owner has left the room.
"""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from muster import submit, wishes
from muster.errors import Refused
from muster.ids import PersonId, RoomId
from muster.jobs import Job
from muster.rooms import Rooms
from muster.sessions import Submitter
from muster.wishes import Wish, Wishes
from muster.words import line
from proto.codes import Code
from proto.entry import Body

KIND: Final = "reminder"
WAITING_MOST: Final = 100
NOTE_CHARS: Final = 500


class About(Struct, frozen=True, gc=False):
    """Which message, and what I want to be told."""

    room: RoomId
    seq: int
    note: Annotated[str, Meta(max_length=NOTE_CHARS)] = ""


class Reminder(Struct, frozen=True, gc=False):
    """A reminder that waits for its time."""

    id: UUID
    at_ms: int
    about: About


class ReminderList(Struct, frozen=True, gc=False):
    """All of mine, the next first."""

    reminders: list[Reminder]


_ABOUT: Final = msgspec.json.Decoder(About)


class Reminders:
    """Keeps reminders, and tells them."""

    def __init__(self, kept: Wishes, rooms: Rooms, writer: Submitter) -> None:
        self._kept = kept
        self._rooms = rooms
        self._writer = writer

    async def add(
        self, person: PersonId, at_ms: int, about: About, key: str
    ) -> tuple[Reminder, bool]:
        """What waits now, and whether it is new; the same `key` twice is one. Raises `Refused`."""
        about = About(about.room, about.seq, line("a note", about.note, NOTE_CHARS, breaks=True))
        room = await self._rooms.room(about.room, person)
        if not 1 <= about.seq <= room.head:
            raise Refused(Code.not_found, "this room has no such entry")
        wish = Wish(KIND, key, person, at_ms, about, WAITING_MOST)
        if await wishes.add(self._kept, wish):
            return Reminder(wish.id, at_ms, about), True
        waiting = {one.id: one for one in (await self.of(person)).reminders}
        return waiting.get(wish.id, Reminder(wish.id, at_ms, about)), False

    async def of(self, person: PersonId) -> ReminderList:
        """What somebody has waiting."""
        waiting = await self._kept.waiting(KIND, person, WAITING_MOST)
        return ReminderList(
            [Reminder(one.id, one.due_ms, _ABOUT.decode(one.payload)) for one in waiting]
        )

    async def drop(self, person: PersonId, job: UUID) -> None:
        """Not to be told after all. Raises `Refused`."""
        await wishes.drop(self._kept, KIND, person, job)

    async def fire(self, job: Job) -> None:
        """Tell it, once. A muster.jobs.Handler."""
        assert job.owner is not None
        about = _ABOUT.decode(job.payload)
        says = Body(room=about.room, at_seq=about.seq, job=job.id)
        told = f"reminder:{job.id}:{job.due_ms}"
        await self._writer.submit(submit.remind(job.owner, told, about.note, says))
