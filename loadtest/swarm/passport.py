"""What lets somebody in: an access token and, where there is one, what renews it.

Owns when it is renewed. Pure: the clock is passed in. Must never be printed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf
from typing import Final

RENEW_BEFORE_S: Final = 60.0


@dataclass(slots=True)
class Passport:
    """Somebody's tokens. `ends_at` by the monotonic clock; without a `refresh_token` nothing renews it."""

    number: int
    token: str = field(repr=False)
    refresh_token: str = field(default="", repr=False)
    ends_at: float = inf

    def stale(self, now: float) -> bool:
        """Whether to renew it now: a minute before its end, or at half of a shorter life."""
        return bool(self.refresh_token) and now >= self.renew_at

    @property
    def renew_at(self) -> float:
        """When it becomes stale; never, if nothing renews it."""
        return self.ends_at - RENEW_BEFORE_S if self.refresh_token else inf

    def renewed(self, token: str, refresh_token: str, ends_at: float) -> None:
        """New tokens in place of the old."""
        self.token, self.refresh_token, self.ends_at = token, refresh_token, ends_at
