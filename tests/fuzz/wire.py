"""A transport without a network: what is written is kept, and reading is what the fuzzer hands over.

Owns the order in which a real transport calls its protocol. Must never let bytes through while reading is paused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from realtime.driver import Driver
from tests.sim.time import passing


class Wire(asyncio.Transport):
    """One connection. `written` is all that the peer would have got."""

    def __init__(self, driver: Driver) -> None:
        super().__init__()
        self.written = bytearray()
        self.gone = asyncio.Event()
        self._driver = driver
        self._reading = asyncio.Event()
        self._reading.set()
        self._closing = False
        self._half_closed = False
        driver.connection_made(self)

    async def carry(self, pieces: Iterable[bytes], every_s: float = 0.0) -> None:
        """Hand over `pieces` as the driver takes them, and then the peer's FIN; return when all has ended."""
        for piece in pieces:
            if self.gone.is_set():
                break
            await passing(every_s)
            while piece and not self.is_closing():
                await self._reading.wait()
                if self.is_closing():
                    break
                buffer = self._driver.get_buffer(-1)
                taken = len(piece[: len(buffer)])
                assert taken, "a transport needs a buffer to read into"
                buffer[:taken] = piece[:taken]
                piece = piece[taken:]  # noqa: PLW2901  # what is left of it
                self._driver.buffer_updated(taken)
        await self._reading.wait()
        if not self.is_closing() and not self._driver.eof_received():
            self.close()
        await self.gone.wait()

    # The driver calls

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        assert not self._half_closed, "nothing follows a FIN"
        if not self.is_closing():
            self.written += data

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("127.0.0.1", 1) if name == "peername" else default

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing is ever buffered."""

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        self._reading.clear()

    def resume_reading(self) -> None:
        self._reading.set()

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self._half_closed = True

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self.is_closing():
            self._closing = True
            self._reading.set()
            asyncio.get_running_loop().call_soon(self._lost)

    def abort(self) -> None:
        self.close()

    def _lost(self) -> None:
        self._driver.connection_lost(None)
        self.gone.set()
