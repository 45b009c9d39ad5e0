"""Google's access tokens: given out for a while.

Owns which there are. Must never know how one is earned (oauth.py).
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from enum import Enum
from typing import Final

from muster.clock import Clock

MOST: Final = 1_000


class Access(Enum):
    """What a token is worth."""

    valid = "valid"
    expired = "expired"
    unknown = "unknown"


class AccessTokens:
    """`life_s` holds for those that are given out from now on."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until_ms: OrderedDict[str, int] = OrderedDict()
        self.life_s = 3_600

    def give(self) -> str:
        token = f"ya29.{secrets.token_urlsafe(96)}"
        self._until_ms[token] = self._clock.now_ms() + self.life_s * 1_000
        if len(self._until_ms) > MOST:
            self._until_ms.popitem(last=False)
        return token

    def worth(self, token: str) -> Access:
        until_ms = self._until_ms.get(token)
        if until_ms is None:
            return Access.unknown
        return Access.valid if self._clock.now_ms() < until_ms else Access.expired

    def revoke(self) -> None:
        """All of them, as when a service account is disabled."""
        self._until_ms.clear()
