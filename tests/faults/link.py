"""A TCP link between a client and a server that can go wrong in ways a test chooses.

    deaf()    what the server answers is swallowed: the request went through, the answer never came
    cut()     both sides see a reset, and nobody is let in until mend()

Owns the bytes between the two. Must never change them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit


class Link:
    """One listening port on loopback in front of one server."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._deaf = False
        self._cut = False
        self._writers: set[asyncio.StreamWriter] = set()
        self.swallowed = asyncio.Event()
        self.port = 0

    def deaf(self) -> None:
        """From now on nothing the server says arrives."""
        self._deaf = True

    def cut(self) -> None:
        """Break every connection and refuse new ones."""
        self._cut = True
        for writer in list(self._writers):
            writer.transport.abort()

    def mend(self) -> None:
        """All is well again for connections made from now on."""
        for writer in list(self._writers):
            writer.transport.abort()
        self._deaf = self._cut = False
        self.swallowed.clear()

    def redirect(self, port: int) -> None:
        """The server is at another port now."""
        self._server = (self._server[0], port)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._cut:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._server)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, far_writer}
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pump(reader, far_writer, answers=False))
                tasks.create_task(self._pump(far_reader, writer, answers=True))
        finally:
            self._writers -= {writer, far_writer}
            writer.transport.abort()
            far_writer.transport.abort()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        try:
            while data := await reader.read(65_536):
                if answers and self._deaf:
                    self.swallowed.set()
                    continue
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        writer.transport.abort()


@asynccontextmanager
async def linked(url: str) -> AsyncIterator[tuple[Link, str]]:
    """A link in front of the server of `url`, and the URL that goes through it."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    link = Link(parts.hostname, parts.port)
    server = await asyncio.start_server(link.serve, "127.0.0.1", 0)
    link.port = server.sockets[0].getsockname()[1]
    credentials = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
    try:
        yield link, urlunsplit(parts._replace(netloc=f"{credentials}127.0.0.1:{link.port}"))
    finally:
        link.cut()
        server.close()
