"""Wishes: the jobs that people ask for, before they fire.

Owns what a wish is, the id that makes the same wish twice one job, and the sentences for those that cannot be. Must
never fire anything (muster/jobs.py).
"""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple, Protocol
from uuid import UUID, uuid5

from msgspec import Struct

from muster.errors import Refused
from muster.ids import PersonId
from proto.codes import Code

WITHIN_DAYS: Final = 366
"""How far ahead a job may lie."""

_JOBS: Final = UUID("0b9f6e0a-8a3f-5a55-9a0e-5f1f3c1d7b42")


class Wish(NamedTuple):
    """A job to be added. `most`: how many of its kind its owner may have waiting; no owner (the service), no bound."""

    kind: str
    dedupe: str
    owner: PersonId | None
    due_ms: int
    payload: Struct
    most: int = 0

    @property
    def id(self) -> UUID:
        return uuid5(_JOBS, f"{self.kind}:{self.owner}:{self.dedupe}")


class Waiting(Struct, frozen=True, gc=False):
    """A job of somebody's that has not fired."""

    id: UUID
    due_ms: int
    payload: bytes


class Added(Enum):
    """What came of a wish, by Postgres' clock: `same` waits already, `far` is beyond WITHIN_DAYS."""

    added = "added"
    same = "same"
    past = "past"
    far = "far"
    full = "full"


class Dropped(Enum):
    """What came of taking a wish back."""

    dropped = "dropped"
    firing = "firing"
    missing = "missing"


class Wishes(Protocol):
    """Where people's jobs are kept."""

    async def add(self, wish: Wish) -> Added: ...

    async def waiting(self, kind: str, owner: PersonId, limit: int) -> list[Waiting]:
        """The first `limit`, in the order they are due."""
        ...

    async def drop(self, kind: str, owner: PersonId, job: UUID) -> Dropped: ...


async def add(wishes: Wishes, wish: Wish) -> bool:
    """Add it; false if the same waits already. Raises `Refused`."""
    match await wishes.add(wish):
        case Added.past:
            raise Refused(Code.bad_request, "`at_ms` has passed already")
        case Added.far:
            raise Refused(Code.bad_request, f"`at_ms` is more than {WITHIN_DAYS} days ahead")
        case Added.full:
            raise Refused(
                Code.limit_exceeded, f"one person may have {wish.most} of these waiting, not more"
            )
        case Added.added | Added.same as added:
            return added is Added.added


async def drop(wishes: Wishes, kind: str, owner: PersonId, job: UUID) -> None:
    """Take it back. Raises `Refused`: `not_found`, or `conflict` where it is being done at this moment."""
    match await wishes.drop(kind, owner, job):
        case Dropped.missing:
            raise Refused(Code.not_found, "nothing of yours waits under this id")
        case Dropped.firing:
            raise Refused(Code.conflict, "this is being done at this moment")
        case Dropped.dropped:
            return
