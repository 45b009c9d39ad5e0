"""How often somebody may ask, over all processes: buckets that are shared, and what this process has taken of them.

    spend   at once, of what was taken before; None: somebody has to be asked
    take    the same, and asks: all that this process wants to know goes in one round trip, while which the next gathers

Of busy buckets some tokens are taken ahead (`Quota.lease`), so that most requests and all but a few frames ask nobody.
What that allows, of a bucket of `burst` tokens at `per_s`, in any stretch of T seconds by the clock of the shared ones:

    burst + per_s x (T + the longest round trip) + processes x kept      kept: two leases, or one charge if that is more

and no more than burst + per_s x T where nobody holds any at its beginning. What is forgotten only makes it fewer.
Where the shared buckets are out of reach each process has its own of the same rates, never none: then N processes
allow up to N times as much, besides, and nobody is shut out. Owns this. Must never block: a round trip has a deadline,
and after one that failed nobody waits for another until it has been seen to work.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, NoReturn, Protocol

from muster.breaker import Breaker
from muster.bucket import Buckets
from muster.clock import Clock
from muster.errors import Refused
from muster.quotas import LIFE_S, Charge, Quota
from muster.telemetry import get_logger
from proto.codes import Code

PURSES_MOST: Final = 50_000
WAITING_MOST: Final = 10_000
"""Beyond so many who wait for one round trip, the next decide here."""

LOOK_S: Final = 0.1
TRIES: Final = 3
_log = get_logger()


class Unreachable(Exception):
    """The shared buckets do not answer; what was asked may have been taken."""


class Want(NamedTuple):
    """`wanted` tokens of a bucket, or fewer, but not fewer than `least`."""

    charge: Charge
    least: float
    wanted: float


class Grant(NamedTuple):
    """What was taken, what is left, and when `least` would be there if less than was wanted was given."""

    tokens: float
    left: float
    wait_s: float


class SharedTolls(Protocol):
    """Buckets that all processes have in common. Raises `Unreachable` within a second."""

    async def take(self, wants: Sequence[Want]) -> list[Grant]:
        """Each by itself and atomically, in one round trip."""
        ...

    async def ping(self) -> None:
        """Whether all of it answers."""
        ...


class Standing(NamedTuple):
    """Where somebody stands with the quota that is nearest to its end. `wait_s`: refused, so long; else 0."""

    quota: Quota | None
    left: float = 0.0
    wait_s: float = 0.0


class Overdrawn(Refused):
    """Too many requests, by which quota."""

    def __init__(self, standing: Standing) -> None:
        super().__init__(
            Code.too_many_requests,
            "too many requests; wait before the next",
            retry_after_ms=int(standing.wait_s * 1_000) + 1,
        )
        self.standing = standing


@dataclass(slots=True)
class _Purse:
    """What this process holds of one bucket, and what it was told."""

    tokens: float = 0.0
    until_s: float = 0.0
    left: float = 0.0
    shut_until_s: float = 0.0
    shut_for: float = 0.0
    is_asked: bool = False  # tokens ahead of need are on their way

    def held(self, now_s: float) -> float:
        return self.tokens if now_s < self.until_s else 0.0


_Key = tuple[str, bytes]


@dataclass(slots=True)
class _Round:
    """What the next round trip asks, and for whom."""

    wants: dict[_Key, Want] = field(default_factory=dict)
    waiting: list[tuple[Sequence[Charge], asyncio.Future[Standing | None]]] = field(
        default_factory=list
    )


FREE: Final = Standing(None)


class Tolls:
    """One process's. Without `run` it decides alone."""

    def __init__(
        self, shared: SharedTolls, breaker: Breaker, clock: Clock, *, on: bool = True
    ) -> None:
        self._shared = shared
        self._breaker = breaker
        self._clock = clock
        self._on = on
        self._alone = True
        self._purses: OrderedDict[_Key, _Purse] = OrderedDict()
        self._own: dict[str, Buckets] = {}
        self._round = _Round()
        self._woken = asyncio.Event()
        self.refused: Counter[str] = Counter()
        self.asked = 0
        self.decided_alone = 0

    @property
    def is_shared(self) -> bool:
        """Whether the shared buckets decide."""
        return not self._alone

    async def take(self, *charges: Charge) -> Standing:
        """Take all of it. Raises `Overdrawn`."""
        standing = self.spend(charges)
        for _ in range(TRIES):
            if standing is not None:
                break
            # Again where what was held before was spent or forgotten by the time that the rest was there.
            standing = await self._asked(charges)
        if standing is None:
            standing = self._spend_alone(charges, self._clock.monotonic())
        if standing.wait_s:
            raise Overdrawn(standing)
        return standing

    async def _asked(self, charges: Sequence[Charge]) -> Standing | None:
        """What the next round trip brings."""
        waiter: asyncio.Future[Standing | None] = asyncio.get_running_loop().create_future()
        self._gather(charges)
        self._round.waiting.append((charges, waiter))
        self._woken.set()
        return await waiter

    def spend(self, charges: Sequence[Charge]) -> Standing | None:
        """Take all of it or nothing, of what is held here. None: nobody knows yet."""
        if not self._on:
            return FREE
        now_s = self._clock.monotonic()
        if self._alone or len(self._round.waiting) >= WAITING_MOST:
            return self._spend_alone(charges, now_s)
        return self._spend_held(charges, now_s)

    async def run(self) -> NoReturn:
        """Ask for all, until cancelled; look for the shared buckets while they are away."""
        self._alone = False
        try:
            while True:
                if self._alone:
                    await self._look()
                else:
                    await self._woken.wait()
                    self._woken.clear()
                    await self._ask()
        finally:
            self._give_up(self._round)

    # Of what is held

    def _spend_held(self, charges: Sequence[Charge], now_s: float) -> Standing | None:
        lacks = False
        purses = []
        for charge in charges:
            quota = charge.quota
            purse = self._purses.get((quota.name, charge.key))
            if purse is None:
                lacks = True
                continue
            if purse.held(now_s) < charge.amount:
                if purse.shut_until_s > now_s and charge.amount >= purse.shut_for:
                    return self._refuse(quota, purse.shut_until_s - now_s)
                lacks = True
            purses.append(purse)
        if lacks:
            return None
        nearest, share = FREE, 2.0
        for charge, purse in zip(charges, purses, strict=True):
            purse.tokens -= charge.amount
            quota = charge.quota
            left = purse.tokens + purse.left
            if left < share * quota.rate.burst:
                share = left / quota.rate.burst
                nearest = Standing(quota, left)
            if purse.tokens < quota.lease / 2 and not (
                purse.is_asked or now_s < purse.shut_until_s
            ):
                self._ahead(charge, purse)
        return nearest

    def _ahead(self, charge: Charge, purse: _Purse) -> None:
        """Take more before it is needed."""
        key = charge.quota.name, charge.key
        if key not in self._round.wants and len(self._round.wants) < WAITING_MOST:
            self._round.wants[key] = Want(charge, 1.0, charge.quota.lease)
            purse.is_asked = True
            self._woken.set()

    def _gather(self, charges: Sequence[Charge]) -> None:
        now_s = self._clock.monotonic()
        wants = self._round.wants
        for charge in charges:
            key = charge.quota.name, charge.key
            purse = self._purses.get(key)
            if purse is not None and purse.held(now_s) >= charge.amount:
                continue
            known = wants.get(key)
            if known is None:
                ahead = 0.0 if purse is not None and purse.is_asked else charge.quota.lease
                wants[key] = Want(charge, charge.amount, charge.amount + ahead)
            else:
                least = min(known.least, charge.amount)
                wants[key] = Want(charge, least, known.wanted + charge.amount)

    # Asking

    async def _ask(self) -> None:
        asked, self._round = self._round, _Round()
        try:
            grants = await self._shared.take(list(asked.wants.values()))
        except Unreachable:
            self._lost()
            self._give_up(asked)
            return
        except BaseException:
            self._give_up(asked)
            raise
        self._breaker.good()
        self.asked += 1
        now_s = self._clock.monotonic()
        for (key, want), grant in zip(asked.wants.items(), grants, strict=True):
            self._put(key, want, grant, now_s)
        for charges, waiter in asked.waiting:
            if not waiter.done():  # else who asked has gone
                waiter.set_result(self._spend_held(charges, now_s))
        for key, want in asked.wants.items():
            if (purse := self._purses.get(key)) is not None:
                # Of what nobody spent, because they had gone or another bucket refused them, little is kept.
                purse.tokens = min(purse.tokens, max(2 * want.charge.quota.lease, want.least))

    def _put(self, key: _Key, want: Want, grant: Grant, now_s: float) -> None:
        purse = self._purses.get(key)
        if purse is None:
            purse = self._purses[key] = _Purse()
            if len(self._purses) > PURSES_MOST:
                self._purses.popitem(last=False)
        else:
            self._purses.move_to_end(key)
        purse.tokens = purse.held(now_s) + grant.tokens
        purse.until_s = now_s + LIFE_S
        purse.left = grant.left
        purse.shut_until_s = now_s + grant.wait_s
        purse.shut_for = want.least
        purse.is_asked = False

    # Alone

    def _spend_alone(self, charges: Sequence[Charge], now_s: float) -> Standing:
        self.decided_alone += 1
        last = FREE
        for charge in charges:
            quota = charge.quota
            buckets = self._own.get(quota.name)
            if buckets is None:
                buckets = self._own[quota.name] = Buckets(quota.rate)
            wait_s = buckets.take(charge.key, now_s, charge.amount)
            if wait_s:
                return self._refuse(quota, wait_s)
            last = Standing(quota, buckets.held(charge.key))
        return last

    def _lost(self) -> None:
        self._alone = True
        self._breaker.fault("unreachable", self._clock.monotonic())
        _log.warning("limits are not shared: each process decides alone")

    async def _look(self) -> None:
        """After the breaker's pause, whether they are back."""
        wait_s = self._breaker.wait_s(self._clock.monotonic())
        if wait_s:
            await asyncio.sleep(min(wait_s, LOOK_S))
            return
        try:
            await self._shared.ping()
        except Unreachable:
            self._breaker.fault("unreachable", self._clock.monotonic())
        else:
            self._breaker.good()
            self._alone = False
            _log.info("limits are shared again")

    def _give_up(self, asked: _Round) -> None:
        """Nobody answers them: decided here."""
        self._alone = True
        now_s = self._clock.monotonic()
        for charges, waiter in asked.waiting:
            if not waiter.done():
                waiter.set_result(self._spend_alone(charges, now_s))

    def _refuse(self, quota: Quota, wait_s: float) -> Standing:
        self.refused[quota.name] += 1
        return Standing(quota, 0.0, wait_s)
