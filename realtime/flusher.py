"""Writes out every socket that something was pushed to: one write per socket per tick.

Owns the list of sockets to write. Must never decide what is written, or wait.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Flushable(Protocol):
    """A socket with something to write."""

    def flush(self) -> None: ...


class Flusher:
    """Sockets marked during a tick are flushed at its end; `soon` is the loop's call_soon."""

    __slots__ = ("_dirty", "_soon")

    def __init__(self, soon: Callable[[Callable[[], None]], object]) -> None:
        self._soon = soon
        self._dirty: list[Flushable] = []

    def mark(self, socket: Flushable) -> None:
        """Flush `socket` in this tick. The socket sees to it that it marks itself once."""
        if not self._dirty:
            self._soon(self.flush)
        self._dirty.append(socket)

    def flush(self) -> None:
        """Write out all that is marked."""
        dirty, self._dirty = self._dirty, []
        for socket in dirty:
            socket.flush()
