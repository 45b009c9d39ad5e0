"""A deadline for others, which does not count against them what this process itself stood still.

A loop that wakes after a pause (a stolen processor, SIGSTOP) finds every deadline over, though the answers may lie in
its sockets, unread. So a deadline that fires late lets the loop read once more before it is one; once, for a loop that
is always late must not wait for ever.

Owns this rule. Must never be used where time itself is waited for: asyncio.timeout is for that.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Final, Self

LATE_S: Final = 0.2
"""A loop that is only busy is not as late as this."""

GRACE_S: Final = 0.2


class Deadline:
    """`async with Deadline(within_s)`: raises `TimeoutError` like asyncio.timeout."""

    __slots__ = ("_due_s", "_excused", "_handle", "_loop", "_timeout", "_within_s")

    def __init__(self, within_s: float) -> None:
        self._within_s = within_s
        self._excused = False
        self._timeout = asyncio.timeout(None)

    async def __aenter__(self) -> Self:
        await self._timeout.__aenter__()
        self._loop = asyncio.get_running_loop()
        self._due_s = self._loop.time() + self._within_s
        self._handle = self._loop.call_at(self._due_s, self._due)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._handle.cancel()
        await self._timeout.__aexit__(kind, error, trace)

    def _due(self) -> None:
        now_s = self._loop.time()
        if now_s - self._due_s > LATE_S and not self._excused:
            self._excused = True
            self._handle = self._loop.call_at(now_s + GRACE_S, self._due)
        else:
            self._timeout.reschedule(now_s)
