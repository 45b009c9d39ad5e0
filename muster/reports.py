"""Reports: somebody tells whoever watches over a room, and staff, about a person or a message.

Owns what a report holds, and how one is taken and settled; the reported message is kept as it was. Must never tell
the reported, nor a room's moderators who reported: they may know each other.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, Protocol
from uuid import UUID

from msgspec import Struct

from muster import cursor
from muster.clock import Clock
from muster.errors import Refused, not_found
from muster.ids import PersonId, Random, RoomId, uuid7
from muster.people import unknown_person
from muster.words import line
from proto.codes import Code

Reason = Literal["spam", "harassment", "violence", "sexual", "self_harm", "illegal", "other"]
State = Literal["open", "taken", "unresolved", "resolved"]
Action = Literal["dismiss", "delete", "kick", "silence", "ban"]
NOTE_CHARS: Final = 1_000


class Report(Struct, frozen=True, gc=False, kw_only=True):
    """A report as its reviewers see it.

    `reporter` is null for a room's moderators. `evidence` is the message as it read then, `attachments` the media
    that hung on it: both are empty once `emptied`. `state`: open, taken, resolved.
    """

    id: UUID
    reporter: PersonId | None
    subject: PersonId
    room: RoomId | None
    seq: int | None
    evidence: str | None
    attachments: list[UUID]
    said_at_ms: int | None
    edited: bool
    reason: str
    note: str
    at_ms: int
    state: str
    taken_by: PersonId | None
    taken_at_ms: int | None
    closed_by: PersonId | None
    closed_at_ms: int | None
    action: str | None
    resolution: str
    emptied: bool


class ReportPage(Struct, frozen=True, gc=False):
    """A page of reports, the oldest first."""

    reports: list[Report]
    cursor: str | None


class Wanted(NamedTuple):
    """Which reports are asked for; None is any."""

    state: State = "unresolved"
    room: RoomId | None = None
    subject: PersonId | None = None
    reason: Reason | None = None


class Reviewer(NamedTuple):
    """Who asks: staff, or of `room` a moderator or owner. Postgres looks whether they are."""

    person: PersonId
    room: RoomId | None = None


class ReportStore(Protocol):
    """Where reports are kept."""

    async def add_person(
        self, report: UUID, by: PersonId, about: PersonId, reason: str, note: str
    ) -> bool:
        """False if there is no such person."""
        ...

    async def add_message(
        self, report: UUID, by: PersonId, room: RoomId, seq: int, reason: str, note: str
    ) -> bool:
        """False if the reporter may not see such a message."""
        ...

    async def page(
        self, by: Reviewer, wanted: Wanted, after: tuple[int, UUID] | None, limit: int
    ) -> list[Report]:
        """Those that `by` may review, the oldest first."""
        ...

    async def one(self, by: Reviewer, report: UUID) -> Report | None: ...

    async def settle(
        self, by: Reviewer, report: UUID, action: Action | None, resolution: str, *, over: bool
    ) -> str:
        """Take it (no action), or be done with it: `ok`, `same`, `conflict`, `not_found`."""
        ...


class Reports:
    """Takes reports in, and hands them to reviewers."""

    def __init__(self, store: ReportStore, clock: Clock, random: Random) -> None:
        self._store = store
        self._clock = clock
        self._random = random

    async def about_person(self, by: PersonId, about: PersonId, reason: Reason, note: str) -> UUID:
        """Report somebody. Raises `Refused`."""
        report = uuid7(self._clock.now_ms(), self._random)
        if not await self._store.add_person(report, by, about, reason, _note(note)):
            raise unknown_person()
        return report

    async def about_message(
        self, by: PersonId, room: RoomId, seq: int, reason: Reason, note: str
    ) -> UUID:
        """Report a message, and whoever wrote it. Raises `Refused`."""
        report = uuid7(self._clock.now_ms(), self._random)
        if not await self._store.add_message(report, by, room, seq, reason, _note(note)):
            raise not_found()
        return report

    async def page(self, by: Reviewer, wanted: Wanted, at: str | None, limit: int) -> ReportPage:
        """A page of the queue."""
        after = cursor.read(at) if at else None
        reports = await self._store.page(by, wanted, after, limit)
        last = reports[-1] if len(reports) == limit else None
        return ReportPage(reports, cursor.write(last.at_ms, last.id) if last else None)

    async def one(self, by: Reviewer, report: UUID) -> Report:
        """One of the queue. Raises `Refused`: `not_found`, whatever the reason."""
        found = await self._store.one(by, report)
        if found is None:
            raise _unknown()
        return found

    async def take(self, by: Reviewer, report: UUID, *, over: bool) -> Report:
        """It is mine to look at; `over`: even where it is somebody else's. Raises `Refused`."""
        await self._settle(by, report, None, "", over=over)
        return await self.one(by, report)

    async def close(self, by: Reviewer, report: UUID, action: Action, resolution: str) -> Report:
        """Somebody is done with it. Raises `Refused`."""
        await self._settle(by, report, action, _note(resolution), over=False)
        return await self.one(by, report)

    async def _settle(
        self, by: Reviewer, report: UUID, action: Action | None, resolution: str, *, over: bool
    ) -> None:
        answer = await self._store.settle(by, report, action, resolution, over=over)
        if answer == "not_found":
            raise _unknown()
        if answer == "conflict":
            raise taken()


def taken() -> Refused:
    """Another reviewer was first."""
    return Refused(Code.conflict, "another reviewer has this report, or is done with it")


def _unknown() -> Refused:
    return Refused(Code.not_found, "no such report")


def _note(note: str) -> str:
    return line("a note", note, NOTE_CHARS, breaks=True)
