"""Scheduled messages: what somebody will say, at a time they chose.

Owns what waits, and how it is posted: as a post of its author under the client id they gave, judged under the room's
lock at that moment like any other, hence exactly one entry however often the job fires. One that is refused for good
is told in its author's own log. Must never post for somebody who is banned: a ban ends sessions, and jobs have none.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from muster import submit, wishes
from muster.attaching import Attaching
from muster.errors import Refused
from muster.ids import PersonId, RoomId
from muster.jobs import Job
from muster.op import Op
from muster.people import PeopleStore, unknown_person
from muster.permission import Action
from muster.rooms import Rooms
from muster.wishes import Wish, Wishes
from proto.codes import Code
from proto.entry import Body, MetaValue, Poll
from proto.frames import Post

KIND: Final = "post"
WAITING_MOST: Final = 100
"""Of one person, in all rooms."""

LATE_MS: Final = 1_800_000
"""Who must wait for so long (slow mode) is told so: jobs are tried again for an hour, and then they are dead."""


class Draft(Struct, frozen=True, omit_defaults=True, gc=False):
    """What will be posted."""

    room: RoomId
    client_id: str
    text: str
    mentions: list[UUID] | None = None
    here: bool = False
    reply_to: int | None = None
    attachments: list[UUID] | None = None
    meta: dict[str, MetaValue] | None = None
    poll: Poll | None = None


class Scheduled(Struct, frozen=True, gc=False):
    """A message that waits for its time."""

    id: UUID
    at_ms: int
    message: Draft


class ScheduledList(Struct, frozen=True, gc=False):
    """All of mine, the next first."""

    scheduled: list[Scheduled]


_DRAFT: Final = msgspec.json.Decoder(Draft)


class Schedule:
    """Keeps scheduled messages, and posts them."""

    def __init__(self, kept: Wishes, rooms: Rooms, people: PeopleStore, writer: Attaching) -> None:
        self._kept = kept
        self._rooms = rooms
        self._people = people
        self._writer = writer

    async def add(self, author: PersonId, at_ms: int, draft: Draft) -> tuple[Scheduled, bool]:
        """What waits now, and whether it is new. Raises `Refused`: what could not be posted now, and bad times."""
        op = _op(author, draft)
        await self._rooms.allowed(draft.room, author, Action.post)
        # Claimed now, so that nobody collects them until then.
        await self._writer.claim(op)
        wish = Wish(KIND, f"{draft.room}:{draft.client_id}", author, at_ms, draft, WAITING_MOST)
        if await wishes.add(self._kept, wish):
            return Scheduled(wish.id, at_ms, draft), True
        waiting = {one.id: one for one in (await self.of(author)).scheduled}
        return waiting.get(wish.id, Scheduled(wish.id, at_ms, draft)), False

    async def of(self, author: PersonId) -> ScheduledList:
        """What somebody has waiting."""
        waiting = await self._kept.waiting(KIND, author, WAITING_MOST)
        return ScheduledList(
            [Scheduled(one.id, one.due_ms, _DRAFT.decode(one.payload)) for one in waiting]
        )

    async def drop(self, author: PersonId, job: UUID) -> None:
        """Not to be posted after all. Raises `Refused`."""
        await wishes.drop(self._kept, KIND, author, job)

    async def fire(self, job: Job) -> None:
        """Post it, or tell its author why not. A muster.jobs.Handler."""
        assert job.owner is not None
        author, draft = job.owner, _DRAFT.decode(job.payload)
        account = await self._people.account(author)
        if account is None:
            raise unknown_person()
        try:
            if account.banned:
                raise Refused(Code.permission_denied, "this account is banned")
            await self._writer.submit(_op(author, draft))
        except Refused as refused:
            if refused.temporary and (refused.retry_after_ms or 0) < LATE_MS:
                raise
            why = Body(room=draft.room, code=int(refused.code), job=job.id)
            told = f"unsent:{job.id}:{job.due_ms}"
            await self._writer.submit(submit.unsent(author, told, draft.text, why))


def _op(author: PersonId, draft: Draft) -> Op:
    """Raises `Refused`: `bad_request` for a message that says nothing."""
    frame = Post(
        0,
        draft.room,
        draft.client_id,
        draft.text,
        mentions=draft.mentions,
        here=draft.here,
        reply_to=draft.reply_to,
        attachments=draft.attachments,
        meta=draft.meta,
        poll=draft.poll,
    )
    return submit.of_frame(author, frame)
