"""How often a device may be pushed: allowances that all workers draw on together.

Providers punish whoever pushes one phone too often: Apple delivers two or three silent pushes an hour and then none,
Google takes 240 messages a minute and 5,000 an hour for one device. An allowance is a bucket of so many, into which one
more comes every so often. What is drawn is drawn, also if the push fails afterwards.

Owns the allowances and this contract. stores/redis keeps it in Redis, tests/fakes/push_budget.py in memory; both pass
tests/contracts/test_push_budget.py. If Redis loses it, every bucket is full again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol
from uuid import UUID


class Allowance(NamedTuple):
    """`burst` at once, and one more every `every_ms`. In any time t there are at most burst + t / every_ms, rounded
    down.
    """

    name: str
    burst: int
    every_ms: int


SILENT: Final = Allowance("silent", 2, 3_600_000)
"""No more than two in any hour."""
ALERT: Final = Allowance("alert", 120, 750)
"""At most 200 in any minute, 4,920 in any hour."""


class Draw(NamedTuple):
    """One push of this kind to this device."""

    device: UUID
    allowance: Allowance


class PushBudget(Protocol):
    """Raises `muster.push_queue.Unreachable` within a second or two, whatever happens. Calls may overlap."""

    async def draw(self, draws: Sequence[Draw]) -> list[int]:
        """Of each: 0, it was drawn; or nothing was, and so many milliseconds from now something will be there."""
        ...

    async def close(self) -> None:
        """Let go of every connection."""
        ...
