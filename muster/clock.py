"""The clock, passed in wherever time matters so that tests can move it.

Owns the two kinds of time. Must never mix them: wall time is shown and stored, monotonic time measures.
"""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Both kinds of time."""

    def now_ms(self) -> int:
        """Wall time, Unix milliseconds."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment; only differences mean anything."""
        ...


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()
