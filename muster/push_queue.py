"""The queue of pushes: what falls due when, who works on it, and what could not be done.

    put --> due set --when its time has come--> lane of its priority --take--> worker --done | again | dead-->

One queue per provider; its jobs name a person and a room, and never say what to send: that is judged at the
time. A
person and room is there once, at its earliest time. Whoever took a job and died is taken over from. Everything
in it may be lost
(muster/owed.py finds it again) and is then said so: `Lost`.

Owns this contract. stores/redis keeps the queue in Redis, tests/fakes/push_queue.py in memory; both pass
tests/contracts/test_push_queue.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, IntEnum
from typing import NamedTuple, Protocol
from uuid import UUID

from muster.owed import Key


class Unreachable(Exception):
    """Redis did not answer as it should; what was asked may have been done or not."""


class Priority(IntEnum):
    """What is taken first."""

    urgent = 0
    ordinary = 1
    silent = 2
    """Nothing rings: read elsewhere, badges."""


class Wish(NamedTuple):
    """Look at this at `at_ms` (by the queue's clock; 0: now)."""

    key: Key
    priority: Priority
    at_ms: int


class Job(NamedTuple):
    """A wish whose time has come. `receipt` is the queue's own; `attempts`: how often somebody took it."""

    key: Key
    priority: Priority
    receipt: bytes
    attempts: int


class Dead(NamedTuple):
    """A job that was given up; `id` names it for a replay."""

    id: bytes
    key: Key
    reason: str
    at_ms: int


class Claim(Enum):
    """May this message be sent to this device? sent: it was. torn: somebody began, and nobody knows how it
    ended.
    """

    mine = "mine"
    busy = "busy"
    sent = "sent"
    torn = "torn"


class Depth(NamedTuple):
    """How much waits and how old the oldest is, seconds past its time."""

    due: int
    waiting: tuple[int, int, int]
    taken: int
    oldest_s: float
    dead: int


class PushQueue(Protocol):
    """Every call raises `Unreachable` within a second or two, whatever happens."""

    async def put(self, wishes: Sequence[Wish]) -> None:
        """Each is there at its earliest time and highest priority, unless somebody has it in hand: then it
        follows.
        """
        ...

    async def take(self, most: int, wait_s: float) -> list[Job]:
        """Jobs that are due, the most urgent first, none of which anybody else has; may be empty."""
        ...

    async def done(self, jobs: Sequence[Job]) -> None:
        """These are over."""
        ...

    async def again(self, jobs: Sequence[tuple[Job, int]]) -> None:
        """These are to be looked at again at so many ms, by the queue's clock: in one step over, and put."""
        ...

    async def bury(self, job: Job, reason: str) -> None:
        """This one is given up: kept for a replay, 30 days and 10,000 at most."""
        ...

    async def dead(self, most: int) -> list[Dead]:
        """What was given up, the newest first."""
        ...

    async def replay(self, ids: Sequence[bytes]) -> int:
        """Put these again, now; how many were there."""
        ...

    async def claim(self, device: UUID, room: bytes, seq: int) -> Claim:
        """Before something is sent. A claim runs out by itself, and is then torn for whoever asks next."""
        ...

    async def release(self, device: UUID, room: bytes, seq: int, *, sent: bool) -> None:
        """After the provider's answer: it has it, or surely has not."""
        ...

    async def now_ms(self) -> int:
        """The queue's clock."""
        ...

    async def is_lost(self) -> bool:
        """Whether everything may have been lost since this was last asked: then all that is owed has to be put
        again.
        """
        ...

    async def depth(self) -> Depth:
        """For metrics."""
        ...
