"""The target: the hub's listener, handshake, driver and inlet, with a receiver that says everything again.

Owns what stands in place of a Connection. Must never replace anything below it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from math import inf
from random import Random

from muster.clock import SystemClock
from realtime.accept import Bounds, Gate
from realtime.driver import Driver
from realtime.edge import Edge
from realtime.flusher import Flusher
from realtime.handshake import Handshake, Page
from realtime.prepared import BINARY, TEXT, framed
from realtime.server import Listening, Server
from realtime.spare import Spare
from realtime.tally import Tally
from realtime.terms import Terms
from realtime.wheel import Wheel

TERMS = replace(Terms(), close_within_s=2.0).without_rates()
"""As in production, but for the rates: the suite sends a thousand messages at once."""


class Echo:
    """A `Receiver` that writes at the end of the tick, as a Connection does."""

    def __init__(self, edge: Edge, driver: Driver, text: bool) -> None:
        self._edge = edge
        self._driver = driver
        self._opcode = TEXT if text else BINARY
        self._waiting: list[bytes] = []

    def message(self, data: bytes, now: float) -> None:
        if not self._waiting:
            self._edge.flusher.mark(self)
        self._waiting.append(framed(self._opcode, data))

    def flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting:
            self._driver.write(b"".join(waiting))

    def close(self, code: int, reason: str, retry_after_ms: int | None = None) -> None:
        self.flush()
        self._driver.close(code, reason)

    def throttled(self, wait_s: float) -> None:
        raise AssertionError("there are no rates")

    def blocked(self, handed: int) -> None:
        """The transport keeps it: the suite reads."""

    def unblocked(self) -> None:
        """Nothing was held back."""

    def due(self, now: float) -> float:
        return inf

    def lost(self, clean: bool) -> None:
        self._waiting.clear()


@dataclass(slots=True)
class EchoServer(Server):
    """The hub's listener; whoever opens a WebSocket is taken for somebody."""

    def opened(self, driver: Driver, text: bool) -> Echo:  # type: ignore[override]  # a Receiver is all a driver needs
        echo = Echo(self.edge, driver, text)
        driver.authenticated()
        return echo


@asynccontextmanager
async def echoing(terms: Terms = TERMS) -> AsyncIterator[int]:
    """A listener on a free port of this machine: the port."""
    loop, clock = asyncio.get_running_loop(), SystemClock()
    wheel = Wheel(clock)
    spare = Spare(terms.slice_bytes, terms.frame_bytes)
    edge = Edge(terms, clock, wheel, Flusher(loop.call_soon), Tally(), spare)
    gate = Gate(Bounds(), Random(1))
    gate.ready = True
    handshake = Handshake(gate, (), lambda _path: Page(200, "text/plain", b"ok\n"))
    server = EchoServer(edge, handshake, Random(1))
    async with asyncio.TaskGroup() as tasks:
        turning = tasks.create_task(wheel.run())
        try:
            yield await server.start(Listening("127.0.0.1", 0))
        finally:
            await server.drain(0.0)
            turning.cancel()
