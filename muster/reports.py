"""Reports: somebody tells staff about a person or a message.

Owns what a report holds; the reported message is kept as it read at that time. Must never tell the reported.
"""

from __future__ import annotations

from typing import Final, Literal, Protocol
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
NOTE_CHARS: Final = 1_000


class Report(Struct, frozen=True, gc=False):
    """A report as staff see it."""

    id: UUID
    reporter: PersonId
    subject: PersonId
    room: RoomId | None
    seq: int | None
    evidence: str | None
    reason: str
    note: str
    at_ms: int


class ReportPage(Struct, frozen=True, gc=False):
    """A page of open reports, the oldest first."""

    reports: list[Report]
    cursor: str | None


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

    async def open(self, after: tuple[int, UUID] | None, limit: int) -> list[Report]: ...

    async def close(self, report: UUID, by: PersonId) -> bool:
        """False if there is no such report. Closing twice keeps the first."""
        ...


class Reports:
    """Takes reports and hands them to staff."""

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

    async def open(self, at: str | None, limit: int) -> ReportPage:
        """A page of the reports nobody has closed."""
        reports = await self._store.open(cursor.read(at) if at else None, limit)
        last = reports[-1] if len(reports) == limit else None
        return ReportPage(reports, cursor.write(last.at_ms, last.id) if last else None)

    async def close(self, report: UUID, by: PersonId) -> None:
        """Staff are done with it. Raises `Refused`."""
        if not await self._store.close(report, by):
            raise Refused(Code.not_found, "no such report")


def _note(note: str) -> str:
    return line("a note", note, NOTE_CHARS, breaks=True)
