"""One of the processes that load a peer: `python -m loadtest.peers.load`, started by trial.py.

Members who count what they hear, and in one of the processes the one who speaks: an open loop (bench/schedule.py).
Owns its sockets; knows no peer, only a dialect. Must never slow down because the server does.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from time import monotonic
from typing import Final, cast

import msgspec
import uvloop

from loadtest.bench import wire
from loadtest.bench.limits import open_many_files
from loadtest.bench.schedule import OpenLoop
from loadtest.peers.orders import Heard, Online, Plan, Step, line
from loadtest.peers.peer import FRAME_BYTES, Dialect

HOST: Final = "127.0.0.1"
IN_WITHIN_S: Final = 20.0
"""One socket, from the first try; a server that was just started listens by then."""

AT_ONCE: Final = 100
"""Sockets on their way in: none of these servers needs more to be busy, and some turn away who waits too long."""

OPENS_PER_BREATH: Final = 20
TICK_S: Final = 0.001
_HEAD_BYTES: Final = 4
_MARK: Final = b"~"
"""Only what the speaker says holds it: no welcome does, and no heartbeat."""


class PeerSocket(asyncio.Protocol):
    """One socket. `inside` is done once it is in the room; `heard` is called with what arrives afterwards."""

    def __init__(self, dialect: Dialect, path: str, heard: Callable[[list[bytes]], None]) -> None:
        self.inside: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.lost = False
        self._dialect = dialect
        self._path = path
        self._heard = heard
        self._head: bytes | None = b"" if dialect.framed else None
        self._deframer = wire.Deframer() if dialect.framed else _Slices()
        self._transport: asyncio.Transport | None = None

    def say(self, due_us: int) -> None:
        """A message of FRAME_BYTES that tells when it was due."""
        if self._transport is None:
            return
        before, after = self._dialect.before.encode(), self._dialect.after.encode()
        said = before + b"%b%d " % (_MARK, due_us)
        room = FRAME_BYTES - _HEAD_BYTES * self._dialect.framed - len(after)
        self._write(said.ljust(room, b".") + after)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if not self._dialect.framed:
            self.inside.set_result(None)
            return
        port: int = self._transport.get_extra_info("peername")[1]
        self._transport.write(wire.upgrade(HOST, port, self._path, ""))

    def data_received(self, data: bytes) -> None:
        if self._head is not None:
            data = self._shake_hands(self._head + data)
        taken = self._deframer.take(data)
        messages = taken.messages
        for first, payload in taken.controls:
            if first == wire.TEXT:
                self._read(payload, messages)
            elif first == wire.PING and self._transport is not None:
                self._transport.write(wire.masked(payload, wire.PONG))
        if messages:
            self._heard(messages)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost, self._transport = True, None
        if not self.inside.done():
            self.inside.set_exception(ConnectionError(f"the socket ended: {exc}"))

    def _read(self, payload: bytes, messages: list[bytes]) -> None:
        dialect = self._dialect
        if _MARK in payload:
            messages.append(payload)
        elif dialect.ping and payload == dialect.ping.encode():
            self._write(dialect.pong.encode())
        if dialect.welcome and payload.startswith(dialect.welcome.encode()):
            self.inside.set_result(None)

    def _write(self, said: bytes) -> None:
        if self._transport is not None:
            first = wire.TEXT if self._dialect.text else wire.BINARY
            self._transport.write(wire.masked(said, first) if self._dialect.framed else said)

    def _shake_hands(self, data: bytes) -> bytes:
        head, end, rest = data.partition(b"\r\n\r\n")
        if not end:
            self._head = data
            return b""
        self._head = None
        if b" 101 " not in head.partition(b"\r\n")[0]:
            self.inside.set_exception(ConnectionError(head.partition(b"\r\n")[0].decode()))
        elif self._dialect.hello:
            self._write(self._dialect.hello.encode())
        if not self._dialect.welcome and not self.inside.done():
            self.inside.set_result(None)
        return rest


class _Slices:
    """Bare frames, all of one size, as wire.Deframer takes them."""

    def __init__(self) -> None:
        self._rest = b""

    def take(self, data: bytes) -> wire.Taken:
        data = self._rest + data
        whole = len(data) - len(data) % FRAME_BYTES
        self._rest = data[whole:]
        frames = [data[at : at + FRAME_BYTES] for at in range(0, whole, FRAME_BYTES)]
        return wire.Taken(frames, [])


class Room:
    """The sockets of one process."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._speaker: PeerSocket | None = None
        self._members: list[PeerSocket] = []
        self._delivered = self._expected = 0
        self._began_us = 0
        self._complete = asyncio.Event()
        self._delay_us: list[int] = []

    async def open(self) -> int:
        """All of them, the speaker first; how many. Raises `OSError` and `TimeoutError`."""
        if self._plan.speaks:
            self._speaker = await self._opened(self._plan.dialect.speaker, lambda _: None)
        door = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as tasks:
            for number in range(self._plan.members):
                tasks.create_task(self._join(number, door))
                if (number + 1) % OPENS_PER_BREATH == 0:
                    await asyncio.sleep(OPENS_PER_BREATH / self._plan.opens_per_s)
        return len(self._members) + self._plan.speaks

    async def run(self, step: Step) -> Heard:
        """Speak if it is ours to speak, listen in any case."""
        loop = OpenLoop(step.rate_per_s, step.start_at, step.run_s)
        self._began_us, self._delay_us = int(step.start_at * 1e6), []
        self._delivered, self._expected = 0, loop.total * len(self._members)
        self._complete.clear()
        if self._speaker is not None:
            await self._speak(self._speaker, loop)
        await asyncio.sleep(max(0.0, step.start_at + step.run_s - monotonic()))
        in_time = self._delivered
        with suppress(TimeoutError):
            async with asyncio.timeout(step.drain_s):
                while self._delivered < self._expected:
                    await self._complete.wait()
        lost = sum(socket.lost for socket in self._members)
        return Heard(in_time, self._delivered, self._delay_us, lost)

    async def _speak(self, speaker: PeerSocket, loop: OpenLoop) -> None:
        while (due := loop.next_at()) is not None:
            await asyncio.sleep(max(due - monotonic(), TICK_S))
            for number in loop.due(monotonic()):
                speaker.say(int(loop.due_at(number) * 1e6))

    async def _join(self, number: int, door: asyncio.Semaphore) -> None:
        timed = number % self._plan.timed_every == 0
        heard = self._time if timed else self._count
        async with door:
            self._members.append(await self._opened(self._plan.dialect.members, heard))

    async def _opened(self, path: str, heard: Callable[[list[bytes]], None]) -> PeerSocket:
        """One of them, in the room. A server that is still starting, or has too many at the door, is asked again."""
        loop, dialect = asyncio.get_running_loop(), self._plan.dialect
        last: ConnectionError | None = None
        try:
            async with asyncio.timeout(IN_WITHIN_S):
                while True:
                    try:
                        _, socket = await loop.create_connection(
                            lambda: PeerSocket(dialect, path, heard), HOST, self._plan.port
                        )
                        await socket.inside
                        return socket
                    except ConnectionError as refused:
                        last = refused
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise last or TimeoutError("no answer") from None

    def _count(self, messages: Sequence[bytes]) -> None:
        self._delivered += len(messages)
        if self._delivered >= self._expected:
            self._complete.set()

    def _time(self, messages: Sequence[bytes]) -> None:
        self._count(messages)
        now_us = int(monotonic() * 1e6)
        for message in messages:
            due_us = int(message.partition(_MARK)[2].partition(b" ")[0])
            if due_us >= self._began_us:
                self._delay_us.append(now_us - due_us)


async def work() -> None:
    """One plan, then its steps; the sockets stay until the input ends, for the server is weighed with them."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    room = Room(msgspec.json.decode(await reader.readline(), type=Plan))
    try:
        opened = await room.open()
    except* (OSError, TimeoutError) as failed:
        sys.exit(f"the load gave up: {failed.exceptions[0]!r}")
    _tell(Online(opened))
    gc.collect()
    gc.freeze()
    gc.disable()  # a pause of the load would look like one of the server
    while step := await reader.readline():
        _tell(await room.run(msgspec.json.decode(step, type=Step)))


def _tell(message: Online | Heard) -> None:
    sys.stdout.buffer.write(line(message))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    open_many_files()
    uvloop.run(work())
