"""WebSocket frames as cheap as Python makes them: whole binary messages out, payloads in.

Owns the bytes, of the opening handshake too. Pure. Must never do what a phone should copy: the mask is zeros (it
protects proxies, and there are none here), and what a server may not send is not looked for.
"""

from __future__ import annotations

from base64 import b64encode
from struct import pack
from typing import Final, NamedTuple

from proto.frames import Ack, Entry, Error
from proto.limits import SUBPROTOCOL_MSGPACK

PATH: Final = "/v1/socket"
BINARY: Final = 0x82
CLOSE: Final = 0x88
PING: Final = 0x89
PONG: Final = 0x8A
_MASKED: Final = 0x80
_NO_MASK: Final = bytes(4)

ACK: Final = Ack.__struct_config__.tag
ENTRY: Final = Entry.__struct_config__.tag
ERROR: Final = Error.__struct_config__.tag
"""What stands in the second byte of a payload: a frame is a short array, its tag a small integer."""


def upgrade(host: str, port: int) -> bytes:
    """The request that opens a WebSocket."""
    key = b64encode(bytes(16)).decode()
    lines = (
        f"GET {PATH} HTTP/1.1",
        f"Host: {host}:{port}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Protocol: {SUBPROTOCOL_MSGPACK}",
    )
    return "\r\n".join([*lines, "", ""]).encode()


def retry_after_ms(head: bytes) -> int | None:
    """What the head of a refusal says of when to come back."""
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"retry-after" and value.strip().isdigit():
            return int(value) * 1_000
    return None


def masked(payload: bytes, first: int = BINARY) -> bytes:
    """One whole frame as a client sends it."""
    size = len(payload)
    if size < 126:
        return bytes((first, _MASKED | size)) + _NO_MASK + payload
    return pack(">BBH", first, _MASKED | 126, size) + _NO_MASK + payload


def request_of(payload: bytes) -> int:
    """The request id that an answer carries: the msgpack integer after the tag."""
    first = payload[2]
    if first < 0x80:
        return first
    if first == 0xCC:
        return payload[3]
    if first == 0xCD:
        return payload[3] << 8 | payload[4]
    if first == 0xCE:
        return int.from_bytes(payload[3:7], "big")
    raise ValueError(f"a request id does not begin with {first:#x}")


class Taken(NamedTuple):
    """The payloads of whole binary messages, and of other frames with their first byte."""

    messages: list[bytes]
    controls: list[tuple[int, bytes]]


class Deframer:
    """Bytes from a server -> payloads."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def take(self, data: bytes) -> Taken:
        """Everything that is whole by now."""
        if self._rest:
            data = self._rest + data
        messages: list[bytes] = []
        controls: list[tuple[int, bytes]] = []
        at, end = 0, len(data)
        while end - at >= 2:
            start, size = at + 2, data[at + 1]
            if size >= 126:
                start += 2 if size == 126 else 8
                if start > end:
                    break
                size = int.from_bytes(data[at + 2 : start], "big")
            stop = start + size
            if stop > end:
                break
            if data[at] == BINARY:
                messages.append(data[start:stop])
            else:
                controls.append((data[at], data[start:stop]))
            at = stop
        self._rest = data[at:]
        return Taken(messages, controls)
