"""An HTTP/2 server at the level of frames, over TLS, that does what a test scripts: well or badly.

Owns what was asked of it, byte for byte, and the rules that a client must keep (streams at once, windows): every breach
is written down in `breaches`. It uses neither h2 nor anything of the client's.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from hpack import Decoder, Encoder
from hyperframe.frame import (
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    PingFrame,
    RstStreamFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from muster.services.certificate import development_certificate

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
WINDOW = 65_535
STREAMS = SettingsFrame.MAX_CONCURRENT_STREAMS
INITIAL_WINDOW = SettingsFrame.INITIAL_WINDOW_SIZE
NO_ERROR, REFUSED, INTERNAL = 0, 7, 2


@dataclass(eq=False)
class Asked:
    """One request: as it came, and what it said."""

    line: Line
    stream: int
    block: bytes
    fields: dict[str, str]
    body: bytes = b""

    def reply(self, status: int = 200, body: bytes = b"", *, split: int = 1, **fields: str) -> None:
        """Answer it, its body in so many frames."""
        self.line.reply(self, status, body, split, fields)


Script = Callable[[Asked], None]


def well(asked: Asked) -> None:
    """As it should be."""
    asked.reply(200)


@dataclass
class Peer:
    """What was asked, by every connection there was."""

    script: Script = well
    settings: dict[int, int] = field(default_factory=lambda: {STREAMS: 1000})
    lines: list[Line] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    accepted: list[Asked] = field(default_factory=list)
    breaches: list[str] = field(default_factory=list)
    silent: bool = False
    credit: bool = True
    url: str = ""
    ca: Path = Path()

    def bodies(self) -> list[bytes]:
        """Of what was answered 200."""
        return [one.body for one in self.accepted]


class Line(asyncio.Protocol):
    """One connection, the server's end. `silent`: pings get no answer. `credit`: windows are refilled at once."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.number = 0
        self.open: dict[int, Asked] = {}
        self.pings = 0
        self.highest = 0
        self.closed = False
        self._buffer = b""
        self._greeted = False
        self._decoder, self._encoder = Decoder(), Encoder()
        self._most = peer.settings.get(STREAMS, 1 << 31)
        self._windows: dict[int, int] = {0: WINDOW}
        self._initial = peer.settings.get(INITIAL_WINDOW, WINDOW)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by name
        self.number = len(self.peer.lines)
        self.peer.lines.append(self)
        if not self.peer.silent:
            self.send(SettingsFrame(0, settings=dict(self.peer.settings)))

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._greeted:
            if len(self._buffer) < len(PREFACE):
                return
            assert self._buffer.startswith(PREFACE)
            self._buffer, self._greeted = self._buffer[len(PREFACE) :], True
        while len(self._buffer) >= 9 and not self.closed:
            frame, length = Frame.parse_frame_header(memoryview(self._buffer[:9]))
            if len(self._buffer) < 9 + length:
                return
            frame.parse_body(memoryview(self._buffer[9 : 9 + length]))
            self._buffer = self._buffer[9 + length :]
            self._take(frame)

    # What a script does

    def send(self, frame: Frame) -> None:
        """Any frame at all."""
        self.raw(frame.serialize())

    def raw(self, data: bytes) -> None:
        """Any bytes at all."""
        if not self.transport.is_closing():
            self.transport.write(data)

    def reply(
        self, to: Asked, status: int, body: bytes, split: int, fields: dict[str, str]
    ) -> None:
        """See `Asked.reply`."""
        self.head(to, status, fields, end=not body)
        step = max(1, -(-len(body) // split))
        for at in range(0, len(body), step):
            data = DataFrame(to.stream, data=body[at : at + step])
            if at + step >= len(body):
                data.flags.add("END_STREAM")
            self.send(data)
        self.open.pop(to.stream, None)
        if status == 200:
            self.peer.accepted.append(to)

    def head(self, to: Asked, status: int, fields: dict[str, str], *, end: bool) -> None:
        """The beginning of an answer, or all of it."""
        pairs = [(":status", str(status)), *((k.replace("_", "-"), v) for k, v in fields.items())]
        frame = HeadersFrame(to.stream, data=self._encoder.encode(pairs))
        frame.flags |= {"END_HEADERS", "END_STREAM"} if end else {"END_HEADERS"}
        self.send(frame)

    def reset(self, asked: Asked, code: int) -> None:
        """RST_STREAM."""
        self.open.pop(asked.stream, None)
        self.send(RstStreamFrame(asked.stream, error_code=code))

    def goaway(self, last: int, code: int = NO_ERROR, said: bytes = b"") -> None:
        """GOAWAY; what is open goes on as the script likes."""
        self.send(GoAwayFrame(0, last_stream_id=last, error_code=code, additional_data=said))

    def allow(self, streams: int) -> None:
        """Another number of streams at once."""
        self._most = streams
        self.send(SettingsFrame(0, settings={STREAMS: streams}))

    def grant(self, stream: int, size: int) -> None:
        """WINDOW_UPDATE."""
        if stream == 0 or stream in self.open:
            self._windows[stream] += size
            self.send(WindowUpdateFrame(stream, window_increment=size))

    # What comes

    def _take(self, frame: Frame) -> None:
        if isinstance(frame, SettingsFrame) and "ACK" not in frame.flags:
            self.send(SettingsFrame(0, flags=["ACK"]))
        elif isinstance(frame, PingFrame):
            self.pings += 1
            if not self.peer.silent:
                self.send(PingFrame(0, frame.opaque_data, flags=["ACK"]))
        elif isinstance(frame, HeadersFrame):
            self._headers(frame)
        elif isinstance(frame, DataFrame):
            self._data(frame)
        elif isinstance(frame, RstStreamFrame):
            self.open.pop(frame.stream_id, None)

    def _headers(self, frame: HeadersFrame) -> None:
        assert "END_HEADERS" in frame.flags
        pairs = self._decoder.decode(frame.data, raw=False)
        asked = Asked(self, frame.stream_id, frame.data, {str(k): str(v) for k, v in pairs})
        self.highest = frame.stream_id
        self.open[frame.stream_id] = asked
        self._windows[frame.stream_id] = self._initial
        if len(self.open) > self._most:
            self.peer.breaches.append(f"{len(self.open)} streams of {self._most}")
        if "END_STREAM" in frame.flags:
            self._whole(asked)

    def _data(self, frame: DataFrame) -> None:
        size = frame.flow_controlled_length
        for window in (0, frame.stream_id):
            self._windows[window] -= size
            if self._windows[window] < 0:
                self.peer.breaches.append(f"window {window} at {self._windows[window]}")
        if self.peer.credit and size:
            self.grant(0, size)
            self.grant(frame.stream_id, size)
        asked = self.open.get(frame.stream_id)
        if asked is not None:
            asked.body += frame.data
            if "END_STREAM" in frame.flags:
                self._whole(asked)

    def _whole(self, asked: Asked) -> None:
        self.peer.asked.append(asked)
        self.peer.script(asked)


@asynccontextmanager
async def listening(
    directory: Path, peer: Peer | None = None, *, alpn: str = "h2", port: int = 0
) -> AsyncIterator[Peer]:
    """A peer on the loopback, with a certificate of its own that `peer.ca` vouches for."""
    peer = peer or Peer()
    certificate, key = development_certificate(directory, "127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols([alpn])
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Line(peer), "127.0.0.1", port, ssl=context)
    peer.url, peer.ca = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}", certificate
    try:
        yield peer
    finally:
        server.close()
        for line in peer.lines:
            line.transport.abort()
        await server.wait_closed()
