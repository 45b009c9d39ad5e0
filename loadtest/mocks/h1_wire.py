"""One HTTP/1.1 connection: Google's addresses speak it too.

Owns the answers in order, one at a time, and the faults that make sense without streams: what is a stream's or
GOAWAY's closes the connection instead. Must never judge a request (service.py does).
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Final, cast

import httptools

from loadtest.mocks.fault import Cut, Drop, Goaway, Reset, Stall
from loadtest.mocks.request import BODY_MOST, Reply, Request
from loadtest.mocks.service import Meeting, Service

_WAITING_MOST: Final = 100
"""Requests that a client may send before it has the first answer."""


class H1Wire(asyncio.Protocol):
    """The listener makes one per connection and may `abort` or `leave` it at any time."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._session = service.begin()
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._requests = 0
        self._waiting: list[Request] = []
        self._timer: asyncio.TimerHandle | None = None
        self._stalled = False
        self.on_message_begin()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, _exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._transport = None

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._service.strange(f"protocol error: {type(error).__name__}")
            self.leave("graceful", "")

    def abort(self) -> None:
        """Gone at once, without a word."""
        if self._transport is not None:
            self._transport.abort()

    def leave(self, _how: str, _reason: str) -> None:
        """HTTP/1.1 has no goodbye: closed after what is written."""
        if self._transport is not None:
            self._transport.close()

    def on_message_begin(self) -> None:
        self._path = bytearray()
        self._headers: dict[str, str] = {}
        self._repeated: set[str] = set()
        self._body = bytearray()
        self._size = 0

    def on_url(self, url: bytes) -> None:
        self._path += url[: BODY_MOST - len(self._path)]

    def on_header(self, name: bytes, value: bytes) -> None:
        key = name.decode("latin-1").lower()
        if key in self._headers:
            self._repeated.add(key)
        self._headers[key] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        self._body += body[: BODY_MOST - len(self._body)]

    def on_message_complete(self) -> None:
        request = Request(
            self._parser.get_method().decode("latin-1"),
            self._path.decode("latin-1"),
            self._headers,
            frozenset(self._repeated),
            bytes(self._body),
            self._size,
        )
        self._waiting.append(request)
        if len(self._waiting) > _WAITING_MOST:
            self.abort()
        elif self._timer is None:
            self._next()

    def _next(self) -> None:
        """Meet the oldest request, unless the one before it is still on its way or never answered."""
        self._timer = None
        while self._waiting and self._timer is None and not self._stalled:
            self._requests += 1
            meeting = self._service.meet(self._session, self._waiting.pop(0), self._requests)
            if meeting.delay_s > 0:
                self._timer = self._loop.call_later(meeting.delay_s, self._late, meeting)
            else:
                self._answer(meeting)

    def _late(self, meeting: Meeting) -> None:
        self._answer(meeting)
        self._next()

    def _answer(self, meeting: Meeting) -> None:
        match meeting.fault:
            case Stall():
                self._stalled = True
            case Drop() | Reset() | Goaway(how="abrupt"):
                self.abort()
            case Cut():
                head, body = _bytes(meeting.reply)
                self._write(head + body[: len(body) // 2])
                self.leave("graceful", "")
            case Goaway():
                self._write(b"".join(_bytes(meeting.reply)))
                self.leave("graceful", "")
            case _:
                self._write(b"".join(_bytes(meeting.reply)))

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)


def _bytes(reply: Reply) -> tuple[bytes, bytes]:
    """Head and body."""
    try:
        phrase = HTTPStatus(reply.status).phrase
    except ValueError:
        phrase = "Scripted"
    lines = [f"HTTP/1.1 {reply.status} {phrase}", f"content-length: {len(reply.body)}"]
    lines += [f"{name}: {value}" for name, value in reply.headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"), reply.body
