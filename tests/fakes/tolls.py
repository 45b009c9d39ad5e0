"""Tolls and attempts of this process alone, with the clock that a test gives; passes the suite of the real ones."""

from __future__ import annotations

from collections.abc import Sequence
from math import floor

from muster.attempts import Ask, Count, State, Verdict, begin, settled
from muster.clock import Clock
from muster.tolls import Grant, Unreachable, Want

_ROUNDING = 1e-6


class FakeTolls:
    """What several processes of a test have in common. `away`: nobody reaches it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._full_at: dict[bytes, float] = {}
        self._states: dict[bytes, State] = {}
        self._known: dict[bytes, float] = {}
        self.away = False
        self.rounds = 0

    async def take(self, wants: Sequence[Want]) -> list[Grant]:
        await self.ping()
        self.rounds += 1
        return [self._take(want) for want in wants]

    async def ping(self) -> None:
        if self.away:
            raise Unreachable

    async def attempt(self, asks: Sequence[Ask]) -> list[Verdict]:
        await self.ping()
        found = []
        for ask in asks:
            state, verdict = begin(
                self._states.get(ask.digest, State()), ask.bound, self._clock.monotonic()
            )
            self._states[ask.digest] = state
            found.append(verdict)
        return found

    async def settle(self, asks: Sequence[Ask], count: Count) -> None:
        await self.ping()
        for ask in asks:
            known = self._states.get(ask.digest, State())
            self._states[ask.digest] = settled(known, count, self._clock.monotonic())

    async def know(self, digest: bytes, life_s: float) -> None:
        await self.ping()
        self._known[digest] = self._clock.monotonic() + life_s

    async def knows(self, digest: bytes) -> bool:
        await self.ping()
        return self._known.get(digest, 0.0) > self._clock.monotonic()

    async def close(self) -> None:
        """As the real one."""

    def _take(self, want: Want) -> Grant:
        per_s, burst = want.charge.quota.rate
        now, key = self._clock.monotonic(), want.charge.digest
        debt_s = max(self._full_at.get(key, now) - now, 0.0)
        held, given = burst - debt_s * per_s, 0.0
        if held + _ROUNDING >= want.wanted:
            given = want.wanted
        elif held + _ROUNDING >= want.least:
            given = floor(held / want.least + _ROUNDING) * want.least
        self._full_at[key] = now + debt_s + given / per_s
        held = max(held - given, 0.0)
        wait_s = (want.least - held) / per_s if given < want.wanted else 0.0
        return Grant(given, held, max(wait_s, 0.0))
