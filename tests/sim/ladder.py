"""A socket with a real outbox: what is pushed waits until the reader takes it, and who is too slow is closed.

Owns the way from a push to its device. Must never decide when somebody is slow: `realtime.outbox` does.
"""

from __future__ import annotations

import asyncio
from collections import deque

from muster.ids import RoomId
from proto.codec import MSGPACK
from proto.frames import RoomStates
from realtime.outbox import Level, Outbox
from realtime.prepared import Pushable
from tests.sim.device import Device, SimSocket

BOUND = 1_600
DRAINED_WITHIN_S = 4.0


class LadderSocket(SimSocket):
    """`blocked`: its reader takes nothing for now."""

    def __init__(self, device: Device) -> None:
        super().__init__(device)
        self.outbox = Outbox(BOUND, DRAINED_WITHIN_S)
        self.blocked = False
        self.over = False
        self._waiting: deque[bytes] = deque()

    def push(self, prepared: Pushable) -> None:
        assert self.open, f"{self._owner}: something is still attached to a socket that is gone"
        if not self.over:
            for payload in prepared.payloads:
                self._waiting.append(payload)
                if self.outbox.put(payload):
                    self.look()

    def flush(self) -> bool:
        """The end of a tick: everything in one write, unless the transport takes no more. Whether anything left."""
        data = self.outbox.take()
        if data:
            frames, self._waiting = list(self._waiting), deque()
            assert data == b"".join(frames), f"{self._owner}: bytes were lost in the outbox"
            for payload in frames:
                self._owner.take(MSGPACK.decode_server(payload))
        self.look()
        return bool(data)

    def stall(self) -> None:
        """The reader stops reading."""
        self.blocked = True
        self.outbox.block(100, asyncio.get_running_loop().time())

    def read_on(self) -> None:
        """The reader takes what there is."""
        self.blocked = False
        self.outbox.unblock()
        self.flush()

    def look(self) -> None:
        """Where it stands on the ladder."""
        level = self.outbox.level(asyncio.get_running_loop().time())
        self.over = self.over or level is Level.over
        self.thinned = level is not Level.flowing
        self.takes_heads = self.outbox.takes_heads
        was, self.congested = self.congested, level >= Level.congested
        if was and not self.congested:
            self.on_drained(self)


class LadderDevice(Device):
    """A device on such a socket."""

    def socket_of(self) -> SimSocket:
        return LadderSocket(self)

    def _learn(self, states: RoomStates, told: set[RoomId]) -> None:
        # The answer leaves by the same outbox: what was pushed before it is read before it.
        if isinstance(self.socket, LadderSocket):
            self.socket.read_on()
            if self.socket.over:
                return  # it is being closed, and what was for it is dropped: the answer too
        super()._learn(states, told)
