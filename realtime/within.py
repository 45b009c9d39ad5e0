"""A deadline for what a request waits for, on the wheel that all deadlines are on: no timer per request.

Owns one wait, and turning its end into `TimeoutError`. Must never swallow a cancellation that is somebody else's.
"""

from __future__ import annotations

import asyncio
from math import inf
from types import TracebackType
from typing import Self

from realtime.wheel import Wheel


class Within:
    """`with Within(wheel, at):` the block is given up at `at` (monotonic seconds; a turn of the wheel later at most).

    Raises `TimeoutError` then. It costs a third of `asyncio.timeout`, and its note stays on the wheel until `at`.
    """

    __slots__ = ("_at", "_cancelling", "_late", "_task", "_wheel", "wheel_tick")

    def __init__(self, wheel: Wheel, at: float) -> None:
        self._wheel = wheel
        self._at = at
        self._late = False
        self._cancelling = 0
        self._task: asyncio.Task[object] | None = None
        self.wheel_tick = -1

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        assert task is not None, "only a task can be given up"
        self._task = task
        self._cancelling = task.cancelling()
        self._wheel.schedule(self, self._at)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        task, self._task = self._task, None
        self._wheel.forget(self)
        if task is not None and self._late:
            mine = task.uncancel() <= self._cancelling
            if mine and kind is not None and issubclass(kind, asyncio.CancelledError):
                raise TimeoutError from error

    def due(self, now: float) -> float:
        """The wheel's visit."""
        if now < self._at:
            return self._at
        if self._task is not None:
            self._late = True
            self._task.cancel()
        return inf
