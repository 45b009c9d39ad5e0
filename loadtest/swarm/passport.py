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
    """Somebody's tokens. `renew_at` by the monotonic clock; never, where there is no `refresh_token` to do it with."""

    number: int
    token: str = field(repr=False)
    refresh_token: str = field(default="", repr=False)
    renew_at: float = inf

    def renewed(self, token: str, refresh_token: str, life_s: float, now: float) -> None:
        """New tokens in place of the old. They are stale a minute before their end, or at half of a shorter life."""
        self.token, self.refresh_token = token, refresh_token
        self.renew_at = now + max(life_s - RENEW_BEFORE_S, life_s / 2)

    def expired(self, now: float) -> None:
        """The server says that the token has ended, whatever our clock says."""
        if self.refresh_token:
            self.renew_at = now
