"""Writes out every socket that something was pushed to: one write per socket per tick.

Owns the list of sockets to write, and that the sockets of a very large room do not hold up everybody else's. Must
never decide what is written, or wait.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

SLICE: Final = 250
"""Sockets written to before the loop looks at anything else: about 2 ms, at 8 to 9 microseconds a write.

A post takes five or six turns of the loop from its socket to those of its room, and each may have a slice in it.
"""

LEAST: Final = SLICE // 8
"""Of those left over from earlier ticks at least so many are written, however much is new."""


class Flushable(Protocol):
    """A socket with something to write."""

    def flush(self) -> None: ...


class Flusher:
    """Sockets marked during a tick are flushed at its end; `soon` is the loop's call_soon.

    What is more than a slice goes on in the next ticks, behind whoever was marked since: what else comes in between is
    written at once, and frames of one socket keep their order whenever it is flushed.
    """

    __slots__ = ("_backlog", "_called", "_dirty", "_soon")

    def __init__(self, soon: Callable[[Callable[[], None]], object]) -> None:
        self._soon = soon
        self._dirty: list[Flushable] = []
        self._backlog: deque[Flushable] = deque()
        self._called = False

    def mark(self, socket: Flushable) -> None:
        """Flush `socket` soon. The socket sees to it that it marks itself once."""
        if not self._called:
            self._called = True
            self._soon(self._tick)
        self._dirty.append(socket)

    def _tick(self) -> None:
        """Flush a slice: of what was marked the last first, for a large room's sockets come before what follows it."""
        self._called = False
        dirty, self._dirty = self._dirty, []
        backlog = self._backlog
        if len(dirty) > SLICE:
            backlog.extend(dirty[:-SLICE])
            dirty = dirty[-SLICE:]
        room = max(SLICE - len(dirty), LEAST)
        for socket in dirty:
            socket.flush()
        while backlog and room:
            backlog.popleft().flush()
            room -= 1
        if backlog and not self._called:
            self._called = True
            self._soon(self._tick)
