"""A socket that remembers the frames it was given, in place of a connection.

Owns what it was pushed. Must never reorder or forget: what a test reads is what the hub pushed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import UUID

from muster.ids import DeviceId, PersonId, SessionId
from proto.codec import MSGPACK
from proto.codes import Close
from proto.frames import Entry, Gap, Server, ServerFrame, Skip
from realtime.prepared import Prepared, Pushable
from realtime.socket import Socket

WITHIN_S = 30.0


class RecordingSocket:
    """See `realtime.socket.Socket`. `congested` is the test's to set; `drain()` ends it."""

    def __init__(self, person: PersonId, device: DeviceId, session: SessionId) -> None:
        self.person = person
        self.device = device
        self.session = session
        self.attention = "active"
        self.backlog = 0
        self.thinned = self.congested = False
        self.takes_heads = True
        self.on_drained: Callable[[Socket], None] = _nobody
        self.frames: list[ServerFrame] = []
        self.closed: Close | None = None
        self._came = asyncio.Event()

    def push(self, prepared: Pushable) -> None:
        if self.closed is None:
            self.frames += [MSGPACK.decode_server(payload) for payload in prepared.payloads]
            self._came.set()

    def send(self, frame: Server) -> None:
        self.push(Prepared.of(frame))

    def close(
        self,
        code: Close,
        reason: str,  # part of the contract
        retry_after_ms: int | None = None,  # part of the contract
    ) -> None:
        if self.closed is None:
            self.closed = code
            self._came.set()

    def drain(self) -> None:
        """It can be sent to again."""
        self.thinned = self.congested = False
        self.on_drained(self)

    async def until(self, condition: Callable[[RecordingSocket], bool]) -> None:
        """Return once `condition` holds. It is looked at now and then: what was so for a moment may be missed."""
        async with asyncio.timeout(WITHIN_S):
            while not condition(self):
                self._came.clear()
                await self._came.wait()

    async def until_told(self, room: UUID, seq: int) -> None:
        """Return once this seq of the room, or something after it, was told in some way."""
        await self.until(lambda _: any(to >= seq for _, to, _ in self.told(room)))

    def told(self, room: UUID) -> list[tuple[int, int, str]]:
        """(from, to, how) of everything told of a room, in the order it was told; how: entry, skip, gap."""
        told = []
        for frame in self.frames:
            if isinstance(frame, Entry) and frame.room == room:
                told.append((frame.seq, frame.seq, "entry"))
            elif isinstance(frame, Skip) and frame.room == room:
                told.append((frame.from_seq, frame.to_seq, "skip"))
            elif isinstance(frame, Gap) and frame.room == room:
                told.append((frame.from_seq, frame.to_seq, "gap"))
        return told

    def entries(self, room: UUID) -> list[Entry]:
        """The entries of a room, in the order they came."""
        return [f for f in self.frames if isinstance(f, Entry) and f.room == room]

    def is_unbroken(self, room: UUID, from_seq: int = 1) -> bool:
        """Whether everything from `from_seq` on was told once, in order, without a hole."""
        following = from_seq
        for start, end, _ in self.told(room):
            if start != following:
                return False
            following = end + 1
        return True


def _nobody(_: Socket) -> None:
    return None
