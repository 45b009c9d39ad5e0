"""The receiving half of one WebSocket, without I/O: slices of bytes in, whole messages and faults out.

    bytes -> the library's parser -> frames -> Assembly -> messages, UTF-8 checked
             and the buckets of bytes and of frames that are no message: how long to read nothing more

Owns what is wrong with a peer below our frames, and the close handshake's frames. Must never write, wait or know
what a message says.
"""

from __future__ import annotations

from typing import Final, NamedTuple, cast

from msgspec import Struct
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN, SEND_EOF, Protocol

from proto.codes import Close
from realtime.assembly import Assembly, TooManyFragments
from realtime.bucket import Bucket
from realtime.spare import Spare, discard
from realtime.terms import Terms

_TEXT: Final = Opcode.TEXT  # asked for every frame: a look-up in an Enum costs 0.2 us
_BINARY: Final = Opcode.BINARY
_PONG_OCTET: Final = 0x8A
_INVALID_DATA: Final = 1007
_REASON_BYTES: Final = 123  # RFC 6455, 5.5: a control frame has at most 125, two are the code
_CLEAN: Final = frozenset({1000, 1001})


class Fault(NamedTuple):
    """Why the connection must end: a WebSocket close code or one of ours."""

    code: int
    reason: str


class Slice(Struct, gc=False):
    """What one slice of input came to. Messages come before the fault that ended it."""

    messages: list[bytes]
    fault: Fault | None = None
    pongs: bytes = b""
    wait_s: float = 0.0
    ended: bool = False


class Inlet:
    """What has been received of one connection and is no message yet."""

    __slots__ = (
        "_assembly",
        "_bytes",
        "_controls",
        "_parser",
        "_spare",
        "_terms",
        "_throttles",
        "_unread",
        "text",
    )

    def __init__(self, spare: Spare, terms: Terms, text: bool) -> None:
        self._spare = spare
        self._terms = terms
        self._parser: Protocol | None = None
        self._unread = 0  # bytes in the parser that are no whole frame yet
        self._assembly: Assembly | None = None
        self._bytes: Bucket | None = None
        self._controls: Bucket | None = None
        self._throttles: Bucket | None = None
        self.text = text

    @property
    def busy(self) -> bool:
        """Whether it holds a parser of its own, being in the middle of something."""
        return self._parser is not None

    def read(self, data: bytes, now: float) -> Slice:
        """Parse one slice."""
        if self._bytes is None:
            self._bytes = Bucket(self._terms.bytes_rate)
        wait = self._bytes.charge(now, len(data))
        parser = self._feed(data)
        out = Slice([])
        controls = 0
        for event in parser.events_received():
            frame = cast(Frame, event)
            self._unread -= _size(frame)
            if frame.fin and (frame.opcode is _BINARY or frame.opcode is _TEXT):
                out.fault = self._message(out.messages, frame.data, frame.opcode is _TEXT)
            else:
                controls += 1
                out.fault = self._piece(out.messages, frame)
            if out.fault is not None:
                return out
        if parser.parser_exc is not None and parser.close_sent is not None:
            out.fault = Fault(parser.close_sent.code, parser.close_sent.reason)
        elif parser.eof_sent:
            out.ended = True
        else:
            if parser.writes:
                # All that came in this slice, in order; a pong is shorter than its ping.
                out.pongs = b"".join(parser.data_to_send())
            self._rest(parser)
            self._throttle(out, wait, controls, now)
        return out

    def read_last(self, data: bytes, now: float) -> bool:
        """A slice after our own close: whether the peer's close has come. A flood of anything else is passed over."""
        if self._parser is None or self._parser.eof_sent:
            return False
        if self._bytes is None or self._bytes.charge(now, len(data)) == 0.0:
            parser = self._feed(data)
            parser.events_received()
            parser.data_to_send()
            return parser.eof_sent
        return False

    def close(self, code: int, reason: str) -> list[bytes]:
        """What to write for a close, ours or in answer to the peer's. An empty item means: nothing follows."""
        if self._parser is None:
            self._parser = self._spare.borrow()
        if self._parser.state is OPEN:
            self._parser.send_close(code, reason.encode()[:_REASON_BYTES].decode(errors="ignore"))
        # Otherwise the parser has its own ready: the peer closed, or broke the grammar.
        written = self._parser.data_to_send()
        return [each for each in written if each == SEND_EOF or each[0] != _PONG_OCTET]

    def end(self) -> bool:
        """The connection is gone: whether its client closed it first, and meant to be offline."""
        parser, self._parser = self._parser, None
        if parser is None:
            return False
        discard(parser)
        closed = parser.close_rcvd
        return closed is not None and bool(parser.close_rcvd_then_sent) and closed.code in _CLEAN

    def _feed(self, data: bytes) -> Protocol:
        parser = self._parser
        if parser is None:
            parser = self._parser = self._spare.borrow()
        self._unread += len(data)
        parser.receive_data(data)
        return parser

    def _rest(self, parser: Protocol) -> None:
        """Give the parser back if it is between two frames, and those of no unfinished message."""
        if self._unread == 0 and self._assembly is None:
            self._parser = None
            self._spare.give_back(parser)

    def _throttle(self, out: Slice, wait: float, controls: int, now: float) -> None:
        if controls:
            if self._controls is None:
                self._controls = Bucket(self._terms.controls_rate)
            wait = max(wait, self._controls.charge(now, controls))
        if wait:
            out.wait_s = wait
            if self._throttles is None:
                self._throttles = Bucket(self._terms.throttles_rate)
            if self._throttles.take(now):
                out.fault = Fault(Close.flood, "more kept coming than one socket may send")

    def _piece(self, messages: list[bytes], frame: Frame) -> Fault | None:
        if frame.opcode is _TEXT or frame.opcode is _BINARY:
            self._assembly = Assembly(frame.opcode is _TEXT, self._terms.fragments)
        elif frame.opcode is not Opcode.CONT:
            return None
        assembly = self._assembly
        assert assembly is not None, "the parser lets no continuation through without a beginning"
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


def _size(frame: Frame) -> int:
    """The frame's octets on the wire, if its length was written in the shortest form.

    A longer form makes us count too few, so that the parser is kept: never given back too early.
    """
    size = len(frame.data)
    return size + (6 if size < 126 else 8 if size < 65_536 else 14)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
