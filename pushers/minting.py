"""The token with which a provider knows us: made seldom, by one, used by all.

    token --fresh here--> it
          --on the shelf--> it        (muster/token_shelf.py: all processes of one account)
          --neither--> made, and put on the shelf

Owns when a token is made: one maker at a time however many wait, a failure answers all who wait, and not again within
RETRY_S. One that is due to be renewed and cannot be serves on until it expires. A token that the provider refused is
given up once, and only if it is not quite new: else the fault lies elsewhere. Must never be logged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, NamedTuple

from muster.clock import Clock
from muster.telemetry import get_logger
from muster.token_shelf import TokenShelf, Unreachable

RETRY_S: Final = 5.0
_log = get_logger()


class Minted(NamedTuple):
    """`renew_s`: after this another one is made."""

    token: str
    renew_s: float


class Unminted(Exception):
    """No token. `fault`: our key or account is refused; else it may work later."""

    def __init__(self, reason: str, *, fault: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.fault = fault


Mint = Callable[[], Awaitable[Minted]]
"""Makes one. Raises `Unminted`."""


class Account(NamedTuple):
    """`name`: of the shelf. `life_s`, `grace_s`: for how long a token is used, and serves on if need be.

    `least_age_s`: a younger one that is refused is not given up.
    """

    name: str
    life_s: float
    grace_s: float
    least_age_s: float


class Tokens:
    """The tokens of one account."""

    def __init__(self, account: Account, mint: Mint, shelf: TokenShelf, clock: Clock) -> None:
        self._account = account
        self._mint = mint
        self._shelf = shelf
        self._clock = clock
        self._making = asyncio.Lock()
        self._token = ""
        self._renew_s = float("-inf")
        self._failed: Unminted | None = None
        self._failed_s = float("-inf")

    @property
    def age_s(self) -> float:
        """Of the token in use; infinite if there is none."""
        if not self._token:
            return float("inf")
        return self._account.life_s - (self._renew_s - self._clock.monotonic())

    @property
    def fresh(self) -> str:
        """The one in use, if it is not to be renewed; else empty."""
        return self._token if self._clock.monotonic() < self._renew_s else ""

    async def token(self) -> str:
        """One that is good now. Raises `Unminted`."""
        if self._clock.monotonic() < self._renew_s:
            return self._token
        async with self._making:
            if self._clock.monotonic() < self._renew_s:  # somebody made one while this one waited
                return self._token
            if self._failed is None or self._clock.monotonic() >= self._failed_s + RETRY_S:
                await self._renew()
            serves_on = self._clock.monotonic() < self._renew_s + self._account.grace_s
            if self._failed is not None and not (self._token and serves_on):
                raise self._failed
            return self._token

    async def refused(self, token: str) -> bool:
        """The provider says that this one is over; whether it is worth coming again with another."""
        if token != self._token:
            return True
        if self.age_s < self._account.least_age_s:
            return False
        self._token, self._renew_s = "", float("-inf")
        try:
            await self._shelf.drop(self._account.name, token)
        except Unreachable:
            _log.warning("the shelf of push tokens is out of reach")
        return True

    async def _renew(self) -> None:
        name = self._account.name
        try:
            lies = await self._shelf.get(name)
        except Unreachable:
            _log.warning("the shelf of push tokens is out of reach")
            lies = None
        try:
            if lies is None:
                minted = await self._mint()
                token, left_s = minted.token, minted.renew_s
                with suppress(Unreachable):  # said above; ours serves us
                    token, left_s = await self._shelf.put(name, token, left_s)
            else:
                token, left_s = lies
        except Unminted as unminted:
            self._failed, self._failed_s = unminted, self._clock.monotonic()
            return
        self._failed = None
        self._token, self._renew_s = token, self._clock.monotonic() + left_s
