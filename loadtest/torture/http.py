"""HTTP clients of a run: many connections to one api, through a link that may break any of them at any moment.

Owns what the library makes of a connection that is gone before it was looked at. Must never repeat anything.
"""

from __future__ import annotations

from typing import Final

import httpx

CONNECTIONS: Final = 200
KEPT: Final = 100


class _Transport(httpx.AsyncHTTPTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await super().handle_async_request(request)
        except AttributeError as gone:
            # anyio on uvloop asks a socket for its peer that was reset in the moment it was connected.
            if gone.name != "getpeername":
                raise
            raise httpx.ConnectError("reset as soon as it was connected", request=request) from gone


def http_to(url: str, within_s: float) -> httpx.AsyncClient:
    """A client of the api at `url`; no request takes longer than `within_s`."""
    bounds = httpx.Limits(max_connections=CONNECTIONS, max_keepalive_connections=KEPT)
    return httpx.AsyncClient(base_url=url, transport=_Transport(limits=bounds), timeout=within_s)
