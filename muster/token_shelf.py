"""Where processes share a token that one of them made: a provider's access token, good for about an hour.

    get --nothing there--> make one --> put --> whichever was put first

Providers take a token that changes too often for an attack, so all processes use the same one. It lies there until
it is to be renewed, not until it expires. Owns this contract and the shelf of a single process. stores/redis keeps one
for all; both pass tests/contracts/test_token_shelf.py. Must never be logged.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from muster.clock import Clock


class Unreachable(Exception):
    """The shelf did not answer as it should; what was asked may have been done or not."""


class Shelved(NamedTuple):
    """`left_s`: after this it is to be renewed."""

    token: str
    left_s: float


class TokenShelf(Protocol):
    """Every call raises `Unreachable` within a second or two."""

    async def get(self, name: str) -> Shelved | None:
        """What lies there."""
        ...

    async def put(self, name: str, token: str, for_s: float) -> Shelved:
        """Lay it there unless something does; what lies there now, ours or another's."""
        ...

    async def drop(self, name: str, token: str) -> None:
        """Take it away, if it is still this one."""
        ...

    async def close(self) -> None:
        """Let go."""
        ...


class OwnShelf:
    """The shelf of one process, or of a test."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lies: dict[str, tuple[str, float]] = {}

    async def get(self, name: str) -> Shelved | None:
        token, until_s = self._lies.get(name, ("", 0.0))
        left_s = until_s - self._clock.monotonic()
        return Shelved(token, left_s) if token and left_s > 0 else None

    async def put(self, name: str, token: str, for_s: float) -> Shelved:
        there = await self.get(name)
        if there is not None:
            return there
        self._lies[name] = (token, self._clock.monotonic() + for_s)
        return Shelved(token, for_s)

    async def drop(self, name: str, token: str) -> None:
        if self._lies.get(name, ("", 0.0))[0] == token:
            del self._lies[name]

    async def close(self) -> None:
        self._lies.clear()
