"""A web of names and addresses that all lead to one server of ours on the loopback, which is as bad as a test likes.

Owns what the resolver says, which addresses were dialled, and what each page answers. Nothing of it leaves the machine.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import cache

import httpcore

from muster.clock import Clock, SystemClock
from muster.fetch import Pages

PUBLIC = "93.184.215.14"
Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]


class Web:
    """Names, and pages by host and path."""

    def __init__(self, port: int) -> None:
        self.names: dict[str, list[list[str]]] = {}
        self.pages: dict[str, bytes | Answer] = {}
        self.asked: list[str] = []
        self.heads: list[bytes] = []
        self.dialled: list[tuple[str, int]] = []
        self.resolved: list[str] = []
        self.done = asyncio.Event()
        self.port = port
        self._backend = httpcore.AnyIOBackend()

    async def resolve(self, host: str) -> list[str]:
        """What the name is said to be at; the last answer stays."""
        self.resolved.append(host)
        answers = self.names.get(host, [[PUBLIC]])
        return answers.pop(0) if len(answers) > 1 else answers[0]

    async def dial(self, address: str, port: int) -> httpcore.AsyncNetworkStream:
        """Whatever the address, our own server."""
        self.dialled.append((address, port))
        return await self._backend.connect_tcp("127.0.0.1", self.port)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, one answer."""
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.heads.append(head)
            path = head.split(b" ", 2)[1].decode()
            host = head.lower().partition(b"host: ")[2].partition(b"\r\n")[0].decode()
            self.asked.append(host + path)
            answer = self.pages.get(host + path, self.pages.get(path, page("")))
            if isinstance(answer, bytes):
                writer.write(answer)
                await writer.drain()
            else:
                await answer(writer)
        except (OSError, asyncio.IncompleteReadError, ssl.SSLError):
            pass  # whoever asked has gone
        finally:
            self.done.set()
            writer.close()

    def reader(
        self,
        tls: ssl.SSLContext | None = None,
        *,
        within_s: float = 5.0,
        clock: Clock | None = None,
    ) -> Pages:
        """A reader of pages that knows only this web."""
        return Pages(self, self, tls or trusting(), clock or SystemClock(), within_s)


@cache
def trusting() -> ssl.SSLContext:
    """Who trusts whom the machine trusts; reading that list takes a while."""
    return ssl.create_default_context()


def page(
    body: str | bytes, *headers: str, status: str = "200 OK", kind: str = "text/html"
) -> bytes:
    """A whole answer."""
    content = body.encode() if isinstance(body, str) else body
    typed = [f"Content-Type: {kind}"] if kind else []
    head = "\r\n".join(
        [f"HTTP/1.1 {status}", *typed, f"Content-Length: {len(content)}", *headers, "", ""]
    )
    return head.encode() + content


def moved(to: str, status: str = "302 Found") -> bytes:
    """A redirect."""
    return page("", f"Location: {to}", status=status)


@asynccontextmanager
async def web(tls: ssl.SSLContext | None = None) -> AsyncIterator[Web]:
    """A running web; `tls`: its server speaks TLS with this context."""
    made: list[Web] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await made[0].serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    made.append(Web(server.sockets[0].getsockname()[1]))
    async with server:
        yield made[0]
