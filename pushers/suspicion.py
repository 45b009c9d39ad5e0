"""Suspicion: so many tokens are no tokens of this app that the fault must be ours: wrong world, key or app.

Owns the share at which that is believed. Pure.
"""

from __future__ import annotations

from collections import deque
from typing import Final

SEEN: Final = 100
ENOUGH: Final = 50
SHARE: Final = 0.8


class Suspicion:
    """Of one app at one provider."""

    def __init__(self) -> None:
        self._mistaken: deque[bool] = deque(maxlen=SEEN)

    def seen(self, *, mistaken: bool) -> bool:
        """One more answer about a token; whether the fault is ours."""
        self._mistaken.append(mistaken)
        bad = sum(self._mistaken)
        return len(self._mistaken) >= ENOUGH and bad >= SHARE * len(self._mistaken)

    def forget(self) -> None:
        """All is well again."""
        self._mistaken.clear()
