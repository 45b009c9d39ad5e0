"""What may be asked how often: every limit that all processes share, in one table.

    Quota     a name, a rate, and how much of it a process takes at once
    Charge    so many tokens of one's bucket of this quota
    Quotas    all of them, as the settings say

Owns the names, the numbers and whose bucket it is. Pure. Must never count: muster/tolls.py does.
docs/limits.md is this table in prose.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from math import ceil
from typing import Final, NamedTuple, Self
from uuid import UUID

from muster.bucket import Rate, network_of
from muster.limit_settings import LimitSettings

_LEASE_SHARE: Final = 0.1
"""Of a burst, which a process takes at most at once: what is left with others' is then little."""

LIFE_S: Final = 60.0
"""How long tokens taken ahead are kept: a person asks some times a minute, and few of them may lie about for ever."""

_FIND_RATE: Final = Rate(per_s=1.0, burst=20)
"""Look-ups of people by one person: enough for typing a name, too slow to list everybody."""

_PAGE_RATE: Final = Rate(per_s=5.0, burst=100)
"""Pages of invite links by address: a whole party may sit behind one."""

_LETTER_RATE: Final = Rate(per_s=1 / 60, burst=10)
"""Mails to one mailbox that nameless people ask for."""

_TOKEN_RATE: Final = Rate(per_s=2.0, burst=120)
"""Tokens that are none by address: guesses, and what an app with a bug goes on sending."""

_FIXES_RATE: Final = Rate(per_s=2.0, burst=300.0)
"""Fixes and crossings of one person: one a second from two phones, and what six hours of a phone in a pocket have
gathered."""

_QUERY_RATE: Final = Rate(per_s=5.0, burst=100)
"""Resumes, attends and watches of all sockets of one person: five times what one socket may."""


@dataclass(frozen=True)
class Quota:
    """`whose`: person, address, session, room, key. `lease`: tokens a process takes beyond what it needs now."""

    name: str
    whose: str
    rate: Rate
    lease: float = 0.0

    @cached_property
    def policy(self) -> str:
        """As in a RateLimit-Policy field: so many, and in how many seconds an empty bucket is full."""
        per_s, burst = self.rate
        return f'"{self.name}";q={int(burst)};w={max(1, ceil(burst / per_s))}'

    def of(self, key: bytes, amount: float = 1.0) -> Charge:
        """So much of this one's bucket."""
        return Charge(self, key, amount)


class Charge(NamedTuple):
    """`key`: whose bucket, as bytes."""

    quota: Quota
    key: bytes
    amount: float = 1.0

    @property
    def digest(self) -> bytes:
        """What the bucket is called where others can read it: no address and no handle, 16 bytes."""
        return blake2b(self.key, digest_size=16, person=self.quota.name.encode()[:16]).digest()


def leased(name: str, whose: str, rate: Rate, lease: float) -> Quota:
    """A quota of which processes take some tokens at once, where its burst allows that."""
    return Quota(name, whose, rate, float(int(min(lease, rate.burst * _LEASE_SHARE))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotas:
    """All of them."""

    # REST
    anonymous: Quota
    pages: Quota
    tokens: Quota
    letters: Quota
    address: Quota
    session: Quota
    reads: Quota
    writes: Quota
    searches: Quota
    finds: Quota
    media: Quota
    keys: Quota
    # Both doors
    room: Quota
    fixes: Quota
    # Sockets
    posts: Quota
    queries: Quota
    arrivals: Quota
    doors: Quota

    @classmethod
    def of(cls, settings: LimitSettings) -> Self:
        """As the settings say."""
        reads, writes = _times(settings.reads_per_s, 5.0), _times(settings.writes_per_s, 3.0)
        both = Rate(reads.per_s + writes.per_s, reads.burst + writes.burst)
        return cls(
            anonymous=Quota("anonymous", "address", _per_min(settings.anonymous_per_min, 1.0)),
            pages=Quota("pages", "address", _PAGE_RATE),
            tokens=Quota("tokens", "address", _TOKEN_RATE),
            letters=Quota("letters", "mailbox", _LETTER_RATE),
            address=leased("address", "address", _times(settings.address_per_s, 10.0), 50.0),
            session=leased("session", "session", both, 20.0),
            reads=leased("reads", "person", reads, 10.0),
            writes=leased("writes", "person", writes, 5.0),
            searches=Quota("searches", "person", _per_min(settings.searches_per_min, 1 / 3)),
            finds=Quota("finds", "person", _FIND_RATE),
            media=Quota("media", "person", _per_min(settings.media_per_min, 1 / 3)),
            keys=leased("keys", "key", _times(settings.service_per_s, 3.0), 10.0),
            room=leased("room", "room", _times(settings.room_per_s, 5.0), 50.0),
            fixes=Quota("fixes", "person", _FIXES_RATE),
            posts=leased("posts", "person", _times(settings.person_posts_per_s, 4.0), 20.0),
            queries=leased("queries", "person", _QUERY_RATE, 10.0),
            arrivals=Quota("arrivals", "session", _per_min(settings.session_auths_per_min, 1.0)),
            doors=leased("doors", "address", _times(settings.address_auths_per_s, 50.0), 100.0),
        )

    def all(self) -> list[Quota]:
        """In the order of the table."""
        return [getattr(self, name) for name in self.__slots__]


def person_key(person: UUID) -> bytes:
    """Whose a person's, session's, room's or service key's bucket is."""
    return person.bytes


def address_key(address: str) -> bytes:
    """Whose an address' bucket is: its own, or its /64's."""
    return network_of(address).encode("utf-8", "replace")


def _per_min(number: float, share: float) -> Rate:
    return Rate(number / 60, max(1.0, number * share))


def _times(per_s: float, times: float) -> Rate:
    return Rate(per_s, max(1.0, per_s * times))
