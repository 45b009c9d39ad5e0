"""HTTP/1.1 as cheap as Python makes it: one connection, one request at a time, the status of each answer.

Owns the bytes and the parsing (httptools). Must never do what a phone should copy: it follows nothing, keeps nothing,
and takes whatever it is told.
"""

from __future__ import annotations

import asyncio
from typing import Final, cast

import httptools

ANSWERED_WITHIN_S: Final = 5.0


class Caller(asyncio.Protocol):
    """One keep-alive connection."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[int] | None = None
        self._body = bytearray()

    @classmethod
    async def connect(cls, host: str, port: int) -> Caller:
        """To this server. Raises `OSError`."""
        _, caller = await asyncio.get_running_loop().create_connection(cls, host, port)
        return caller

    async def call(self, request: bytes) -> tuple[int, bytes]:
        """The status and the body that a whole request got. Raises `TimeoutError` and `ConnectionError`."""
        if self._transport is None:
            raise ConnectionError("the server ended the connection")
        self._answer = asyncio.get_running_loop().create_future()
        self._body.clear()
        self._transport.write(request)
        async with asyncio.timeout(ANSWERED_WITHIN_S):
            status = await self._answer
        return status, bytes(self._body)

    def close(self) -> None:
        """Let go."""
        if self._transport is not None:
            self._transport.abort()

    # The transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError(f"the connection ended: {exc}"))

    # The parser calls

    def on_body(self, body: bytes) -> None:
        """A piece of an answer."""
        self._body += body

    def on_message_complete(self) -> None:
        """An answer is whole."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(self._parser.get_status_code())
        self._parser = httptools.HttpResponseParser(self)


def request(
    method: str, path: str, headers: dict[str, str], body: bytes = b"", host: str = "localhost"
) -> bytes:
    """A whole request."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body
