"""What came of one step's posts, in one process.

Owns the counts and the times. Must never decide when a post is due (schedule.py does).
"""

from __future__ import annotations

from array import array
from collections import Counter
from math import ceil
from typing import Final

from loadtest.bench.orders import Result, Step
from loadtest.bench.schedule import OpenLoop

_MOST_US: Final = 2**32 - 1


class Tally:
    """The books of one step. Times are CLOCK_MONOTONIC seconds, posts are named by their number."""

    def __init__(self, step: Step, loop: OpenLoop) -> None:
        self._loop = loop
        self._from = step.start_at + step.warm_s
        self._until = self._from + step.run_s
        self._ack_us = array("I")
        self._late_us = array("I")
        self._same_us = array("I")
        self._cross_us = array("I")
        self._apart_us = array("I")
        self._acked_at: dict[int, float] = {}
        self._arrivals: list[tuple[int, float]] = []
        self._acked = self._delivered = self._answered = 0
        self._refused: Counter[int] = Counter()

    def left(self, number: int, now: float) -> None:
        """A post was handed to the kernel, or nearly."""
        due = self._loop.due_at(number)
        if due >= self._from:
            self._late_us.append(_us(now - due))

    def acked(self, number: int, now: float) -> None:
        """A post has its answer: it is committed."""
        self._answered += 1
        self._acked += self._from <= now < self._until
        due = self._loop.due_at(number)
        if due >= self._from:
            self._ack_us.append(_us(now - due))
            self._acked_at[number] = now

    def refused(self, code: int) -> None:
        """A post has its answer: it is not."""
        self._answered += 1
        self._refused[code] += 1

    def delivered(self, count: int, now: float) -> None:
        """So many entries came in one read."""
        if self._from <= now < self._until:
            self._delivered += count

    def arrived(self, due: float, now: float, *, across: bool, apart: bool = False) -> None:
        """A post of anybody's, due then, was delivered to one member."""
        if due >= self._from:
            beside = self._cross_us if across else self._same_us
            (self._apart_us if apart else beside).append(_us(now - due))

    def heard(self, number: int, now: float) -> None:
        """A post of this process's was delivered to one of its own members."""
        if self._loop.due_at(number) >= self._from:
            self._arrivals.append((number, now))

    @property
    def complete(self) -> bool:
        """Whether every post has its answer."""
        return self._answered >= self._loop.total

    def result(self, lost_sockets: int) -> Result:
        """The books, closed."""
        after_us = array(
            "I",
            (
                _us(now - self._acked_at[number])
                for number, now in self._arrivals
                if number in self._acked_at
            ),
        )
        return Result(
            len(self._late_us),
            self._acked,
            self._delivered,
            self._loop.total - self._answered,
            dict(self._refused),
            lost_sockets,
            self._ack_us.tobytes(),
            self._late_us.tobytes(),
            self._same_us.tobytes(),
            self._cross_us.tobytes(),
            after_us.tobytes(),
            self._apart_us.tobytes(),
        )


def _us(seconds: float) -> int:
    return min(_MOST_US, max(0, ceil(seconds * 1e6)))
