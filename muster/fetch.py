"""Reading pages that strangers name, without being turned against the inside.

    link -> target (muster/link.py) -> all its addresses judged (muster/addresses.py) -> a connection to the very one
    that was judged -> status, type, body within bounds -> card (muster/page.py)

Every redirect begins anew. Owns the bounds of one fetch: time, bytes on the wire and unpacked, redirects, and how often
one host and one address are asked. Must never resolve a name twice for one connection, keep a cookie, follow a proxy
of the environment, or say in a log whom it asked.
"""

from __future__ import annotations

import asyncio
import ssl
import zlib
from collections.abc import AsyncIterator, Iterable
from typing import Any, Final, Protocol

import httpcore

from muster.addresses import is_public
from muster.bucket import Buckets, Rate, network_of
from muster.clock import Clock
from muster.errors import Refused
from muster.link import BadLink, Target, beyond, target
from muster.page import Unread, card
from proto.codes import Code
from proto.entry import LinkPreview

WITHIN_S: Final = 5.0
REDIRECTS_MOST: Final = 3
BODY_BYTES: Final = 512 * 1024
"""Of the page, unpacked; and of what comes over the wire. A longer page is read to here: its head comes first."""

ADDRESSES_MOST: Final = 20
PER_HOST: Final = Rate(1.0, 5.0)
PER_ADDRESS: Final = Rate(5.0, 20.0)
"""Of one process. Many names may lead to one machine, so it counts by itself."""

_HEADERS: Final = (
    (b"User-Agent", b"Mozilla/5.0 (compatible; MusterPreview/1.0)"),
    (b"Accept", b"text/html"),
    (b"Accept-Encoding", b"gzip"),
)
_MOVED: Final = frozenset({301, 302, 303, 307, 308})


class Resolves(Protocol):
    """Who knows the addresses of a name."""

    async def resolve(self, host: str, /) -> list[str]:
        """Raises OSError."""
        ...


class Dials(Protocol):
    """Who opens connections."""

    async def dial(self, address: str, port: int, /) -> httpcore.AsyncNetworkStream:
        """A connection to this address, not to a name. Raises httpcore.ConnectError."""
        ...


class Pages:
    """Reads pages."""

    def __init__(
        self,
        resolver: Resolves,
        dialer: Dials,
        tls: ssl.SSLContext,
        clock: Clock,
        within_s: float = WITHIN_S,
    ) -> None:
        """`within_s`: for a page, redirects and all."""
        self._resolver = resolver
        self._dialer = dialer
        self._tls = tls
        self._clock = clock
        self._within_s = within_s
        self._hosts = Buckets(PER_HOST)
        self._addresses = Buckets(PER_ADDRESS)

    async def read(self, link: str) -> LinkPreview:
        """What the page behind `link` says. Raises `Unread`; `Refused`: `too_many_requests`, come back later."""
        try:
            async with asyncio.timeout(self._within_s):
                return await self._walk(link)
        except TimeoutError:
            raise Unread("slow") from None
        except BadLink:
            raise Unread("forbidden") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError):
            raise Unread("broken") from None

    async def _walk(self, link: str) -> LinkPreview:
        at = target(link)
        for _ in range(REDIRECTS_MOST + 1):
            self._take(self._hosts, at.host)
            async with (
                httpcore.AsyncConnectionPool(
                    ssl_context=self._tls,
                    max_connections=1,
                    http2=False,
                    retries=0,
                    network_backend=_Checked(self, at),
                ) as pool,
                pool.stream("GET", at.url, headers=list(_HEADERS)) as response,
            ):
                location = _header(response, b"location")
                if response.status not in _MOVED or not location:
                    content, charset = await _content(response)
                    return card(link, at.url, content, charset)
            at = beyond(at, location)
        raise Unread("circling")

    def _take(self, buckets: Buckets, key: str) -> None:
        wait = buckets.take(key, self._clock.monotonic())
        if wait:
            sentence = "this host is asked too often"
            raise Refused(Code.too_many_requests, sentence, retry_after_ms=int(wait * 1000) + 1)

    async def connect(self, at: Target) -> httpcore.AsyncNetworkStream:
        """A connection to where `at` is, if all addresses it is said to be at are public. Raises `Unread`."""
        found = [at.host] if at.literal else await self._resolver.resolve(at.host)
        # One that is not public makes all doubtful: names that point both ways are there to mislead.
        if not found or len(found) > ADDRESSES_MOST or not all(map(is_public, found)):
            raise Unread("forbidden")
        self._take(self._addresses, network_of(found[0]))
        return await self._dialer.dial(found[0], at.port)


class _Checked(httpcore.AsyncNetworkBackend):
    """httpcore's way out: to one target, by `Pages.connect` alone."""

    def __init__(self, pages: Pages, at: Target) -> None:
        self._pages = pages
        self._at = at

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109  # httpcore's signature; one deadline is enough
        local_address: str | None = None,  # noqa: ARG002  # the same
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002  # the same
    ) -> httpcore.AsyncNetworkStream:
        if (host.strip("[]"), port) != (self._at.host, self._at.port):
            raise Unread("forbidden")
        return await self._pages.connect(self._at)

    async def connect_unix_socket(
        self,
        path: str,  # noqa: ARG002  # the same
        timeout: float | None = None,  # noqa: ARG002, ASYNC109  # the same
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002  # the same
    ) -> httpcore.AsyncNetworkStream:
        raise Unread("forbidden")


def _header(response: httpcore.Response, name: bytes) -> str:
    for key, value in response.headers:
        if key.lower() == name:
            return value.decode("latin-1").strip()
    return ""


async def _content(response: httpcore.Response) -> tuple[bytes, str | None]:
    """The page's bytes, unpacked, up to BODY_BYTES; and the charset its header names. Raises `Unread`."""
    kind, _, parameters = _header(response, b"content-type").lower().partition(";")
    if response.status != 200 or kind.strip() != "text/html":
        raise Unread("no page")
    coding = _header(response, b"content-encoding").lower()
    if coding not in ("", "identity", "gzip", "x-gzip"):
        raise Unread("no page")
    gzipped = "gzip" in coding
    charset = parameters.partition("charset=")[2].partition(";")[0].strip(" \"'")
    parts = aiter(response.aiter_stream())
    return await _bounded(parts, gzipped=gzipped), charset or None


async def _bounded(parts: AsyncIterator[bytes], *, gzipped: bool) -> bytes:
    content = bytearray()
    wire = 0
    unpacking = zlib.decompressobj(16 + zlib.MAX_WBITS)
    async for part in parts:
        wire += len(part)
        try:
            # Never more than still fits: a bomb does not go off.
            room = BODY_BYTES - len(content)
            content += unpacking.decompress(part, room) if gzipped else part[:room]
        except zlib.error:
            raise Unread("broken") from None
        if wire >= BODY_BYTES or len(content) >= BODY_BYTES or unpacking.eof:
            break
    return bytes(content)
