"""One HTTP/2 connection, as a server that can misbehave on purpose.

Owns streams, flow control, how a connection ends, and the faults that are of HTTP/2. h2 keeps the grammar; the limit of
streams is ours, since a client that has not yet heard of it is to be refused, not hung up on; so is GOAWAY, after which
h2 would answer nothing more. Must never judge a request (service.py does).
"""

from __future__ import annotations

import asyncio
from typing import Final, NamedTuple, cast

import msgspec
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    RequestReceived,
    StreamEnded,
    StreamReset,
)
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings
from hyperframe.frame import GoAwayFrame, SettingsFrame

from loadtest.mocks.fault import Cut, Drop, Goaway, Reset, Split, Stall
from loadtest.mocks.request import BODY_MOST, Reply, Request
from loadtest.mocks.service import Meeting, Service

_ANY: Final = 2**31 - 1
_HEADERS_MOST: Final = 16_384
_FIRST_STREAMS: Final = 1
_NOTICE_S: Final = 0.1
"""Between a GOAWAY that only announces and the one that names a stream."""

_LEAVE_WITHIN_S: Final = 30.0
"""What is still open so long after GOAWAY (a stalled stream) is given up."""


class _Rest(NamedTuple):
    """What of a body is still to be sent; `each`: bytes per frame, 0: as many as fit."""

    body: bytes
    each: int


class _Asked:
    """A request on its way in."""

    def __init__(self, event: RequestReceived) -> None:
        self.headers: dict[str, str] = {}
        self.repeated: set[str] = set()
        self.body = bytearray()
        self.size = 0
        for raw, value in event.headers:
            name = raw.decode("latin-1")
            if name in self.headers:
                self.repeated.add(name)
            self.headers[name] = value.decode("latin-1")

    def add(self, data: bytes) -> None:
        self.size += len(data)
        self.body += data[: BODY_MOST - len(self.body)]

    def request(self) -> Request:
        return Request(
            self.headers.get(":method", ""),
            self.headers.get(":path", ""),
            self.headers,
            frozenset(self.repeated),
            bytes(self.body),
            self.size,
        )


class H2Wire(asyncio.Protocol):
    """The listener makes one per connection and may `abort` or `leave` it at any time."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._session = service.begin()
        self._h2 = H2Connection(H2Configuration(client_side=False, header_encoding=None))
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._told = _FIRST_STREAMS
        self._requests = 0
        self._last = _ANY  # the newest stream that is looked at
        self._judged = 0  # the newest that was
        # h2 has read further than we have: its own number counts what comes later in the same bytes.
        self._newest = 0
        self._asked: dict[int, _Asked] = {}
        self._timers: dict[int, asyncio.TimerHandle] = {}
        self._rests: dict[int, _Rest] = {}
        self._leaving: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        window = self._service.weather.window
        if self._session.trusted:
            self._told = self._service.streams
        self._h2.local_settings = _settings(self._told, window)
        self._h2.initiate_connection()
        self._h2.local_settings = _settings(_ANY, window)
        self._flush()

    def connection_lost(self, _exc: Exception | None) -> None:
        for timer in self._timers.values():
            timer.cancel()
        if self._leaving is not None:
            self._leaving.cancel()
        self._timers.clear()
        self._transport = None

    def pause_writing(self) -> None:
        """Who does not read gets no more to read: nothing new is taken from them."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        if self._transport is not None:
            self._transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        try:
            events = self._h2.receive_data(data)
        except ProtocolError as error:
            self._service.strange(f"protocol error: {type(error).__name__}")
            self._close()
            return
        for event in events:
            self._on(event)
        for stream in tuple(self._rests):
            self._push(stream)
        self._flush()

    def abort(self) -> None:
        """Gone at once, without a word."""
        if self._transport is not None:
            self._transport.abort()

    def leave(self, how: str, reason: str, last: int | None = None) -> None:
        """End it with GOAWAY: see `fault.Goodbye`. `last`: the newest stream that an abrupt one names."""
        if self._transport is None or self._leaving is not None:
            return
        if how == "announced":
            self._goaway(_ANY, reason)
            self._leaving = self._loop.call_later(_NOTICE_S, self._leave_now, reason)
        elif how == "graceful":
            self._leave_now(reason)
        else:
            self._last = self._newest if last is None else last
            self._goaway(self._last, reason)
            self._transport.close()

    def _leave_now(self, reason: str) -> None:
        self._last = self._newest
        self._goaway(self._last, reason)
        self._leaving = self._loop.call_later(_LEAVE_WITHIN_S, self._close)
        self._left()

    def _goaway(self, last: int, reason: str) -> None:
        self._flush()
        said = msgspec.json.encode({"reason": reason})
        frame = GoAwayFrame(last_stream_id=last, error_code=0, additional_data=said)
        self._write(frame.serialize())

    def _left(self) -> None:
        """Close when everything that was promised is answered."""
        if self._last != _ANY and not self._asked:
            self._close()

    def _on(self, event: Event) -> None:
        match event:
            case RequestReceived():
                self._opened(event)
            case DataReceived():
                self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                asked = self._asked.get(event.stream_id)
                if asked is not None:
                    asked.add(event.data)
            case StreamEnded():
                if event.stream_id in self._asked:
                    self._whole(event.stream_id)
            case StreamReset():
                self._service.strange("streams reset by the client")
                self._done(event.stream_id)
            case ConnectionTerminated():  # h2 says nothing more then, so nobody is answered
                for stream in tuple(self._asked):
                    self._done(stream)
                self._close()

    def _opened(self, event: RequestReceived) -> None:
        stream = event.stream_id
        if stream > self._last:
            return  # after GOAWAY: nobody will look at it
        self._newest = stream
        if len(self._asked) >= self._told:
            self._service.strange("streams above the limit")
            self._h2.reset_stream(stream, ErrorCodes.REFUSED_STREAM)
            return
        self._asked[stream] = _Asked(event)

    def _whole(self, stream: int) -> None:
        """A request is complete: it is judged now, and answered when its time comes."""
        if stream > self._last or self._transport is None or self._transport.is_closing():
            return  # nobody will hear of it, so nothing may come of it
        self._requests += 1
        meeting = self._service.meet(self._session, self._asked[stream].request(), self._requests)
        if isinstance(meeting.fault, Goaway) and meeting.fault.how == "abrupt":
            # At once: what is judged while it waits would ring, and yet be named as not looked at.
            named = stream if meeting.fault.taken else stream - 2
            self.leave("abrupt", meeting.fault.reason, max(named, self._judged))
            return
        self._judged = max(self._judged, stream)
        if self._session.trusted and self._told < self._service.streams:
            self._told = self._service.streams
            settings = {int(SettingCodes.MAX_CONCURRENT_STREAMS): self._told}
            self._flush()
            self._write(SettingsFrame(settings=settings).serialize())
        if meeting.delay_s > 0:
            self._timers[stream] = self._loop.call_later(
                meeting.delay_s, self._late, stream, meeting
            )
        else:
            self._answer(stream, meeting)

    def _late(self, stream: int, meeting: Meeting) -> None:
        if stream in self._asked:
            self._answer(stream, meeting)
            self._flush()

    def _answer(self, stream: int, meeting: Meeting) -> None:
        match meeting.fault:
            case Reset(code=code):
                self._h2.reset_stream(stream, ErrorCodes[code])
                self._done(stream)
            case Stall():
                pass  # it stays open
            case Drop():
                self.abort()
            case Cut():
                half = meeting.reply.body[: len(meeting.reply.body) // 2]
                self._h2.send_headers(stream, _head(meeting.reply))
                if half:
                    self._h2.send_data(stream, half)
                self._close()
            case Goaway(how=how, reason=reason):
                self._send(stream, meeting.reply, 0)
                self.leave(how, reason)
            case Split(bytes_each=each):
                self._send(stream, meeting.reply, each)
            case _:
                self._send(stream, meeting.reply, 0)

    def _send(self, stream: int, reply: Reply, each: int) -> None:
        self._h2.send_headers(stream, _head(reply), end_stream=not reply.body)
        if reply.body:
            self._rests[stream] = _Rest(reply.body, each)
            self._push(stream)
        else:
            self._done(stream)

    def _push(self, stream: int) -> None:
        """Send of a body what the client's window takes."""
        body, each = self._rests[stream]
        while body:
            room = min(
                self._h2.local_flow_control_window(stream),
                self._h2.max_outbound_frame_size,
                each or _ANY,
            )
            if room <= 0:
                self._rests[stream] = _Rest(body, each)
                return
            self._h2.send_data(stream, body[:room], end_stream=len(body) <= room)
            body = body[room:]
            if each:
                self._flush()
        self._done(stream)

    def _done(self, stream: int) -> None:
        self._asked.pop(stream, None)
        self._rests.pop(stream, None)
        timer = self._timers.pop(stream, None)
        if timer is not None:
            timer.cancel()
        self._left()

    def _flush(self) -> None:
        waiting = self._h2.data_to_send()
        if waiting:
            self._write(waiting)

    def _write(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _close(self) -> None:
        """After what is written by now."""
        self._flush()
        if self._transport is not None:
            self._transport.close()


def _settings(streams: int, window: int) -> Settings:
    return Settings(
        client=False,
        initial_values={
            SettingCodes.MAX_CONCURRENT_STREAMS: streams,
            SettingCodes.INITIAL_WINDOW_SIZE: window,
            SettingCodes.MAX_HEADER_LIST_SIZE: _HEADERS_MOST,
        },
    )


def _head(reply: Reply) -> list[tuple[str, str]]:
    return [(":status", str(reply.status)), *reply.headers]
