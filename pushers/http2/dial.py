"""Connecting to a provider: the base URL, TLS and ALPN.

Owns that nothing but HTTP/2 over TLS 1.2 or later is ever spoken, to whom the certificate names. A name is resolved
anew for each connection. Must never wait beyond its deadline.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple, TypeVar
from urllib.parse import urlsplit

WITHIN_S: Final = 5.0
_HTTPS: Final = 443
_P = TypeVar("_P", bound=asyncio.Protocol)


class Unreachable(Exception):
    """No connection; the word says why: time, connect, certificate, alpn."""


class Base(NamedTuple):
    """Where a provider is."""

    host: str
    port: int

    @property
    def authority(self) -> bytes:
        """As `:authority` says it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (host if self.port == _HTTPS else f"{host}:{self.port}").encode()


def base(url: str) -> Base:
    """`https://host` or `https://host:port`. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError("a provider's address is https://host or https://host:port")
    return Base(parts.hostname, parts.port or _HTTPS)


def trust(ca_file: Path | None = None) -> ssl.SSLContext:
    """TLS that believes the machine's authorities, or those of `ca_file` alone."""
    context = ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["h2"])
    return context


class Dial:
    """Opens connections to one base."""

    def __init__(self, to: Base, tls: ssl.SSLContext, within_s: float = WITHIN_S) -> None:
        self.to = to
        self._tls = tls
        self._within_s = within_s

    async def open(self, protocol: Callable[[], _P]) -> _P:
        """A connection on which the other side agreed to HTTP/2. Raises `Unreachable`."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._within_s):
                transport, made = await loop.create_connection(
                    protocol, self.to.host, self.to.port, ssl=self._tls
                )
        except TimeoutError:
            raise Unreachable("time") from None
        except ssl.SSLCertVerificationError:
            raise Unreachable("certificate") from None
        except (OSError, UnicodeError):  # a host that is no name, too
            raise Unreachable("connect") from None
        spoken = transport.get_extra_info("ssl_object")
        if spoken is None or spoken.selected_alpn_protocol() != "h2":
            transport.abort()
            raise Unreachable("alpn")
        return made
