"""Handlers about the service itself: is it there, what does it measure, its keys, its hubs, its documents.

Owns these answers. Must never need a token or tell anything about a person.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from msgspec import Struct
from prometheus_client import CollectorRegistry

from api.route import Call, Raw, Reply
from muster.telemetry import exposition

_CACHED = {"Cache-Control": "public, max-age=300"}


class Health(Struct, frozen=True):
    """`ok`, or what is missing."""

    status: str


class Hubs(Struct, frozen=True):
    """WebSocket addresses a client may use; any of them, at random."""

    hubs: Sequence[str]


class KeySet(Struct, frozen=True):
    """The keys that verify access tokens (RFC 7517)."""

    keys: list[dict[str, str]]


class ServiceHandlers:
    """The routes about the service."""

    def __init__(
        self,
        registry: CollectorRegistry,
        keys: Callable[[], KeySet],
        hubs: Sequence[str],
        ready: Callable[[], Awaitable[None]],
    ) -> None:
        """`keys`: those of now. `ready` raises `Refused` while something this process needs does not answer."""
        self._registry = registry
        self._keys = keys
        self._hubs = hubs
        self._ready = ready

    async def health(self, _call: Call) -> Health:
        return Health("ok")

    async def readiness(self, _call: Call) -> Health:
        await self._ready()
        return Health("ok")

    async def metrics(self, _call: Call) -> Raw:
        return Raw(*exposition(self._registry))

    async def jwks(self, _call: Call) -> Reply:
        return Reply(self._keys(), headers=_CACHED)

    async def hubs(self, _call: Call) -> Hubs:
        return Hubs(self._hubs)
