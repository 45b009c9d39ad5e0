"""A vocabulary for tests of `muster up`: start one, wait for a line of it, look at its children.

It runs the real command as a subprocess; only the doors are stand-ins.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from loadtest.ports import reserved_ports
from muster.services import runfile

WITHIN_S = 30.0


class Up:
    """One `muster up` on a data directory."""

    def __init__(self, data: Path, process: asyncio.subprocess.Process) -> None:
        self.data = data
        self.process = process
        self.said: list[str] = []

    async def line(self, part: str) -> str:
        """The next line that contains `part`; fails with all that was said when there is none."""
        assert self.process.stdout is not None
        async with asyncio.timeout(WITHIN_S):
            while raw := await self.process.stdout.readline():
                self.said.append(raw.decode())
                if part in self.said[-1]:
                    return self.said[-1]
        raise AssertionError(f"never said {part!r}: {''.join(self.said)}")

    async def ended(self) -> int:
        """Its exit code, and everything it still had to say."""
        assert self.process.stdout is not None
        async with asyncio.timeout(WITHIN_S):
            self.said.append((await self.process.stdout.read()).decode())
            return await self.process.wait()

    @property
    def children(self) -> dict[str, int]:
        """Name -> pid, as data/run.json says."""
        running = runfile.read(self.data)
        assert running is not None
        return running.children

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)


@asynccontextmanager
async def up(data: Path, **settings: str) -> AsyncIterator[Up]:
    """A `muster up` on `data` with stand-in doors on free ports; killed at the end if need be."""
    with reserved_ports(2) as port:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "muster", "up"),
            *("--hub-module", "tests.services.hub_door", "--api-module", "tests.services.api_door"),
            env=environment(data, port) | settings,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            yield Up(data, process)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


def environment(data: Path, port: int) -> dict[str, str]:
    """What a stranger's shell would have, and two ports from `port` on that nobody else has."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("MUSTER_")}
    ports = {
        "MUSTER_API_PORT": str(port),
        "MUSTER_HUB_PORT": str(port + 1),
        "MUSTER_HUBS": "1",
        "MUSTER_PUSHES": "none",
    }
    return inherited | ports | {"MUSTER_DATA": str(data)}


async def gone(pids: list[int]) -> None:
    """Return when none of these processes runs any more; a zombie counts as gone."""
    async with asyncio.timeout(WITHIN_S):
        for pid in pids:
            try:
                descriptor = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            ended = asyncio.Event()
            loop = asyncio.get_running_loop()
            loop.add_reader(descriptor, ended.set)
            try:
                await ended.wait()
            finally:
                loop.remove_reader(descriptor)
                os.close(descriptor)
