"""A small HTTP/2 client that hides nothing: what was told, reset, said goodbye, and in how many frames.

Owns one connection. It never retries and never waits for its turn: a test does what a good client would not.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, cast

import msgspec
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    DataReceived,
    Event,
    RemoteSettingsChanged,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.settings import SettingCodes
from hyperframe.frame import Frame, GoAwayFrame

WITHIN_S = 5.0
_MANY = 100_000


class Answer(NamedTuple):
    """`frames`: sizes of the DATA frames that had something in them."""

    status: int
    headers: dict[str, str]
    body: bytes
    frames: list[int]

    @property
    def said(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def reason(self) -> str:
        """Apple's."""
        return str(self.said["reason"]) if self.body else ""


class ResetByPeer(Exception):
    """RST_STREAM; the code is the argument."""


class Gone(Exception):
    """The connection ended before the answer did."""


class Goodbye(NamedTuple):
    """A GOAWAY."""

    last: int
    reason: str


class _Stream:
    def __init__(self, answer: asyncio.Future[Answer]) -> None:
        self.answer = answer
        self.headers: dict[str, str] = {}
        self.body = b""
        self.frames: list[int] = []
        self.rest = b""


class Client(asyncio.Protocol):
    """`told_streams`: how many the peer allows by now. `waits`: how often its windows had no room."""

    def __init__(self) -> None:
        self._h2 = H2Connection(H2Configuration(client_side=True, header_encoding="utf-8"))
        # h2 takes GOAWAY for the end, while what it names is still to come.
        self._h2._frame_dispatch_table[GoAwayFrame] = self._goodbye
        self._transport: asyncio.Transport | None = None
        self._streams: dict[int, _Stream] = {}
        self._event = asyncio.Event()
        self.goodbyes: list[Goodbye] = []
        self.closed = False
        self.waits = 0
        self.told_streams = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._h2.initiate_connection()
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        for stream in self._streams.values():
            if not stream.answer.done():
                stream.answer.set_exception(Gone())
        self._happened()

    def data_received(self, data: bytes) -> None:
        for event in self._h2.receive_data(data):
            self._on(event)
        self._flush()
        self._happened()

    async def until(self, what: Any) -> None:
        """Wait until `what()` is true."""
        async with asyncio.timeout(WITHIN_S):
            while not what():
                await self._event.wait()

    async def request(
        self,
        method: str,
        path: str,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> Answer:
        """Raises `ResetByPeer`, `Gone`, or `TimeoutError` where no answer comes."""
        async with asyncio.timeout(WITHIN_S):
            return await self.send(method, path, headers, body)

    def send(
        self,
        method: str,
        path: str,
        headers: Sequence[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> asyncio.Future[Answer]:
        """The same without waiting."""
        answer = self._begin(method, path, headers, body)
        self._push_all()
        self._flush()
        return answer

    def together(
        self, path: str, headers: Sequence[tuple[str, str]], body: bytes, count: int
    ) -> list[asyncio.Future[Answer]]:
        """So many posts in one write: all heads, then all bodies."""
        answers = [self._begin("POST", path, headers, body) for _ in range(count)]
        self._push_all()
        self._flush()
        return answers

    def _begin(
        self, method: str, path: str, headers: Sequence[tuple[str, str]], body: bytes
    ) -> asyncio.Future[Answer]:
        number = self._h2.get_next_available_stream_id()
        stream = _Stream(asyncio.get_running_loop().create_future())
        self._streams[number] = stream
        head = [
            (":method", method),
            (":scheme", "https"),
            (":authority", "127.0.0.1"),
            (":path", path),
        ]
        self._h2.send_headers(number, [*head, *headers], end_stream=not body)
        stream.rest = body
        return stream.answer

    def _push_all(self) -> None:
        for number, stream in self._streams.items():
            if stream.rest:
                self._push(number)

    def goodbye_seen(self) -> bool:
        return bool(self.goodbyes)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _push(self, number: int) -> None:
        stream = self._streams[number]
        while stream.rest:
            room = min(self._h2.local_flow_control_window(number), self._h2.max_outbound_frame_size)
            if room <= 0:
                self.waits += 1
                return
            part, stream.rest = stream.rest[:room], stream.rest[room:]
            self._h2.send_data(number, part, end_stream=not stream.rest)

    def _on(self, event: Event) -> None:
        match event:
            case ResponseReceived():
                given = cast("list[tuple[str, str]]", event.headers)
                self._streams[event.stream_id].headers = dict(given)
            case DataReceived():
                stream = self._streams[event.stream_id]
                stream.body += event.data
                stream.frames += [len(event.data)] if event.data else []
                self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case StreamEnded():
                self._ended(self._streams[event.stream_id])
            case StreamReset():
                answer = self._streams[event.stream_id].answer
                if not answer.done():
                    answer.set_exception(ResetByPeer(int(event.error_code)))
            case RemoteSettingsChanged():
                told = event.changed_settings.get(SettingCodes.MAX_CONCURRENT_STREAMS)
                if told is not None:
                    self.told_streams = told.new_value
                    # h2 would hold us to it.
                    self._h2.remote_settings.max_concurrent_streams = _MANY
                    self._h2.remote_settings.acknowledge()
            case WindowUpdated():
                self._push_all()

    def _goodbye(self, frame: GoAwayFrame) -> tuple[list[Frame], list[Event]]:
        said = msgspec.json.decode(frame.additional_data or b"{}")
        self.goodbyes.append(Goodbye(frame.last_stream_id, said.get("reason", "")))
        return [], []

    def _ended(self, stream: _Stream) -> None:
        headers = dict(stream.headers)
        status = int(headers.pop(":status"))
        if not stream.answer.done():
            stream.answer.set_result(Answer(status, headers, stream.body, stream.frames))

    def _happened(self) -> None:
        self._event.set()
        self._event = asyncio.Event()

    def _flush(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(self._h2.data_to_send())


@asynccontextmanager
async def connected(port: int, ca: str) -> AsyncIterator[Client]:
    """A connection that trusts `ca` alone and speaks HTTP/2 alone."""
    context = ssl.create_default_context(cafile=ca)
    context.set_alpn_protocols(["h2"])
    loop = asyncio.get_running_loop()
    _, client = await loop.create_connection(Client, "127.0.0.1", port, ssl=context)
    try:
        yield client
    finally:
        client.close()
        await client.until(lambda: client.closed)
