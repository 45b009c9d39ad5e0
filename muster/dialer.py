"""Connections of the machine's, to addresses.

Owns nothing but the way. Must never be given a name: whoever dials has judged the address.
"""

from __future__ import annotations

import httpcore


class SystemDialer:
    """Connects by the loop."""

    def __init__(self) -> None:
        self._backend = httpcore.AnyIOBackend()

    async def dial(
        self, address: str, port: int, within_s: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        """A connection, within seconds if that is said. Raises httpcore.ConnectError and its ConnectTimeout."""
        return await self._backend.connect_tcp(address, port, timeout=within_s)
