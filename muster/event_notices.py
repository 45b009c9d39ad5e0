"""What an event tells everybody on its roster: that it changed, was cancelled, starts soon, or has a place for them.

    op or timer --SQL--> one job --200 people at a time--> an entry `notice` in each one's own log

A roster may be of thousands, so that nothing writes to all their logs in one transaction. Each entry goes by a client
id that follows from what is told and to whom: a process that dies over it is followed by another, and nobody is told
twice. Owns who is told what. Must never ring anybody: pushes follow from the entry.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from enum import StrEnum
from typing import Final, Protocol
from uuid import UUID

import msgspec
from msgspec import Struct, structs

from muster import hosting, wishes
from muster.clock import Clock
from muster.errors import Refused
from muster.events import OVER, Answer, EventHead, EventState, EventStore
from muster.ids import PersonId, RoomId
from muster.jobs import Job
from muster.op import Op
from muster.sessions import Submitter
from muster.wishes import Wish, Wishes
from proto.entry import Body

TOLD: Final = "event_notice"
UP: Final = "event_up"
PEOPLE_PER_PAGE: Final = 200
TELL_WITHIN_S: Final = 4.0
"""After so long the rest is another job: one that is at it for longer than FIRE_WITHIN_S would be taken for lost."""


class NoticeState(StrEnum):
    """What is told by a job; `invited` and `waitlist_up` are told where they happen."""

    changed = "changed"
    cancelled = "cancelled"
    starts_soon = "starts_soon"


_ASKED: Final = (Answer.invited, Answer.going, Answer.maybe, Answer.waitlist)
_AUDIENCE: Final = {
    NoticeState.changed: _ASKED,
    NoticeState.cancelled: _ASKED,
    NoticeState.starts_soon: (Answer.going, Answer.maybe),
}


class Notice(Struct, frozen=True, gc=False):
    """What is to be told. `seq`: of the entry that says it in the room's log, or of a reminder the time at which the
    event starts; with the state it makes the client id. `by`: who did it, and knows. `after`: who has been told, in
    order of ids."""

    room: RoomId
    state: NoticeState
    seq: int
    by: UUID | None = None
    changed: list[str] | None = None
    after: UUID = UUID(int=0)


class _Up(Struct, frozen=True, gc=False):
    room: RoomId


_NOTICE: Final = msgspec.json.Decoder(Notice)
_UP: Final = msgspec.json.Decoder(_Up)


class Audience(Protocol):
    """Who is to be told. Everything raises `Refused`: `unavailable`."""

    async def audience(
        self, room: RoomId, answers: Iterable[Answer], after: UUID, limit: int
    ) -> list[PersonId]:
        """People on the roster with one of these answers, after this id, in order of ids."""
        ...

    async def owed(self, room: RoomId, limit: int) -> list[PersonId]:
        """Some who moved up and have not been told."""
        ...


class Telling:
    """Tells rosters. `fire` and `up` are muster.jobs.Handlers."""

    def __init__(
        self,
        events: EventStore,
        audience: Audience,
        kept: Wishes,
        writer: Submitter,
        clock: Clock,
    ) -> None:
        self._events = events
        self._audience = audience
        self._kept = kept
        self._writer = writer
        self._clock = clock

    async def fire(self, job: Job) -> None:
        """Tell the next people, and leave the rest to the next job."""
        await self.tell(_NOTICE.decode(job.payload))

    async def tell(self, notice: Notice) -> None:
        """Tell everybody from `notice.after` on; what is not done in time is wished for."""
        event = await self._events.head(notice.room)
        if event is None or _is_stale(notice, event):
            return
        until = self._clock.monotonic() + TELL_WITHIN_S
        while True:
            people = await self._audience.audience(
                notice.room, _AUDIENCE[notice.state], notice.after, PEOPLE_PER_PAGE
            )
            await self._submit(_op(notice, event, one) for one in people if one != notice.by)
            if len(people) < PEOPLE_PER_PAGE:
                return
            notice = structs.replace(notice, after=people[-1])
            if self._clock.monotonic() >= until:
                dedupe = f"{notice.room}:{notice.state}:{notice.seq}:{notice.after}"
                await self._later(TOLD, dedupe, notice)
                return

    async def up(self, job: Job) -> None:
        """Seat everybody who moved up: tell them, and let them into the room."""
        room = _UP.decode(job.payload).room
        until = self._clock.monotonic() + TELL_WITHIN_S
        while people := await self._audience.owed(room, PEOPLE_PER_PAGE):
            await self._submit(hosting.seat(room, one) for one in people)
            if self._clock.monotonic() >= until:
                await self._later(UP, f"{room}:{people[-1]}", _Up(room))
                return

    async def _submit(self, ops: Iterable[Op]) -> None:
        """Commit them together. Raises the first that was refused for now; one that is refused for good is over."""
        failures: list[Refused] = []

        async def one(op: Op) -> None:
            try:
                await self._writer.submit(op)
            except Refused as refused:
                if refused.temporary:
                    failures.append(refused)

        async with asyncio.TaskGroup() as tasks:
            for op in ops:
                tasks.create_task(one(op))
        if failures:
            raise failures[0]

    async def _later(self, kind: str, dedupe: str, payload: Struct) -> None:
        await wishes.add(self._kept, Wish(kind, dedupe, None, self._clock.now_ms(), payload))


def _is_stale(notice: Notice, event: EventHead) -> bool:
    """Whether there is nothing left to say: it is over, and how it ended has been told."""
    if notice.state is NoticeState.cancelled:
        return event.state is not EventState.cancelled
    return event.state in OVER


def _op(notice: Notice, event: EventHead, person: PersonId) -> Op:
    in_log = notice.state is not NoticeState.starts_soon
    says = Body(
        room=notice.room,
        state=notice.state.value,
        title=event.title,
        at_seq=notice.seq if in_log else None,
        changed=notice.changed or None,
    )
    return hosting.notice(person, f"{notice.state}:{notice.room}:{notice.seq}", says)
