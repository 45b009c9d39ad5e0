"""An HTTP/2 server that answers 200 to everything, over TLS, as fast as Python may: the other end of a benchmark.

Owns as little as possible: it reads frames without looking at what is in them. The n-th request has the n-th id as
far as it knows, and one of the peers relies on its being told. Must never be taken for APNs
(loadtest/mocks is): it judges nothing. `python -m loadtest.peers.h2_sink PORT CERTIFICATE KEY`.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from typing import Final, cast
from uuid import UUID

import uvloop

_PREFACE: Final = 24
_HEAD: Final = 9
_DATA, _HEADERS, _SETTINGS, _PING = 0, 1, 4, 6
_ACK, _END_STREAM = 1, 1
_WINDOW: Final = (1 << 31) - 1 - 65_535
_ANSWER: Final = b"\x88\x00\x07apns-id\x24"
"""`:status: 200` of the static table, and a field that is indexed nowhere, without its value."""

_STREAMS: Final = 1_000


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    head = len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big")
    return head + payload


_HELLO: Final = b"".join(
    (
        _frame(_SETTINGS, 0, 0, b"\x00\x03" + _STREAMS.to_bytes(4, "big")),
        _frame(8, 0, 0, _WINDOW.to_bytes(4, "big")),
    )
)


class Sink(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._buffer = b""
        self._greeted = False
        self._received = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by name
        self._transport.write(_HELLO)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data if self._buffer else data
        at = 0
        if not self._greeted:
            if len(buffer) < _PREFACE:
                self._buffer = buffer
                return
            at, self._greeted = _PREFACE, True
        out = bytearray()
        while at + _HEAD <= len(buffer):
            length = int.from_bytes(buffer[at : at + 3], "big")
            end = at + _HEAD + length
            if end > len(buffer):
                break
            kind, flags = buffer[at + 3], buffer[at + 4]
            if kind in (_DATA, _HEADERS):
                self._received += length if kind == _DATA else 0
                if flags & _END_STREAM:
                    stream = int.from_bytes(buffer[at + 5 : at + 9], "big")
                    apns_id = str(UUID(int=stream // 2)).encode()
                    out += _frame(_HEADERS, 5, stream, _ANSWER + apns_id)
            elif kind in (_SETTINGS, _PING) and not flags & _ACK:
                payload = b"" if kind == _SETTINGS else buffer[at + _HEAD : end]
                out += _frame(kind, _ACK, 0, payload)
            at = end
        self._buffer = buffer[at:]
        if self._received > 1 << 20:
            out += _frame(8, 0, 0, self._received.to_bytes(4, "big"))
            self._received = 0
        if out:
            self._transport.write(bytes(out))


async def _serve(port: int, certificate: str, key: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.set_alpn_protocols(["h2"])
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Sink, "127.0.0.1", port, ssl=context)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
