"""How often clients may ask this process.

Owns which bucket a request takes from. In memory and per process: with N processes a client gets up to N times
as much, which is what a bound against floods may cost; it needs no Redis and is never open when Redis is away.
"""

from __future__ import annotations

from typing import Final, NamedTuple
from uuid import UUID

from api.route import Limit
from muster.bucket import Buckets, Rate, network_of
from muster.clock import Clock
from muster.errors import Refused
from muster.ids import PersonId
from proto.codes import Code

_HANDLE_RATE: Final = Rate(per_s=0.2, burst=10)
"""Guesses at one person's password, from wherever they come."""


_FIND_RATE: Final = Rate(per_s=1.0, burst=20)
"""Look-ups of people by one person: enough for typing a name, too slow to list everybody."""

_PAGE_RATE: Final = Rate(per_s=5.0, burst=100)
"""Pages of invite links by address: a whole party may sit behind one."""


class Rates(NamedTuple):
    """What one address (anonymous), one person and one service key may do, by setting."""

    anonymous: Rate
    reads: Rate
    writes: Rate
    searches: Rate
    keys: Rate
    media: Rate


class Limits:
    """Buckets by address for what needs no token, by person for the rest, by handle for logging in."""

    def __init__(self, rates: Rates, clock: Clock, *, on: bool) -> None:
        self._anonymous = Buckets(rates.anonymous)
        self._reads = Buckets(rates.reads)
        self._writes = Buckets(rates.writes)
        self._searches = Buckets(rates.searches)
        self._keys = Buckets(rates.keys)
        self._media = Buckets(rates.media)
        self._handles = Buckets(_HANDLE_RATE)
        self._finds = Buckets(_FIND_RATE)
        self._pages = Buckets(_PAGE_RATE)
        self._heaviest = rates.writes.burst / 2
        self._clock = clock
        self._on = on

    def take(self, limit: Limit, address: str, person: PersonId | None) -> None:
        """Raises `Refused`: `too_many_requests`."""
        if limit is Limit.anonymous:
            self._take(self._anonymous, network_of(address))
        elif limit in (Limit.write, Limit.secret):
            self._take(self._writes, person)
        elif limit is Limit.search:
            self._take(self._searches, person)
        elif limit is Limit.media:
            self._take(self._media, person)
        elif limit is Limit.find:
            self._take(self._finds, person)
        elif limit is Limit.page:
            self._take(self._pages, network_of(address))
        elif person is not None:
            self._take(self._reads, person)

    def weigh(self, person: PersonId, more: float) -> None:
        """This write is worth `more` besides the one taken. Raises `Refused`: `too_many_requests`."""
        self._take(self._writes, person, min(more, self._heaviest))

    def serve(self, key: UUID) -> None:
        """A service key asks. Raises `Refused`: `too_many_requests`."""
        self._take(self._keys, key)

    def weigh_key(self, key: UUID, more: float) -> None:
        """This request of a service key is worth `more` besides the one taken. Raises `Refused` likewise."""
        self._take(self._keys, key, more)

    def guess(self, handle: str) -> None:
        """Somebody tries a password of this person. Raises `Refused`: `too_many_requests`."""
        self._take(self._handles, handle)

    def _take(self, buckets: Buckets, key: object, tokens: float = 1.0) -> None:
        if not self._on:
            return
        wait_s = buckets.take(key, self._clock.monotonic(), tokens)
        if wait_s:
            raise Refused(
                Code.too_many_requests,
                "too many requests; wait before the next",
                retry_after_ms=int(wait_s * 1_000) + 1,
            )
