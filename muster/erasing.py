"""Erasing: somebody is forgotten, step by step, wherever something of them lies.

    ask     a row that says from when on; all sessions end at once. Until then to log in takes it back
    round   whose time has come: the steps below, in order, each in small batches
    done    the row stays, with the id and times: it proves that it was done

A step may be done again after it was done, so a process may die at any point, and two may be at it at once: where one
left off stands in Postgres. Everything that others see goes first and is told through the logs; what the logs
themselves still say goes once everybody was told. Every round wishes for the next one first. Owns the steps, their
order, and how much is done at a time. What each removes, the rules say (muster/holdings.py). Must never touch a row of
anybody else but to take their words about this person out.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import StrEnum
from functools import partial
from typing import Final, NamedTuple, Protocol
from uuid import UUID

from muster import wishes
from muster.clock import Clock
from muster.depot import Depot, archive_key, keys_of
from muster.ids import PersonId, RoomId
from muster.jobs import Job
from muster.metrics import PrivacyMetrics
from muster.rounds import Portion, next_round
from muster.wishes import Wishes

KIND: Final = "erasures"
EVERY_S: Final = 10
WORK_S: Final = 4.0
"""Of a round's time; a batch that has begun is finished, and the round is well within a job's deadline."""

PEOPLE_MOST: Final = 20
BATCH: Final = 100
OBJECTS: Final = 10
"""Media, or copies, of a batch: the depot takes one deadline for all of their keys, and S3 removes one at a time."""

SETTLE_S: Final = 60.0
"""Until every hub has published and every process has read what the first steps told."""


class Step(StrEnum):
    """What is done, in this order. A name stands in Postgres: never rename one."""

    person = "person"
    contacts = "contacts"
    rooms = "rooms"
    settle = "settle"
    traces = "traces"
    media = "media"
    copies = "copies"
    elsewhere = "elsewhere"
    reports = "reports"
    audit = "audit"
    rows = "rows"
    self_log = "self_log"
    members = "members"


STEPS: Final = tuple(Step)
_BATCHED: Final = frozenset(
    {Step.contacts, Step.reports, Step.audit, Step.rows, Step.self_log, Step.members}
)


class Erasure(NamedTuple):
    """Somebody whose time has come: at which step it is, behind which room, and for how long."""

    person: PersonId
    step: Step
    after: RoomId | None
    step_age_s: float


class Stored(NamedTuple):
    """An object in the depot, by what its keys are made of."""

    id: UUID
    secret: str


class ErasureStore(Protocol):
    """What is done in Postgres. All raise `Refused`: `unavailable`, and may be asked again."""

    async def begun(self, most: int) -> list[Erasure]:
        """Whose time has come; from now on nothing takes it back."""
        ...

    async def reached(self, person: PersonId, step: Step, after: RoomId | None) -> None:
        """Everything before this step, and before this room in it, is done."""
        ...

    async def done(self, person: PersonId) -> None: ...

    async def forget_person(self, person: PersonId) -> None:
        """No name, no handle, no way in."""
        ...

    async def batch(self, step: Step, person: PersonId, most: int) -> int:
        """A part of a step that goes by batches; how much. 0: it is done."""
        ...

    async def rooms(self, person: PersonId, after: RoomId | None, most: int) -> list[RoomId]:
        """Rooms they are or were in, in order of ids, without their own log."""
        ...

    async def words(self, person: PersonId, room: RoomId, most: int) -> int:
        """Take back what they said and chose in a room; how much. 0: nothing is left."""
        ...

    async def leave(self, person: PersonId, room: RoomId) -> None: ...

    async def traces(self, person: PersonId, room: RoomId, most: int) -> int:
        """Empty what entries of theirs still say; how many. 0: nothing is left."""
        ...

    async def media(self, person: PersonId, most: int) -> list[Stored]: ...

    async def forget_media(self, media: Sequence[UUID]) -> None: ...

    async def copies(self, person: PersonId, most: int) -> list[Stored]: ...

    async def forget_copies(self, copies: Sequence[UUID]) -> None: ...


class Elsewhere(Protocol):
    """What is kept of people outside Postgres and the depot."""

    async def forget(self, person: PersonId) -> None:
        """Raises `Refused`: `unavailable`."""
        ...


class Tools(NamedTuple):
    """What erasing works with."""

    depot: Depot
    elsewhere: Elsewhere
    metrics: PrivacyMetrics


class Erasing:
    """Forgets people."""

    def __init__(
        self,
        store: ErasureStore,
        tools: Tools,
        kept: Wishes,
        clock: Clock,
        settle_s: float = SETTLE_S,
    ) -> None:
        self._store = store
        self._tools = tools
        self._wishes = kept
        self._clock = clock
        self._settle_s = settle_s
        by_itself: dict[Step, Callable[[Erasure, float], Awaitable[bool]]] = {
            Step.person: self._person,
            Step.rooms: self._rooms,
            Step.settle: self._settle,
            Step.traces: self._traces,
            Step.media: self._media,
            Step.copies: self._copies,
            Step.elsewhere: self._elsewhere,
        }
        self._does: Mapping[Step, Callable[[Erasure, float], Awaitable[bool]]] = by_itself

    async def begin(self) -> None:
        """See to it that there is a next round. Raises `Refused`: `unavailable`."""
        await wishes.add(self._wishes, next_round(KIND, EVERY_S, self._clock))

    async def fire(self, _job: Job) -> None:
        """One round. A muster.jobs.Handler: a second time it goes on where the first one was."""
        await self.begin()
        await self.round()

    async def round(self) -> int:
        """Go on with whose time has come, for a few seconds; how many are done now. Raises `Refused`: `unavailable`."""
        until = self._clock.monotonic() + WORK_S
        done = 0
        fault: Exception | None = None
        for one in await self._store.begun(PEOPLE_MOST):
            if self._over(until):
                break
            try:
                done += await self._go_on(one, until)
            except Exception as error:  # noqa: BLE001  # raised below: what is wrong with one keeps no other waiting
                fault = error
        if fault is not None:
            raise fault
        return done

    async def _go_on(self, one: Erasure, until: float) -> bool:
        """True: they are forgotten."""
        for step in STEPS[STEPS.index(one.step) :]:
            if step is not one.step:
                await self._store.reached(one.person, step, None)
                one = Erasure(one.person, step, None, 0.0)
            work = self._batches if step in _BATCHED else self._does[step]
            if not await work(one, until):
                return False
        await self._store.done(one.person)
        self._tools.metrics.erasures.labels("done").inc()
        return True

    # Each of these: true when the step is done, false when the time is over.

    async def _batches(self, one: Erasure, until: float) -> bool:
        while await self._store.batch(one.step, one.person, BATCH):
            if self._over(until):
                return False
        return True

    async def _person(self, one: Erasure, _until: float) -> bool:
        await self._store.forget_person(one.person)
        return True

    async def _rooms(self, one: Erasure, until: float) -> bool:
        return await self._through_rooms(one, until, self._store.words, leaving=True)

    async def _settle(self, one: Erasure, _until: float) -> bool:
        return one.step_age_s >= self._settle_s

    async def _traces(self, one: Erasure, until: float) -> bool:
        return await self._through_rooms(one, until, self._store.traces, leaving=False)

    async def _through_rooms(
        self,
        one: Erasure,
        until: float,
        take: Callable[[PersonId, RoomId, int], Awaitable[int]],
        *,
        leaving: bool,
    ) -> bool:
        after = one.after
        while rooms := await self._store.rooms(one.person, after, BATCH):
            for room in rooms:
                portion = Portion(BATCH)
                while await portion.of(partial(take, one.person, room)):
                    if self._over(until):
                        return False
                if leaving:
                    await self._store.leave(one.person, room)
                after = room
                await self._store.reached(one.person, one.step, after)
                if self._over(until):
                    return False
        return True

    async def _media(self, one: Erasure, until: float) -> bool:
        while found := await self._store.media(one.person, OBJECTS):
            # The bytes first: a row is all that knows of them.
            keys = [key for medium in found for key in keys_of(*medium)]
            await self._tools.depot.remove(keys)
            await self._store.forget_media([medium.id for medium in found])
            if self._over(until):
                return False
        return True

    async def _copies(self, one: Erasure, until: float) -> bool:
        while found := await self._store.copies(one.person, OBJECTS):
            await self._tools.depot.remove([archive_key(*copy) for copy in found])
            await self._store.forget_copies([copy.id for copy in found])
            if self._over(until):
                return False
        return True

    async def _elsewhere(self, one: Erasure, _until: float) -> bool:
        await self._tools.elsewhere.forget(one.person)
        return True

    def _over(self, until: float) -> bool:
        return self._clock.monotonic() >= until
