"""A server frame prepared for the wire: encoded and WebSocket-framed once, whoever gets it.

Owns the bytes that all receivers share. Must never hold anything about one connection.
"""

from __future__ import annotations

from struct import pack
from typing import Final, Self

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


class Prepared:
    """One server frame for any number of sockets: `binary` for msgpack clients, `text` for JSON clients."""

    __slots__ = ("_text", "binary", "payload")

    def __init__(self, msgpack_payload: bytes) -> None:
        self.payload = msgpack_payload
        self._text: bytes | None = None
        self.binary = framed(BINARY, msgpack_payload)

    @classmethod
    def of(cls, frame: Server) -> Self:
        """A frame made here; entries from the lanes come encoded already."""
        return cls(MSGPACK.encode(frame))

    @property
    def text(self) -> bytes:
        """The same as JSON, made when the first JSON client needs it."""
        if self._text is None:
            frame = MSGPACK.decode_server(self.payload)
            self._text = framed(TEXT, JSON.encode(frame))
        return self._text
