"""Token buckets: how often somebody may ask.

Owns the arithmetic, with the time passed in. Must never sleep or look at a clock, and never hold more than a
bounded number of buckets: the one longest untouched goes first, and by then it is mostly full again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from ipaddress import AddressValueError, IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final, NamedTuple

BUCKETS_MOST: Final = 50_000
_V6_NETWORK_BITS: Final = 64
"""Whoever has one IPv6 address has its /64."""


class Rate(NamedTuple):
    """On the long run `per_s`, at once `burst`."""

    per_s: float
    burst: float


class Buckets:
    """One bucket per key, all of one rate."""

    def __init__(self, rate: Rate, most: int = BUCKETS_MOST) -> None:
        self._rate = rate
        self._most = most
        # Tokens there were, and when.
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def take(self, key: Hashable, now_s: float, tokens: float = 1.0) -> float:
        """Take from `key`'s bucket; 0, or the seconds until it would hold enough (then nothing is taken)."""
        held, since = self._buckets.pop(key, (self._rate.burst, now_s))
        held = min(self._rate.burst, held + (now_s - since) * self._rate.per_s)
        wait = 0.0 if held >= tokens else (tokens - held) / self._rate.per_s
        self._buckets[key] = (held - tokens if wait == 0.0 else held, now_s)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return wait

    def held(self, key: Hashable) -> float:
        """Tokens there were when `key`'s bucket was last asked."""
        return self._buckets.get(key, (self._rate.burst, 0.0))[0]

    def __len__(self) -> int:
        return len(self._buckets)


def network_of(address: str) -> str:
    """What one household or server is, to a bucket: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        parsed: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    except (AddressValueError, ValueError):
        return address
    if isinstance(parsed, IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Network((parsed, _V6_NETWORK_BITS), strict=False))
