"""Links: which part of a message is one, and what of it may be looked at.

Owns the reading of addresses of pages. Pure. Must never make a doubtful one good: what two programs might read in two
ways is refused.
"""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final, NamedTuple
from urllib.parse import urljoin, urlsplit

LINK_CHARS: Final = 2_000
HOST_CHARS: Final = 253
PORTS: Final = {"http": 80, "https": 443}

_LINK: Final = re.compile(r"https?://[^\s<>\"'`{}|\\^]{1,4000}", re.IGNORECASE)
_TRAILING: Final = ".,;:!?*_~"
_PAIRS: Final = {")": "(", "]": "["}
_HOST: Final = re.compile(
    r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*"
)
_PLACE: Final = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\[\]:]+)(:[0-9]*)?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_UNSAFE: Final = re.compile(r"[\x00-\x20\x7f\\]")


class BadLink(ValueError):
    """Not an address of a page that may be looked at; `str()` says why, without naming it."""


class Target(NamedTuple):
    """A page's address, taken apart. `literal`: the host is an IP address."""

    scheme: str
    host: str
    port: int
    path: str
    literal: bool

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}{self.path}"


def first_link(text: str) -> str | None:
    """The first link of a message as it stands there, without what ends its sentence; or None."""
    found = _LINK.search(text)
    if found is None:
        return None
    link = found.group()
    while link:
        last = link[-1]
        unpaired = last in _PAIRS and link.count(last) > link.count(_PAIRS[last])
        if last not in _TRAILING and not unpaired:
            break
        link = link[:-1]
    return link if len(link) <= LINK_CHARS else None


def target(link: str) -> Target:
    """Where a link leads: http or https, the scheme's own port, nobody's password. Raises `BadLink`."""
    if len(link) > LINK_CHARS or _UNSAFE.search(link):
        raise BadLink("too long, or with characters that no address has")
    try:
        parts = urlsplit(link)
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        raise BadLink("not an address") from None
    scheme = parts.scheme.lower()
    if scheme not in PORTS:
        raise BadLink("neither http nor https")
    if "@" in parts.netloc:
        raise BadLink("with a name before its host")
    if port is not None and port != PORTS[scheme]:
        raise BadLink("of another port")
    if not _PLACE.fullmatch(parts.netloc):
        raise BadLink("not a host and its port")
    bracketed = parts.netloc.startswith("[")
    name, literal = _address(host) if bracketed else _name(host)
    path = _quoted(parts.path or "/") + (f"?{_quoted(parts.query)}" if parts.query else "")
    return Target(scheme, name, PORTS[scheme], path, literal)


def beyond(base: Target, location: str) -> Target:
    """Where a page at `base` sends us on to. Raises `BadLink`."""
    if len(location) > LINK_CHARS or _UNSAFE.search(location):
        raise BadLink("a redirect that is no address")
    try:
        return target(urljoin(base.url, location))
    except BadLink:
        raise
    except ValueError:
        raise BadLink("a redirect that is no address") from None


def _address(host: str) -> tuple[str, bool]:
    try:
        return str(IPv6Address(host)), True
    except AddressValueError:
        raise BadLink("not an address of IPv6") from None


def _name(host: str) -> tuple[str, bool]:
    """A host name in its wire form; or an IPv4 address, if it is written in the one plain way."""
    try:
        name = host.encode("idna").decode() if not host.isascii() and len(host) < 100 else host
    except UnicodeError:
        raise BadLink("not a host name") from None
    name = name.lower().removesuffix(".")
    if len(name) > HOST_CHARS or not _HOST.fullmatch(name):
        raise BadLink("not a host name")
    # Some resolvers read 0x7f.1 or 2130706433 as an address, so whatever ends in a number is one or nothing.
    if _NUMBER.fullmatch(name.rpartition(".")[2]):
        try:
            return str(IPv4Address(name)), True
        except AddressValueError:
            raise BadLink("a number that is no plain address") from None
    return name, False


def _quoted(part: str) -> str:
    """As ASCII: other characters as they are written on the wire."""
    if part.isascii():
        return part
    return "".join(
        c if c.isascii() else "".join(f"%{byte:02X}" for byte in c.encode("utf-8", "replace"))
        for c in part
    )
