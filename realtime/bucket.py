"""One bucket of one socket, as one number: a process holds several for each of ten thousand sockets.

Owns the arithmetic of rate and burst (GCRA: the time at which the bucket is full again). Pure: monotonic seconds
are passed in. muster/bucket.py holds buckets by key, for those who come and go.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from muster.bucket import Rate

_ROUNDING_S: Final = 1e-6
"""Adding and subtracting the time of day leaves an error of nanoseconds: no reason to refuse."""


class Bucket(Struct, gc=False):
    """Full at first. An infinite rate never refuses. The rate is shared by the buckets of all sockets."""

    _rate: Rate
    _full_at: float = 0.0

    def take(self, now: float, amount: float = 1.0, leave: float = 0.0) -> float:
        """Take `amount` tokens and answer 0; or take none and answer the seconds until they are there.

        `leave`: as many are to be left for others.
        """
        per_s, burst = self._rate
        full_at = max(self._full_at, now) + amount / per_s
        wait = full_at - now - (burst - leave) / per_s
        if wait > _ROUNDING_S:
            return wait
        self._full_at = full_at
        return 0.0

    def has(self, now: float, leave: float = 0.0) -> bool:
        """Whether one more token could be taken now."""
        per_s, burst = self._rate
        wait = max(self._full_at, now) + 1 / per_s - now - (burst - leave) / per_s
        return wait <= _ROUNDING_S

    def give_back(self, amount: float) -> None:
        """What was taken turned out to be worth less."""
        self._full_at -= amount / self._rate.per_s

    def charge(self, now: float, amount: float) -> float:
        """Take `amount` tokens that are spent already; the seconds until that debt is paid."""
        per_s, burst = self._rate
        self._full_at = max(self._full_at, now) + amount / per_s
        debt_s = self._full_at - now - burst / per_s
        return debt_s if debt_s > _ROUNDING_S else 0.0
