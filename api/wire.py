"""One HTTP connection: uvicorn's protocol, with the bounds and deadlines it does not have.

    head        at most HEAD_BYTES, else 431
    request     head and body arrive within `request_s`, else 408; a connection that says nothing is closed as soon
    upload      to UPLOAD_URL: a body of UPLOAD_BYTES within `upload_s`; api/form.py ends one that stalls
    answer      taken within `answer_s` once the peer stops reading, else the connection is aborted
    pipelining  at most PIPELINED requests wait for their turn, else 400

Owns what a peer may cost before and beside its requests. Must never look into one: that is endpoint.py.
"""

from __future__ import annotations

import asyncio
from asyncio import TimerHandle
from typing import ClassVar, Final, NamedTuple

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.problems import problem
from api.reading import BODY_BYTES
from muster.errors import Refused
from muster.stores.depots.local import UPLOAD_URL
from proto.codes import Code

HEAD_BYTES: Final = 32_768
REQUEST_BYTES: Final = HEAD_BYTES + 16 * BODY_BYTES
"""What one request may take on the wire: a body in chunks of one byte is six times as long."""

UPLOAD_BYTES: Final = REQUEST_BYTES + (200 << 20)
"""The most a setting allows for one file; what one upload may be is in its policy."""

PIPELINED: Final = 64
_TOO_LONG: Final = Refused(Code.too_large, f"a request's head has at most {HEAD_BYTES} bytes")
_TOO_SLOW: Final = Refused(Code.bad_request, "the request did not arrive in time")


class Deadlines(NamedTuple):
    """Seconds; a phone on a slow network needs a few for 64 KiB."""

    request_s: float = 20.0
    answer_s: float = 20.0
    upload_s: float = 600.0


class TooManyPipelined(Exception):
    """The peer asks on and on without waiting for answers."""


class Wire(HttpToolsProtocol):
    """See the module. A connection is never without a deadline: ours for a request, uvicorn's between two."""

    deadlines: ClassVar[Deadlines] = Deadlines()
    _deadline: TimerHandle | None = None
    _stalled: TimerHandle | None = None
    _in_head = True
    _taken = 0  # bytes of the request that is arriving
    _most = REQUEST_BYTES

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self._expect_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._whole()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self.timeout_keep_alive_task is None and self._answered:
            self._expect_request()  # blank lines before a request begin none
        if self._deadline is not None:
            self._taken += len(data)
            if self._in_head and self._taken > HEAD_BYTES:
                self._refuse(_TOO_LONG, 431)
            elif self._taken > self._most:
                self.transport.abort()

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= PIPELINED:
            raise TooManyPipelined
        super().on_message_begin()
        self._in_head = True
        self._taken = 0
        self._most = REQUEST_BYTES
        self._expect_request()

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._in_head = False
        if self.scope["path"] == UPLOAD_URL and self.scope["method"] == "POST":
            self._most = UPLOAD_BYTES
            self._whole()
            self._deadline = self.loop.call_later(self.deadlines.upload_s, self._too_slow)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._whole()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._stalled is None:
            self._stalled = self.loop.call_later(self.deadlines.answer_s, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    @property
    def _answered(self) -> bool:
        return self.cycle is None or self.cycle.response_complete  # type: ignore[redundant-expr]  # None at first

    def _expect_request(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self.deadlines.request_s, self._too_slow)

    def _whole(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        self._deadline = None
        if self._taken and (self._answered or not self.cycle.response_started):
            self._refuse(_TOO_SLOW, 408)
        else:
            self.transport.abort()

    def _refuse(self, why: Refused, status: int) -> None:
        """A last answer. The peer may not read it: the kernel's own deadline ends that."""
        answer = problem(why, status)
        head = b"".join(b"%s: %s\r\n" % header for header in answer.raw_headers)
        words = b"HTTP/1.1 %d \r\nconnection: close\r\n%s\r\n" % (status, head)
        self.transport.write(words + bytes(answer.body))
        self.transport.close()
