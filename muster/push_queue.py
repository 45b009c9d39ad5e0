"""The queue of pushes: what falls due when, who works on it, and what could not be done.

    put --> due set --when its time has come--> lane of its priority --take--> worker --done | again | bury-->

One queue per provider; its jobs name a person and a room, and never say what to send: that is judged at the time. A
person and room is there once, at its earliest time and highest priority. Whoever took a job has it until they say what
became of it, or were silent for so long that they must be dead (`HAND_S`): then others get it, and what the first one
says of it late counts for nothing. Saying the same twice does no harm.

What may go wrong, and who makes up for it:

- A worker dies: its jobs are taken over. What it began to send is told by the claims (`Claim.torn`).
- Redis loses everything, or fails over to a replica that lagged: `is_lost` says so once to every queue object, and all
  that is owed (muster/owed.py) is put again. Jobs may then be there that were over, and dead letters may be missing.
- Redis does not answer: `Unreachable`. What was put may be there; jobs that a lost answer named are taken over.

Owns this contract. stores/redis keeps the queue in Redis, tests/fakes/push_queue.py in memory; both pass
tests/contracts/test_push_queue.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, IntEnum
from typing import Final, NamedTuple, Protocol
from uuid import UUID

from muster.owed import Key
from muster.roll import Unreachable as Unreachable  # noqa: PLC0414  # one fault, whatever Redis was asked

HAND_S: Final = 60.0
"""Longer than any worker has a job in hand: it must send, and say what became of it, well within."""
CLAIM_S: Final = 30.0
"""Longer than any attempt at sending lasts."""
REMEMBERED_S: Final = 900.0
"""So long a claim is known, run out or sent: longer than it takes to say that a job is over, or to take it over."""
DEAD_MOST: Final = 10_000
DEAD_DAYS: Final = 30


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
    """A wish whose time has come. `receipt` is the queue's own; `attempts`: how often it was taken since it was put."""

    key: Key
    priority: Priority
    receipt: bytes
    attempts: int


class Dead(NamedTuple):
    """A job that was given up; `id` names it for a replay, in letters that can be typed.

    `notified`: up to where nothing was owed of it before. What came after is settled with the burial, so that it is not
    found again and again, and is owed anew by whoever replays it (stores/postgres/owed.py `reopen`, first).
    """

    id: bytes
    key: Key
    reason: str
    at_ms: int
    notified: int


class Sending(NamedTuple):
    """One message, about to be sent to one device."""

    device: UUID
    room: bytes
    seq: int


class Claim(Enum):
    """May this message be sent to this device? sent: it was. busy: somebody is at it. torn: somebody began, and nobody
    knows how it ended; the claim is the asker's now.
    """

    mine = "mine"
    busy = "busy"
    sent = "sent"
    torn = "torn"


class Depth(NamedTuple):
    """How much there is: not on a lane yet, waiting by priority, in somebody's hand, given up; and how old the oldest
    is that waits, seconds past its time.
    """

    due: int
    waiting: tuple[int, int, int]
    taken: int
    oldest_s: float
    dead: int


class PushQueue(Protocol):
    """Every call raises `Unreachable` within a second or two, whatever happens. Calls may overlap."""

    async def put(self, wishes: Sequence[Wish]) -> None:
        """Each is there at its earliest time and highest priority, unless somebody has it in hand: then it follows."""
        ...

    async def take(self, most: int, wait_s: float) -> list[Job]:
        """Jobs that are due, the most urgent first, none of which anybody else has; may be empty.

        Waits for the first one for about `wait_s`. Whoever is cancelled meanwhile may have taken some, as if it died.
        """
        ...

    async def done(self, jobs: Sequence[Job]) -> None:
        """These are over."""
        ...

    async def again(self, jobs: Sequence[tuple[Job, int]]) -> None:
        """These are to be looked at again at so many ms, by the queue's clock: in one step over, and put.

        With the priority and attempts that the job has here: who only waits for a better time says attempts 0.
        """
        ...

    async def bury(self, job: Job, reason: str, notified: int) -> None:
        """This one is given up: kept for a replay, 30 days and 10,000 at most."""
        ...

    async def dead(self, most: int) -> list[Dead]:
        """What was given up, the newest first."""
        ...

    async def replay(self, ids: Sequence[bytes]) -> int:
        """Put these again, now; how many were there."""
        ...

    async def claim(self, sendings: Sequence[Sending]) -> list[Claim]:
        """Before something is sent. A claim runs out by itself, and is then torn for whoever asks next."""
        ...

    async def release(self, ended: Sequence[tuple[Sending, bool]]) -> None:
        """After the provider's answer: it has it (true), or surely has not. Of a claim that others have by now only the
        former is noted.
        """
        ...

    async def now_ms(self) -> int:
        """The queue's clock."""
        ...

    async def is_lost(self) -> bool:
        """Whether everything may have been lost since this was last asked, or it was never asked: then all that is owed
        has to be put again.
        """
        ...

    async def depth(self) -> Depth:
        """For metrics."""
        ...

    async def close(self) -> None:
        """Let go of every connection."""
        ...
