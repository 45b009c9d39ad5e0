"""Addresses that the service may connect to because somebody asked for it: public ones, and no other.

Owns the list of what is not public. Pure: must never resolve a name (muster/fetch.py and muster/egress.py bring
what a resolver said, and connect to the very address that was judged here).
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_CLOSED_V4: Final = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # behind a carrier's NAT
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local, and the clouds' metadata
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",  # documentation, as the next two of its kind
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        "168.63.129.16/32",  # a cloud's inside under a public number
    )
)
_OPEN_V6: Final = IPv6Network("2000::/3")
"""All that is given out for the internet. Mapped and NAT64 lie outside; what else holds an IPv4 address is below."""

_CLOSED_V6: Final = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocols: Teredo, ORCHID, benchmarks
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address inside
        "3fff::/20",  # documentation
    )
)
_ISATAP: Final = 0x5EFE
"""In the middle of an interface id: the rest of it is an IPv4 address."""


def is_public(address: str) -> bool:
    """Whether this is an address, in its plain form, of the internet at large."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv4Address):
        return _is_public_v4(parsed)
    return _is_public_v6(parsed)


def allowed(address: Address, inside: Iterable[Network] = ()) -> bool:
    """Whether to talk to this address; `inside`: networks the operator opened. A mapped one is what it stands for."""
    return opened(address, inside) or is_public(str(_plain(address)))


def opened(address: Address, inside: Iterable[Network]) -> bool:
    """Whether this address lies in one of these networks."""
    address = _plain(address)
    return any(address.version == net.version and address in net for net in inside)


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Networks by their CIDR. Raises `ValueError`."""
    return tuple(ip_network(text) for text in texts)


def _plain(address: Address) -> Address:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _is_public_v4(address: IPv4Address) -> bool:
    return address.is_global and not any(address in network for network in _CLOSED_V4)


def _is_public_v6(address: IPv6Address) -> bool:
    if address.scope_id is not None or address not in _OPEN_V6 or not address.is_global:
        return False
    if int(address) >> 32 & 0xFCFF_FFFF == _ISATAP:  # the two bits say universal and group
        return False
    return not any(address in network for network in _CLOSED_V6)
