"""The opening handshake: an HTTP request becomes a WebSocket, a probe's answer, or a refusal in plain text.

Owns paths, subprotocols and origins. Must never write to a socket (the driver does) or read a token: none is
accepted in a URL or a header.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from math import ceil
from typing import Final, NamedTuple

from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.typing import Origin, Subprotocol

from muster.borders import Borders, Lists
from proto.codec import CODECS
from realtime.accept import Gate, Refusal
from realtime.spare import LOGGER

PATH: Final = "/v1/socket"
PROBES: Final = frozenset({"/healthz", "/readyz", "/metrics"})
SUBPROTOCOLS: Final = [Subprotocol(name) for name in CODECS]

HEADERS_TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n\r\n"
)
TOO_EARLY: Final = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"
_LATER: Final = "Not now; come back after a pause.\n"
_ASKS: Final = f"GET {PATH} HTTP/1.1\r\n".encode()
_NOT_NOW: Final = (
    "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
    f"Content-Length: {len(_LATER)}\r\nRetry-After: %d\r\n\r\n{_LATER}"
).encode()


ABROAD: Final = "Nobody may ask from this network.\n"
FORBIDDEN: Final = (
    "HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
    f"Content-Length: {len(ABROAD)}\r\n\r\n{ABROAD}"
).encode()
_EVERYWHERE: Final = Borders(Lists())


class Page(NamedTuple):
    """The answer to a probe."""

    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Handshake:
    """What one listener accepts. `probe` answers the paths of PROBES."""

    gate: Gate
    origins: Sequence[str]
    probe: Callable[[str], Page]
    borders: Borders = _EVERYWHERE

    def protocol(self, max_size: int) -> ServerProtocol:
        """The library's half of a new connection; no extensions, so no compression."""
        allowed = None if "*" in self.origins else [None, *map(Origin, self.origins)]
        return ServerProtocol(
            origins=allowed, subprotocols=SUBPROTOCOLS, max_size=max_size, logger=LOGGER
        )

    def shut(self, data: bytes, peer: str, now: float, *, welcome: bool) -> bytes | None:
        """A refusal without reading the request, where one read brought it whole and nobody is let in just now.

        Reading it costs more than everything else about somebody who is turned away.
        """
        asks = data.startswith(_ASKS) and data.endswith(b"\r\n\r\n") and b"pgrade" in data
        if not asks or not self.gate.is_shut(peer, now, welcome=welcome):
            return None
        refusal = self.gate.upgrade(peer, now, welcome=welcome)
        return None if refusal is None else _NOT_NOW % _seconds(refusal)

    def answer(
        self, protocol: ServerProtocol, request: Request, peer: str, now: float, *, welcome: bool
    ) -> Response:
        """101 where the request may become a WebSocket; everything else ends the connection.

        `peer`: the address. Probes are answered where it is not welcome: a full process is a healthy one.
        """
        path = request.path.partition("?")[0]
        upgrades = "Upgrade" in request.headers
        if path in PROBES and not upgrades:
            return self._probed(protocol, request.method, path)
        if path != PATH:
            return protocol.reject(HTTPStatus.NOT_FOUND, f"There is nothing here; try {PATH}.\n")
        refusal = self.gate.upgrade(peer, now, welcome=welcome) if upgrades else None
        if refusal is not None:
            return _later(protocol, refusal)
        if upgrades and "Sec-WebSocket-Protocol" not in request.headers:
            names = " or ".join(SUBPROTOCOLS)
            return protocol.reject(
                HTTPStatus.BAD_REQUEST, f"Offer a subprotocol this server speaks: {names}.\n"
            )
        return protocol.accept(request)

    def _probed(self, protocol: ServerProtocol, method: str, path: str) -> Response:
        if method not in ("GET", "HEAD"):
            return protocol.reject(HTTPStatus.METHOD_NOT_ALLOWED, "Only GET.\n")
        page = self.probe(path)
        status = HTTPStatus(page.status)
        headers = Headers()
        headers["Connection"] = "close"
        headers["Content-Type"] = page.content_type
        headers["Content-Length"] = str(len(page.body))
        body = b"" if method == "HEAD" else page.body
        return Response(status.value, status.phrase, headers, body)


def _later(protocol: ServerProtocol, refusal: Refusal) -> Response:
    response = protocol.reject(HTTPStatus.SERVICE_UNAVAILABLE, _LATER)
    # The header knows whole seconds alone, and not before is what it says: a client's own jitter does the rest.
    response.headers["Retry-After"] = str(_seconds(refusal))
    return response


def _seconds(refusal: Refusal) -> int:
    return ceil(refusal.retry_after_ms / 1_000)
