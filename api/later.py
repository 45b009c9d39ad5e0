"""Handlers about what shall happen later: scheduled messages and reminders.

Owns the bodies of these routes. What is asked here is done by jobs (muster/jobs.py), in whichever process then lives.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from api.messages import check
from api.route import Call, Reply
from muster.ids import RoomId
from muster.reminders import NOTE_CHARS, About, ReminderList, Reminders
from muster.scheduled import Draft, Schedule, ScheduledList
from proto.entry import Attachments, ClientId, Mentions, MetaMap, Poll, Seq, Text

AtMs = Annotated[int, Meta(ge=0, le=2**53 - 1)]


class NewScheduled(Struct, frozen=True):
    """A message, and when it shall be posted. The same `client_id` twice is one message, as everywhere."""

    client_id: ClientId
    at_ms: AtMs
    text: Text
    mentions: Mentions | None = None
    here: bool = False
    reply_to: Seq | None = None
    attachments: Attachments | None = None
    meta: MetaMap | None = None
    poll: Poll | None = None


class NewReminder(Struct, frozen=True):
    """A message I want to be told of again, and when."""

    at_ms: AtMs
    room: UUID
    seq: Seq
    note: Annotated[str, Meta(max_length=NOTE_CHARS)] = ""


class LaterHandlers:
    """The routes about scheduled messages and reminders."""

    def __init__(self, schedule: Schedule, reminders: Reminders) -> None:
        self._schedule = schedule
        self._reminders = reminders

    async def schedule(self, call: Call) -> Reply:
        new = call.body(NewScheduled)
        check(new.meta)
        draft = Draft(
            call.room,
            new.client_id,
            new.text,
            mentions=new.mentions,
            here=new.here,
            reply_to=new.reply_to,
            attachments=new.attachments,
            meta=new.meta,
            poll=new.poll,
        )
        waiting, fresh = await self._schedule.add(call.me, new.at_ms, draft)
        return Reply(waiting, 201 if fresh else 200)

    async def scheduled(self, call: Call) -> ScheduledList:
        return await self._schedule.of(call.me)

    async def unschedule(self, call: Call) -> None:
        await self._schedule.drop(call.me, call.path("job", UUID))

    async def remind(self, call: Call) -> Reply:
        new = call.body(NewReminder)
        about = About(RoomId(new.room), new.seq, new.note)
        waiting, fresh = await self._reminders.add(call.me, new.at_ms, about, call.client_id)
        return Reply(waiting, 201 if fresh else 200)

    async def reminders(self, call: Call) -> ReminderList:
        return await self._reminders.of(call.me)

    async def forget(self, call: Call) -> None:
        await self._reminders.drop(call.me, call.path("job", UUID))
