"""Who asks, where balancers stand before us: the nearest address in X-Forwarded-For that is no balancer of ours.

Owns that a header is believed as far as trusted machines wrote it, and no further: what a client wrote into it stands
further left, and is never reached. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from typing import Final

from muster.addresses import Address, Network, opened

HOPS_MOST: Final = 16
"""Beyond so many nobody is believed: the last one read is the one that asks."""


def client_of(peer: str, forwarded: Iterable[str], trusted: Sequence[Network]) -> str:
    """The address that asks. `forwarded`: every X-Forwarded-For field there is, in order, whole."""
    if not trusted or not is_in(peer, trusted):
        return peer
    hops = [hop.strip() for field in forwarded for hop in field.split(",")]
    nearest = peer
    for hop in reversed(hops[-HOPS_MOST:]):
        address = _address(hop)
        if address is None:
            break  # a trusted machine wrote nothing that can be read: the last that could be
        nearest = str(address)
        if not opened(address, trusted):
            break
    return nearest


def is_in(text: str, networks: Sequence[Network]) -> bool:
    """Whether this is an address in one of these networks."""
    address = _parsed(text)
    return address is not None and opened(address, networks)


def _address(hop: str) -> Address | None:
    """An address, with a port or in brackets as some balancers write it."""
    if hop.startswith("["):
        hop = hop[1:].partition("]")[0]
    elif hop.count(":") == 1:
        hop = hop.partition(":")[0]
    return _parsed(hop)


def _parsed(text: str) -> Address | None:
    try:
        return ip_address(text.partition("%")[0])
    except ValueError:
        return None
