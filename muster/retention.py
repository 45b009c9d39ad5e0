"""Retention: what has lain for as long as the operator said goes.

Messages by the kind of their room, sessions that are over, and why moderators did something. What hangs on messages
goes with them; a log then begins after its `floor`, and whoever asks for what was before is told where it begins. Every
round wishes for the next one first, and says behind which room it left off. Owns how often and how much at a time. Must
never remove what is younger than was said, or a part from the middle of a log.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final, NamedTuple, Protocol
from uuid import UUID

import msgspec
from msgspec import Struct

from muster import wishes
from muster.clock import Clock
from muster.errors import Refused
from muster.ids import RoomId
from muster.jobs import Job
from muster.metrics import PrivacyMetrics
from muster.permission import RoomKind
from muster.rounds import Portion, next_round
from muster.telemetry import get_logger
from muster.wishes import Wishes

KIND: Final = "retention"
EVERY_S: Final = 60
WORK_S: Final = 4.0
ROOMS_MOST: Final = 200
BATCH: Final = 200
_START: Final = UUID(int=0)
_log = get_logger()


class Round(Struct, frozen=True):
    """Behind which room the round before left off."""

    after: UUID = _START


class Old(NamedTuple):
    """A room that was looked at, and whether its oldest entry has lain long enough."""

    room: RoomId
    days: float
    is_old: bool


class Terms(NamedTuple):
    """How long things stay, in days."""

    rooms: Mapping[RoomKind, float]
    sessions: float
    reasons: float


class RetentionStore(Protocol):
    """Where it lies. All raise `Refused`: `unavailable`."""

    async def rooms(self, days: Mapping[RoomKind, float], after: UUID, most: int) -> list[Old]:
        """The next rooms of these kinds, in order of ids."""
        ...

    async def retain(self, room: RoomId, days: float, most: int) -> int:
        """Remove entries that are older; how many."""
        ...

    async def sessions(self, days: float, most: int) -> int: ...

    async def reasons(self, days: float, most: int) -> int: ...


class Retention:
    """Removes what is old."""

    def __init__(
        self,
        store: RetentionStore,
        kept: Wishes,
        clock: Clock,
        metrics: PrivacyMetrics,
        terms: Terms,
    ) -> None:
        self._store = store
        self._wishes = kept
        self._clock = clock
        self._metrics = metrics
        self._terms = terms

    async def begin(self, after: UUID = _START) -> None:
        """See to it that there is a next round. Raises `Refused`: `unavailable`."""
        await wishes.add(self._wishes, next_round(KIND, EVERY_S, self._clock, Round(after)))

    async def fire(self, job: Job) -> None:
        """One round. A muster.jobs.Handler: a second time it finds less to do.

        Should it die, the next round begins with the first room again, which costs a look.
        """
        after = msgspec.json.decode(job.payload, type=Round).after
        try:
            after = await self.round(after)
        except BaseException:
            await self.begin()
            raise
        await self.begin(after)

    async def round(self, after: UUID = _START) -> UUID:
        """Remove what is old, for a few seconds; behind which room it left off (all zeros: it came to the end)."""
        until = self._clock.monotonic() + WORK_S
        gone = await self._store.sessions(self._terms.sessions, BATCH)
        self._metrics.retained.labels("sessions").inc(gone)
        gone = await self._store.reasons(self._terms.reasons, BATCH)
        self._metrics.retained.labels("reasons").inc(gone)
        if not self._terms.rooms:
            return _START
        while rooms := await self._store.rooms(self._terms.rooms, after, ROOMS_MOST):
            for old in rooms:
                if old.is_old and not await self._retain(old, until):
                    return after
                after = old.room
                if self._clock.monotonic() >= until:
                    return after
        return _START

    async def _retain(self, old: Old, until: float) -> bool:
        """Whether that room is done with. One that does not let itself be is left: it keeps no other waiting."""
        portion, retain = Portion(BATCH), partial(self._store.retain, old.room, old.days)
        try:
            while gone := await portion.of(retain):
                self._metrics.retained.labels("entries").inc(gone)
                if self._clock.monotonic() >= until:
                    return False
        except Refused as refused:
            _log.warning("room not retained", room=str(old.room), code=refused.code.name)
        return True
