"""One timing wheel for every deadline of every socket: an idle socket has no timer and no task.

Owns when a socket is looked at again. Must never know what a deadline means: `due` decides, and says when next.
A visit may be early (deadlines beyond the wheel, deadlines that moved), so `due` compares times itself.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from muster.clock import Clock


class Timed(Protocol):
    """Something with deadlines. `wheel_tick` is the wheel's own note: where it is scheduled; -1 nowhere."""

    wheel_tick: int

    def due(self, now: float) -> float:
        """Do what is due; answer when to look again (monotonic seconds; infinity: never)."""
        ...


class Wheel:
    """Slots of `resolution_s` each. A deadline is met at most one slot late, never early."""

    def __init__(self, clock: Clock, resolution_s: float = 0.25, slots: int = 512) -> None:
        self._clock = clock
        self._resolution_s = resolution_s
        self._slots: list[list[Timed]] = [[] for _ in range(slots)]
        self._tick = int(clock.monotonic() / resolution_s)

    def schedule(self, timed: Timed, at: float) -> None:
        """Look at `timed` at `at`, unless that happens sooner anyway."""
        farthest = self._tick + len(self._slots) - 1
        tick = farthest
        if at < farthest * self._resolution_s:
            tick = max(int(at / self._resolution_s) + 1, self._tick + 1)
        if timed.wheel_tick > self._tick and timed.wheel_tick <= tick:
            return
        timed.wheel_tick = tick
        self._slots[tick % len(self._slots)].append(timed)

    def forget(self, timed: Timed) -> None:
        """`timed` is gone; what lies in a slot still is passed over."""
        timed.wheel_tick = -1

    def advance(self, now: float) -> None:
        """Visit every slot up to `now`."""
        reached = int(now / self._resolution_s)
        # After a long stop (SIGSTOP) one turn visits everything there is.
        self._tick = max(self._tick, reached - len(self._slots))
        while self._tick < reached:
            self._tick += 1
            self._visit(self._tick, now)

    def _visit(self, tick: int, now: float) -> None:
        number = tick % len(self._slots)
        due, self._slots[number] = self._slots[number], []
        for timed in due:
            if timed.wheel_tick < 0 or timed.wheel_tick > tick:
                continue  # gone, or moved to another slot since
            timed.wheel_tick = -1
            again = timed.due(now)
            if again != float("inf"):
                self.schedule(timed, again)

    async def run(self) -> None:
        """Turn for ever."""
        while True:
            await asyncio.sleep(self._resolution_s)
            self.advance(self._clock.monotonic())
