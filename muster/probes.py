"""GET /healthz, /readyz and /metrics of a process that serves nobody: a pusher, the one that makes backups.

Owns these answers. Must never tell anything about a person, and never hold up the process' own work.
"""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import uvicorn
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from muster.config import Settings
from muster.telemetry import exposition


class Probes(uvicorn.Server):
    """uvicorn without its signal handlers: muster.lifetime has them."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def probes(
    settings: Settings,
    registry: CollectorRegistry,
    ready: Callable[[], bool],
    measure: Callable[[], Awaitable[None]],
) -> Probes:
    """A server of the three; `measure` brings up to date what is only measured when somebody asks."""

    async def healthz(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(_: Request) -> Response:
        return PlainTextResponse("ok\n") if ready() else PlainTextResponse("not ready\n", 503)

    async def metrics(_: Request) -> Response:
        await measure()
        body, content_type = exposition(registry)
        return Response(body, media_type=content_type)

    routes = [Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)]
    return Probes(
        uvicorn.Config(
            Starlette(routes=routes),
            loop="none",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
            ssl_certfile=settings.tls_cert,
            ssl_keyfile=settings.tls_key,
        )
    )


def listening(settings: Settings, port: int) -> socket.socket:
    """Our address with this port, taken. Raises `OSError`."""
    family = socket.AF_INET6 if ":" in settings.listen_host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.listen_host, port))
    except OSError:
        listener.close()
        raise
    return listener
