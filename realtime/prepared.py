"""Server frames prepared for the wire: encoded and WebSocket-framed once, whoever gets them.

Owns the bytes that all receivers share. Must never hold anything about one connection.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import pack
from typing import Final, Protocol, Self

from proto.codec import JSON, MSGPACK
from proto.frames import Server

TEXT: Final = 0x81
BINARY: Final = 0x82
"""First octets of an unfragmented WebSocket frame of either kind (RFC 6455, 5.2)."""


def framed(first: int, payload: bytes) -> bytes:
    """One whole WebSocket frame as a server sends it: not masked."""
    size = len(payload)
    if size < 126:
        return bytes((first, size)) + payload
    if size < 65_536:
        return pack(">BBH", first, 126, size) + payload
    return pack(">BBQ", first, 127, size) + payload


class Pushable(Protocol):
    """One frame or several, as WebSocket bytes of either subprotocol, and as the msgpack payloads they hold.

    `frames`: how many.
    """

    @property
    def binary(self) -> bytes: ...
    @property
    def text(self) -> bytes: ...
    @property
    def payloads(self) -> Sequence[bytes]: ...
    @property
    def frames(self) -> int: ...


class Prepared:
    """One server frame for any number of sockets: `binary` for msgpack clients, `text` for JSON clients."""

    __slots__ = ("_text", "binary", "payload")

    frames: Final = 1

    def __init__(self, msgpack_payload: bytes) -> None:
        self.payload = msgpack_payload
        self._text: bytes | None = None
        self.binary = framed(BINARY, msgpack_payload)

    @classmethod
    def of(cls, frame: Server) -> Self:
        """A frame made here; entries from the lanes come encoded already."""
        return cls(MSGPACK.encode(frame))

    @property
    def payloads(self) -> Sequence[bytes]:
        """The one there is."""
        return (self.payload,)

    @property
    def text(self) -> bytes:
        """The same as JSON, made when the first JSON client needs it."""
        if self._text is None:
            frame = MSGPACK.decode_server(self.payload)
            self._text = framed(TEXT, JSON.encode(frame))
        return self._text


class PreparedRun:
    """Frames that follow each other, joined once for everybody."""

    __slots__ = ("_run", "_text", "binary", "frames")

    def __init__(self, run: Sequence[Prepared]) -> None:
        self._run = run
        self.frames = len(run)
        self._text: bytes | None = None
        self.binary = b"".join([prepared.binary for prepared in run])

    @property
    def payloads(self) -> Sequence[bytes]:
        """In their order."""
        return [prepared.payload for prepared in self._run]

    @property
    def text(self) -> bytes:
        """The same as JSON, made when the first JSON client needs it."""
        if self._text is None:
            self._text = b"".join([prepared.text for prepared in self._run])
        return self._text
