"""The admin API and the page on their port.

Owns that port and uvicorn on it. Must never listen but on this machine alone.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from typing import Final

import uvicorn

from loadtest.mocks.admin import Admin
from loadtest.mocks.kit import HOST
from loadtest.mocks.mocks import Mocks

_BACKLOG: Final = 128


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: muster.lifetime has them."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def served(mocks: Mocks, port: int) -> AsyncIterator[None]:
    """While inside. Raises `OSError` where the port cannot be had."""
    admin = Admin(mocks)
    config = uvicorn.Config(
        admin.app,
        loop="none",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    with closing(socket.socket()) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(_BACKLOG)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(server.serve(sockets=[listener]))
            try:
                yield
            finally:
                admin.close()
                server.should_exit = True
