"""When a client comes back after it lost its socket.

Owns the pause: full jitter under a doubling ceiling, after whatever the server asked for. Must
never sleep or read a clock itself.
"""

from __future__ import annotations

from random import Random
from typing import Final

BASE_S: Final = 0.5
CEILING_S: Final = 30.0
STABLE_S: Final = 10.0
"""A socket that lived this long ends the count of failures; a shorter one is one of them."""


class Backoff:
    """Counts failures in a row and says how long to wait after each."""

    def __init__(self, random: Random, base_s: float = BASE_S) -> None:
        self._random = random
        self._base_s = base_s
        self.failures = 0

    def pause_s(
        self, lived_s: float = 0.0, retry_after_ms: int | None = None, spread_ms: int = 0
    ) -> float:
        """The pause after a socket that lived `lived_s` seconds (0: it never came to be).

        The jitter comes on top of `retry_after_ms`: the server says not before, and everyone it
        told the same must not come at once. `spread_ms`: what `Ready` asked for, of a socket that broke.
        """
        if lived_s >= STABLE_S:
            self.failures = 0
        ceiling = min(CEILING_S, self._base_s * 2 ** min(self.failures, 16))
        if retry_after_ms is None:
            ceiling = max(ceiling, spread_ms / 1_000)
        self.failures += 1
        return (retry_after_ms or 0) / 1_000 + self._random.uniform(0.0, ceiling)
