"""Tries at a secret: the more of them failed, the longer the next has to wait.

    begin --> Attempt, counted as failed already, so that of many at once no more are made than of many in turn
              or `Refused`: not yet, whatever the secret is
    passed    it was right: the account is as new, and the address is given back this one
    void      nobody looked (the database is away): counted for nothing

Counted are an account from one address, an account from anywhere, and an address. An account is a name that somebody
typed: one that nobody has is counted and told alike. What an account suffers from anywhere stays short, and holds not
for an installation by which it was right before: that has a count of its own, lest strangers lock somebody out. Owns
the pauses. Must never know whether there is such an account, and never keep a name: digests.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Sequence
from enum import Enum
from hashlib import blake2b
from typing import Final, NamedTuple, Protocol

from muster.breaker import Breaker
from muster.bucket import network_of
from muster.clock import Clock
from muster.errors import Refused
from muster.tolls import Unreachable
from proto.codes import Code

STATES_MOST: Final = 20_000


class Bound(NamedTuple):
    """`free` tries, the last of which begins the first pause; each pause is twice the one before."""

    name: str
    free: int
    first_s: float
    most_s: float
    forget_s: float


PAIR: Final = Bound("account_and_address", 5, 1.0, 900.0, 3_600.0)
ACCOUNT: Final = Bound("account", 30, 1.0, 60.0, 3_600.0)
ADDRESS: Final = Bound("address_attempts", 100, 1.0, 300.0, 3_600.0)
INSTALL: Final = Bound("account_and_install", 5, 1.0, 900.0, 3_600.0)
"""Instead of ACCOUNT while that is shut, for an installation that is known."""

_ALWAYS: Final = (PAIR, ACCOUNT, ADDRESS)
BOUNDS: Final = (*_ALWAYS, INSTALL)

KNOWN_S: Final = 90 * 86_400.0
"""How long it is known by which installation an account was entered."""


class Count(Enum):
    """What a try came to after all."""

    passed = "passed"
    void = "void"


class Ask(NamedTuple):
    """One bound and whom it is kept for."""

    bound: Bound
    digest: bytes


class Verdict(NamedTuple):
    """How many have failed, this one included; and how long to wait, if it must not be made."""

    failures: int
    wait_s: float


class State(NamedTuple):
    """What is kept of one."""

    failures: int = 0
    shut_until_s: float = 0.0
    at_s: float = 0.0


class SharedAttempts(Protocol):
    """What all processes have in common. Raises `muster.tolls.Unreachable` within a second."""

    async def attempt(self, asks: Sequence[Ask]) -> list[Verdict]: ...
    async def settle(self, asks: Sequence[Ask], count: Count) -> None: ...
    async def know(self, digest: bytes, life_s: float) -> None: ...
    async def knows(self, digest: bytes) -> bool: ...


class Attempt(NamedTuple):
    """One that may be made. `install`: what is known of it once it was right; empty: nothing."""

    asks: tuple[Ask, ...]
    install: bytes = b""


def begin(state: State, bound: Bound, now_s: float) -> tuple[State, Verdict]:
    """One more try, and what is kept after it."""
    if now_s - state.at_s >= bound.forget_s:
        state = State()
    if state.shut_until_s > now_s:
        return state, Verdict(state.failures, min(state.shut_until_s - now_s, bound.most_s))
    failures = state.failures + 1
    pause_s = 0.0
    if failures >= bound.free:
        pause_s = min(bound.most_s, bound.first_s * 2.0 ** min(failures - bound.free, 30))
    return State(failures, now_s + pause_s, now_s), Verdict(failures, 0.0)


def settled(state: State, count: Count, now_s: float) -> State:
    """What is kept after one that was counted did not fail."""
    if count is Count.passed or state.failures <= 1:
        return State()
    return State(state.failures - 1, 0.0, now_s)


class Attempts:
    """One process's way to them: shared, or its own while those are out of reach."""

    def __init__(
        self, shared: SharedAttempts, breaker: Breaker, clock: Clock, *, on: bool = True
    ) -> None:
        self._shared = shared
        self._breaker = breaker
        self._clock = clock
        self._on = on
        self._own: OrderedDict[bytes, State] = OrderedDict()
        self._known: OrderedDict[bytes, None] = OrderedDict()
        self.refused: Counter[str] = Counter()

    async def begin(self, kind: str, account: str, address: str, install: str = "") -> Attempt:
        """A try of `kind` (a log-in, a code) at `account`, from this installation of an app, where one says which.

        Raises `Refused`: `too_many_requests`.
        """
        if not self._on:
            return Attempt(())
        network = network_of(address)
        whose = (f"{account}\0{network}", account, network)
        asks = [
            Ask(bound, _digest(kind, bound.name, of))
            for bound, of in zip(_ALWAYS, whose, strict=True)
        ]
        verdicts = list(await self._begin(asks))
        mine = _digest(kind, INSTALL.name, f"{account}\0{install}") if install else b""
        if [verdict.wait_s > 0 for verdict in verdicts] == [False, True, False] and (
            mine and await self._knows(mine)
        ):
            asks[1] = Ask(INSTALL, mine)
            [verdicts[1]] = await self._begin(asks[1:2])
        late = max(range(len(asks)), key=lambda i: verdicts[i].wait_s)
        wait_s = verdicts[late].wait_s
        if not wait_s:
            return Attempt(tuple(asks), mine)
        # Those that were counted for it were counted for nothing.
        counted = [ask for ask, verdict in zip(asks, verdicts, strict=True) if not verdict.wait_s]
        await self._settle(counted, Count.void)
        self.refused[asks[late].bound.name] += 1
        raise Refused(
            Code.too_many_requests,
            "too many tries; wait before the next",
            retry_after_ms=int(wait_s * 1_000) + 1,
        )

    async def passed(self, attempt: Attempt) -> None:
        """It was right."""
        if attempt.asks:
            await self._settle(attempt.asks[:2], Count.passed)
            await self._settle(attempt.asks[2:], Count.void)
        if attempt.install:
            await self._know(attempt.install)

    async def void(self, attempt: Attempt) -> None:
        """It was not looked at."""
        await self._settle(attempt.asks, Count.void)

    async def _begin(self, asks: Sequence[Ask]) -> Sequence[Verdict]:
        if not self._breaker.wait_s(self._clock.monotonic()):
            try:
                verdicts = await self._shared.attempt(asks)
            except Unreachable:
                self._breaker.fault("unreachable", self._clock.monotonic())
            else:
                self._breaker.good()
                return verdicts
        return [self._begin_alone(ask) for ask in asks]

    async def _settle(self, asks: Sequence[Ask], count: Count) -> None:
        now_s = self._clock.monotonic()
        for ask in asks:
            known = self._own.pop(ask.digest, None)
            if known is not None and (state := settled(known, count, now_s)).failures:
                self._own[ask.digest] = state
        if asks and not self._breaker.is_open:
            try:
                await self._shared.settle(asks, count)
            except Unreachable:
                self._breaker.fault("unreachable", self._clock.monotonic())

    async def _know(self, install: bytes) -> None:
        self._known[install] = None
        self._known.move_to_end(install)
        if len(self._known) > STATES_MOST:
            self._known.popitem(last=False)
        if not self._breaker.is_open:
            try:
                await self._shared.know(install, KNOWN_S)
            except Unreachable:
                self._breaker.fault("unreachable", self._clock.monotonic())

    async def _knows(self, install: bytes) -> bool:
        if install in self._known:
            return True
        if self._breaker.is_open:
            return False
        try:
            return await self._shared.knows(install)
        except Unreachable:
            self._breaker.fault("unreachable", self._clock.monotonic())
            return False

    def _begin_alone(self, ask: Ask) -> Verdict:
        known = self._own.pop(ask.digest, State())
        self._own[ask.digest], verdict = begin(known, ask.bound, self._clock.monotonic())
        if len(self._own) > STATES_MOST:
            self._own.popitem(last=False)
        return verdict


def _digest(kind: str, bound: str, whose: str) -> bytes:
    said = f"{kind}\0{bound}\0{whose}".encode("utf-8", "replace")
    return blake2b(said, digest_size=16).digest()
