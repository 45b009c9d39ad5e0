"""One process of the stack that a run may kill, stop and start again, by its pid.

Owns the process and what it started. Must never start it again by itself: the scenario does, as an operator or a
supervisor would.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

from muster.services.child import Child, ServiceFailedError
from muster.services.keeper import Service


class Server:
    """A service, up or down. `exits` has the code of every end so far."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.exits: list[int] = []
        self._child: Child | None = None

    @property
    def name(self) -> str:
        """For people."""
        return self.service.name

    @property
    def pid(self) -> int:
        """Of the process that runs."""
        assert self._child is not None, f"{self.name} is down"
        return self._child.pid

    @property
    def up(self) -> bool:
        """Whether it was started and has not ended."""
        return self._child is not None and self._child.exit_code is None

    async def start(self) -> None:
        """Up and ready. Raises `ServiceFailedError`."""
        await self.launch()
        await self.until_ready()

    async def launch(self) -> None:
        """Started, perhaps not ready yet."""
        self._child = await Child.start(await self.service.program())

    async def until_ready(self) -> None:
        """Ready to serve. Raises `ServiceFailedError`."""
        assert self._child is not None
        await self._child.until_ready(self.service.ready, self.service.ready_within_s)
        await self.service.finish()

    async def kill(self) -> None:
        """SIGKILL to it and what it started, and gone."""
        self._signal_all(signal.SIGKILL)
        await self.ended()

    async def end(self, number: signal.Signals) -> None:
        """Send a signal that ends it, and wait until it has."""
        self.send(number)
        await self.ended()

    def send(self, number: signal.Signals) -> None:
        """One signal, to the process itself."""
        if self.up:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    async def ended(self) -> int:
        """Wait until it is gone; its exit code."""
        assert self._child is not None, f"{self.name} is down"
        code = await self._child.wait()
        self.exits.append(code)
        self._child = None
        return code

    def freeze(self) -> None:
        """SIGSTOP, with everything it started: it takes bytes and answers nothing."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self._signal_all(signal.SIGCONT)

    async def stop(self) -> None:
        """As an operator does; harmless when it is down."""
        if self._child is None:
            return
        self.thaw()
        with suppress(ServiceFailedError, TimeoutError):
            await self._child.stop()
        self._signal_all(signal.SIGKILL)
        self._child = None

    def _signal_all(self, number: signal.Signals) -> None:
        if self._child is None or self._child.exit_code is not None:
            return
        for pid in (self._child.pid, *descendants(self._child.pid)):
            with suppress(ProcessLookupError):
                os.kill(pid, number)


def descendants(pid: int) -> list[int]:
    """Every process that descends from this one; Postgres gives each backend a group of its own."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError, IndexError, ValueError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                parents.setdefault(parent, []).append(int(entry.name))
    found, waiting = [], [pid]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found
