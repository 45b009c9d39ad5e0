"""The receiving half of one WebSocket, without I/O: slices of bytes in, whole messages and faults out.

    bytes -> ServerProtocol (the library's grammar) -> frames -> Assembly -> messages, UTF-8 checked
             and the buckets of bytes and of frames that are no message: how long to read nothing more

Owns what is wrong with a peer below our frames. Must never write, wait or know what a message says.
"""

from __future__ import annotations

from typing import Final, NamedTuple, cast

from msgspec import Struct
from websockets.frames import Frame, Opcode
from websockets.server import ServerProtocol

from proto.codes import Close
from proto.limits import SUBPROTOCOL_JSON
from realtime.assembly import Assembly, TooManyFragments
from realtime.bucket import Bucket
from realtime.terms import Terms

_PONG_OCTET: Final = 0x8A
_INVALID_DATA: Final = 1007


class Fault(NamedTuple):
    """Why the connection must end: a WebSocket close code or one of ours."""

    code: int
    reason: str


class Slice(Struct, gc=False):
    """What one slice of input came to. Messages come before the fault that ended it."""

    messages: list[bytes]
    fault: Fault | None = None
    pong: bytes | None = None
    wait_s: float = 0.0
    ended: bool = False


class Inlet:
    """What has been received of one connection and is no message yet."""

    __slots__ = ("_assembly", "_bytes", "_controls", "_protocol", "_terms", "_throttles", "text")

    def __init__(self, protocol: ServerProtocol, terms: Terms) -> None:
        self._protocol = protocol
        self._terms = terms
        self._assembly: Assembly | None = None
        self._bytes = Bucket(terms.bytes_rate)
        self._controls = Bucket(terms.controls_rate)
        self._throttles = Bucket(terms.throttles_rate)
        self.text = protocol.subprotocol == SUBPROTOCOL_JSON

    def read(self, data: bytes, now: float) -> Slice:
        """Parse one slice."""
        protocol = self._protocol
        wait = self._bytes.charge(now, len(data))
        protocol.receive_data(data)
        out = Slice([])
        controls = 0
        for event in protocol.events_received():
            frame = cast(Frame, event)
            if frame.fin and (frame.opcode is Opcode.BINARY or frame.opcode is Opcode.TEXT):
                out.fault = self._message(out.messages, frame.data, frame.opcode is Opcode.TEXT)
            else:
                controls += 1
                out.fault = self._piece(out.messages, frame)
            if out.fault is not None:
                return out
        if controls:
            wait = max(wait, self._controls.charge(now, controls))
        if protocol.parser_exc is not None and protocol.close_sent is not None:
            out.fault = Fault(protocol.close_sent.code, protocol.close_sent.reason)
        elif protocol.eof_sent:
            out.ended = True
        elif protocol.writes:
            # The last of several pings is answered, the others need not be (RFC 6455, 5.5.3).
            pongs = [written for written in protocol.data_to_send() if written[0] == _PONG_OCTET]
            out.pong = pongs[-1] if pongs else None
        if wait:
            out.wait_s = wait
            if self._throttles.take(now):
                out.fault = Fault(Close.flood, "more kept coming than one socket may send")
        return out

    def read_last(self, data: bytes, now: float) -> bool:
        """A slice after our own close frame: whether the peer's close is in it, or the flood does not end."""
        if self._bytes.charge(now, len(data)) == 0.0:
            self._protocol.receive_data(data)
            self._protocol.events_received()
        return self._protocol.eof_sent

    def _piece(self, messages: list[bytes], frame: Frame) -> Fault | None:
        if frame.opcode is Opcode.TEXT or frame.opcode is Opcode.BINARY:
            self._assembly = Assembly(frame.opcode is Opcode.TEXT, self._terms.fragments)
        elif frame.opcode is not Opcode.CONT:
            return None
        assembly = self._assembly
        assert assembly is not None, "the library lets no continuation through without a beginning"
        try:
            assembly.add(bytes(frame.data))
        except TooManyFragments as many:
            return Fault(Close.too_large, str(many))
        if not frame.fin:
            return None
        self._assembly = None
        return self._message(messages, assembly.message(), assembly.text)

    def _message(
        self, messages: list[bytes], data: bytes | bytearray | memoryview, text: bool
    ) -> Fault | None:
        message = bytes(data)
        if text is not self.text:
            expected = "text" if self.text else "binary"
            return Fault(Close.protocol_violation, f"messages of this subprotocol are {expected}")
        if text and not _is_utf8(message):
            return Fault(_INVALID_DATA, "a text message is not valid UTF-8")
        messages.append(message)
        return None


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
