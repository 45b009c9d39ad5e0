"""Who may still come in: how many sockets, how many of them nameless, how many new ones and how many people a second.

Owns the counts per process and per address of sockets that have not authenticated, the buckets of both doors (the
upgrade and the authentication), and what those who are turned away are told. Must never touch a socket: the driver
asks, and refuses by itself; what is refused has cost nothing yet but the asking.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import inf
from typing import Final, NamedTuple

from muster.bucket import Rate
from realtime.bucket import Bucket
from realtime.waitlist import Chance, Waitlist, spread_ms

CROWD: Final = 100
"""An address with so many nameless sockets may be a flood: half of the burst is kept for all others."""

BAD_TOKEN_COST: Final = 0.1
"""Of an authentication, where the token is not good: reading one costs a tenth of letting somebody in."""

STARTING_S: Final = (1.0, 3.0)
"""What is told before the lanes are read: about as long as that takes."""

LEAVING_S: Final = (0.0, 1.0)
"""While the process drains: any other hub will do."""

FULL_S: Final = (5.0, 30.0)
"""Where sockets would have to go first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Bounds of one process."""

    sockets: int = 20_000
    nameless_per_peer: int = 10_000
    accepts: Rate = Rate(1_500.0, 3_000.0)
    auths: Rate = Rate(800.0, 1_000.0)


class Refusal(NamedTuple):
    """Not now: why (one of few words), and after how long."""

    reason: str
    retry_after_ms: int


class Gate:
    """The counts. `ready` is false until the lanes are read, and again, with `leaving`, when the process drains."""

    def __init__(self, bounds: Bounds, chance: Chance) -> None:
        self._bounds = bounds
        self._chance = chance
        self._accepts = Bucket(bounds.accepts)
        self._auths = Bucket(bounds.auths)
        self._waitlist = Waitlist(bounds.auths.per_s, chance)
        self._nameless: dict[str, int] = {}
        self.sockets = 0
        self.ready = False
        self.leaving = False
        self.turned_away: Counter[str] = Counter()

    @property
    def nameless(self) -> int:
        """Sockets that have not authenticated."""
        return sum(self._nameless.values())

    def waiting_of(self, peer: str) -> int:
        """Of these, how many this address has."""
        return self._nameless.get(peer, 0)

    @property
    def people_per_s(self) -> float:
        """How many a hub lets in, this one or another."""
        return self._bounds.auths.per_s

    @property
    def spread_ms(self) -> int:
        """Over how long everybody here should come back elsewhere if this process is gone without a word."""
        if self._bounds.auths.per_s == inf:
            return spread_ms(0, 1.0, 0.0)
        return spread_ms(self.sockets, *self._bounds.auths)

    def came(self, peer: str, *, for_others: bool = False) -> bool:
        """A connection was accepted; whether it may go on. Either way it is counted until it `left`.

        `for_others`: it is a balancer's, and whom it brings is known by what it asks: see `moved`.
        """
        self.sockets += 1
        waiting = self._nameless.get(peer, 0) + 1
        self._nameless[peer] = waiting
        few = for_others or waiting <= self._bounds.nameless_per_peer
        return self.sockets <= self._bounds.sockets and few

    def moved(self, before: str, after: str) -> bool:
        """It speaks for another address; whether it may go on."""
        self.sockets -= 1
        self.named(before)
        return self.came(after)

    def upgrade(self, peer: str, now: float, *, welcome: bool) -> Refusal | None:
        """One more WebSocket of this address; `welcome` is what `came` said. None: it may be opened now."""
        if self.leaving:
            return self._turn_away("leaving", LEAVING_S)
        if not self.ready:
            return self._turn_away("starting", STARTING_S)
        if not welcome:
            full = self.sockets > self._bounds.sockets
            return self._turn_away("full" if full else "nameless", FULL_S)
        wait_s = self._take(self._accepts, self._bounds.accepts, peer, now)
        return self._wait("accepts", now, wait_s) if wait_s else None

    def is_shut(self, peer: str, now: float, *, welcome: bool) -> bool:
        """Whether `upgrade` would turn this one away; nothing is counted."""
        if not (self.ready and welcome):
            return True
        return not self._accepts.has(now, self._left(self._bounds.accepts, peer))

    def authenticate(self, peer: str, now: float) -> Refusal | None:
        """One more person, with a token that nobody has read yet. None: read it."""
        wait_s = self._take(self._auths, self._bounds.auths, peer, now)
        return self._wait("auths", now, wait_s) if wait_s else None

    def bad_token(self) -> None:
        """The token was read and is not good: nobody is let in for it."""
        self._auths.give_back(1.0 - BAD_TOKEN_COST)

    def named(self, peer: str) -> None:
        """The connection authenticated: from now on it counts as a person's, not as an address'."""
        waiting = self._nameless.get(peer, 0) - 1
        if waiting > 0:
            self._nameless[peer] = waiting
        else:
            self._nameless.pop(peer, None)

    def left(self, peer: str | None) -> None:
        """The connection is gone; `peer` if it never authenticated."""
        self.sockets -= 1
        if peer is not None:
            self.named(peer)

    def _take(self, bucket: Bucket, rate: Rate, peer: str, now: float) -> float:
        return bucket.take(now, leave=self._left(rate, peer))

    def _left(self, rate: Rate, peer: str) -> float:
        """What this address must leave of a burst for the others."""
        return rate.burst / 2 if self._nameless.get(peer, 0) > CROWD else 0.0

    def _wait(self, reason: str, now: float, wait_s: float) -> Refusal:
        self.turned_away[reason] += 1
        return Refusal(reason, self._waitlist.pause_ms(now, wait_s))

    def _turn_away(self, reason: str, between_s: tuple[float, float]) -> Refusal:
        self.turned_away[reason] += 1
        least, most = between_s
        return Refusal(reason, int((least + (most - least) * self._chance.random()) * 1_000))
