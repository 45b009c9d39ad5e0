"""Where the api listens, and how uvicorn is told to serve.

Owns the socket's options and uvicorn's. Must never know what is served.
"""

from __future__ import annotations

import resource
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from api.wire import Wire
from muster.config import Settings

KEEP_ALIVE_S: Final = 75
"""Longer than the 60 s for which balancers keep a connection: the balancer closes first."""

BACKLOG: Final = 2_048
PEER_LOST_S: Final = 30.0
"""A peer that does not take an answer for so long is gone, whatever it says."""


class Server(uvicorn.Server):
    """uvicorn without its signal handlers: muster.lifetime has them."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def config(settings: Settings, app: ASGIApp, tls: ssl.SSLContext | None = None) -> uvicorn.Config:
    """What uvicorn may do: nothing that we do ourselves. `tls`: whose certificate changes under it (muster/tls.py)."""
    return uvicorn.Config(
        app,
        loop="none",
        http=Wire,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # edge.py reads them, as hubs do
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=int(settings.drain_within_s) or 1,
        ssl_context_factory=None if tls is None else lambda _config, _default: tls,
    )


def listen(settings: Settings) -> socket.socket:
    """Our address, taken: who connects is refused until uvicorn listens, and does not hang."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    family = socket.AF_INET6 if ":" in settings.listen_host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            lost_ms = int(PEER_LOST_S * 1_000)
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, lost_ms)
        listener.bind((settings.listen_host, settings.api_port))
    except OSError:
        listener.close()
        raise
    return listener
