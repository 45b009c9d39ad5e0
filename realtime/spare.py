"""What idle sockets need not have of their own: the buffer that is read into, and the WebSocket parsers.

A parser of the library between two frames of an open connection is like any other: it remembers nothing. So a
socket borrows one when bytes come and gives it back after the last whole frame; ten thousand idle sockets share a
handful instead of keeping 3 KiB each. Owns these. Must never take back a parser that is in the middle of something.
"""

from __future__ import annotations

import logging
from typing import Final

from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN, Protocol, Side

RESTING: Final = 256


LOGGER: Final = logging.getLogger("realtime.websockets")
"""Not the library's own, which reports each connection: the entry module lets only errors through."""


class Parser(Protocol):
    """The library's, but for one thing: a peer may leave in the middle of a message (RFC 6455, 5.4).

    The library takes that for a fault, 1002; it is a close like any other, and its code is echoed.
    """

    def recv_frame(self, frame: Frame) -> None:
        if frame.opcode is Opcode.CLOSE:
            self.current_size = None
        super().recv_frame(frame)


class Spare:
    """The buffer and the parsers of one process. The buffer's content lasts for one call."""

    __slots__ = ("_frame_bytes", "_resting", "buffer")

    def __init__(self, slice_bytes: int, frame_bytes: int) -> None:
        self.buffer = memoryview(bytearray(slice_bytes))
        self._frame_bytes = frame_bytes
        self._resting: list[Protocol] = []

    @property
    def resting(self) -> int:
        """Parsers that nobody uses."""
        return len(self._resting)

    def borrow(self) -> Protocol:
        """A parser of an open connection, between two frames."""
        if self._resting:
            return self._resting.pop()
        return Parser(Side.SERVER, state=OPEN, max_size=self._frame_bytes, logger=LOGGER)

    def give_back(self, parser: Protocol) -> None:
        """Take back a parser that is between two frames again."""
        if len(self._resting) < RESTING:
            self._resting.append(parser)
        else:
            discard(parser)


def discard(parser: Protocol) -> None:
    """Let go of a parser: its generator points back at it, and would wait for the garbage collector."""
    parser.parser.close()
