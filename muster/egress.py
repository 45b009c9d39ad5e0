"""Requests that leave the house, to addresses that others chose.

    check_url      may this URL be asked at all (pure)
    Egress         one bounded request: resolve, judge, connect to the very address that was judged

Owns that the inside is not reached from the outside: what a name resolves to is judged (muster/addresses.py), and the
connection goes to what was judged, so that a name which resolves anew a moment later changes nothing. Must never
follow a redirect, read a proxy from the environment, or wait or read without a bound.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from ipaddress import ip_address
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import httpcore

from muster.addresses import Address, Network, allowed, opened
from muster.dialer import SystemDialer
from muster.resolver import SystemResolver

EVERYWHERE: Final = ("0.0.0.0/0", "::/0")
URL_CHARS: Final = 2_048
ADDRESSES_TRIED: Final = 3
CONNECT_WITHIN_S: Final = 4.0
CONNECTIONS_MOST: Final = 64

Resolve = Callable[[str], Awaitable[Sequence[str]]]
"""A name's addresses. Raises OSError."""

Dial = Callable[[str, int, float], Awaitable[httpcore.AsyncNetworkStream]]
"""A connection to an address and port, within seconds. Raises httpcore's errors or OSError."""


class Forbidden(Exception):
    """This must not be asked; the sentence says why and names no address."""


class Unanswered(Exception):
    """No whole answer in time; the word says of which kind: resolve, connect, time, protocol."""


class Answer(NamedTuple):
    """What came back. `whole`: the body had no more than was wanted."""

    status: int
    body: bytes
    whole: bool


class Target(NamedTuple):
    """A URL that may be asked. `plain`: without TLS."""

    url: str
    host: str
    plain: bool


def check_url(url: str) -> Target:
    """`url` if it is one that may be asked at all. Raises `Forbidden`; its addresses are judged when it is asked."""
    if len(url) > URL_CHARS or not url.isascii() or not url.isprintable() or " " in url:
        raise Forbidden(f"a URL has at most {URL_CHARS} printable ASCII characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Forbidden("this is not a URL") from None
    if parts.scheme not in ("https", "http") or not parts.hostname or port == 0:
        raise Forbidden("a URL begins with https:// and names a host")
    if "@" in parts.netloc or parts.fragment or "\\" in url:
        raise Forbidden("a URL has no user, password or fragment")
    return Target(url, parts.hostname, parts.scheme == "http")


class _Judging(httpcore.AsyncNetworkBackend):
    """Connects to what may be talked to, and to nothing else."""

    def __init__(
        self, resolve: Resolve, dial: Dial, inside: Sequence[Network], *, plain: bool
    ) -> None:
        self._resolve = resolve
        self._dial = dial
        self._inside = inside
        self._plain = plain

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # httpcore's own signature
        local_address: str | None = None,  # noqa: ARG002
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> httpcore.AsyncNetworkStream:
        literal = _literal(host)
        try:
            found = [literal] if literal else await self._addresses(host)
        except (OSError, UnicodeError):
            raise Unanswered("resolve") from None
        good = [one for one in found if self._may(one)]
        if not good:
            raise Forbidden("this host lies where nothing may be asked")
        for address in good[:ADDRESSES_TRIED]:
            try:
                return await self._dial(str(address), port, timeout or CONNECT_WITHIN_S)
            except (OSError, httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        raise Unanswered("connect")

    async def connect_unix_socket(
        self,
        path: str,  # noqa: ARG002
        timeout: float | None = None,  # noqa: ARG002, ASYNC109
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> httpcore.AsyncNetworkStream:
        raise Forbidden("no sockets of this machine")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def _may(self, address: Address) -> bool:
        # Nothing is sent in the clear but within the operator's own networks.
        return (opened if self._plain else allowed)(address, self._inside)

    async def _addresses(self, host: str) -> list[Address]:
        return [ip_address(text) for text in await self._resolve(host)]


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        return None


class Egress:
    """Asks what others chose, over connections of its own. Close it."""

    def __init__(
        self,
        inside: Sequence[Network] = (),
        resolve: Resolve | None = None,
        dial: Dial | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`inside`: networks that may be asked though they are not public; there also without TLS.

        Names and connections are the machine's own, unless a test brings others.
        """
        resolve, dial = resolve or SystemResolver().resolve, dial or SystemDialer().dial
        context = tls or ssl.create_default_context()
        self._pools = {
            plain: httpcore.AsyncConnectionPool(
                ssl_context=context,
                max_connections=CONNECTIONS_MOST,
                max_keepalive_connections=CONNECTIONS_MOST // 4,
                keepalive_expiry=30.0,
                network_backend=_Judging(resolve, dial, inside, plain=plain),
            )
            for plain in (False, True)
        }

    async def ask(
        self,
        method: str,
        target: Target,
        headers: Mapping[str, str],
        body: bytes = b"",
        *,
        within_s: float,
        most_bytes: int,
    ) -> Answer:
        """The answer, of whatever status. Raises `Forbidden` and `Unanswered`."""
        wanted = {"host": _host(target.url), "user-agent": "muster", **headers}
        if method != "GET":
            wanted["content-length"] = str(len(body))
        pool = self._pools[target.plain]
        try:
            async with asyncio.timeout(within_s):
                timeouts = dict.fromkeys(("connect", "read", "write", "pool"), within_s)
                async with pool.stream(
                    method,
                    target.url,
                    headers=list(wanted.items()),
                    content=body,
                    extensions={"timeout": timeouts},
                ) as response:
                    return await _read(response, most_bytes)
        except TimeoutError:
            raise Unanswered("time") from None
        except httpcore.TimeoutException:
            raise Unanswered("time") from None
        except (
            httpcore.NetworkError,
            httpcore.ProtocolError,
            httpcore.UnsupportedProtocol,
            OSError,  # ssl.SSLError is one
        ):
            raise Unanswered("protocol") from None

    async def close(self) -> None:
        """End all connections."""
        for pool in self._pools.values():
            await pool.aclose()


async def _read(response: httpcore.Response, most_bytes: int) -> Answer:
    """Leaving the stream early closes the connection: what is too long costs nothing more."""
    parts, size = [], 0
    async for part in response.aiter_stream():
        parts.append(part)
        size += len(part)
        if size > most_bytes:
            return Answer(response.status, b"".join(parts)[:most_bytes], False)
    return Answer(response.status, b"".join(parts), True)


def _host(url: str) -> str:
    return urlsplit(url).netloc
