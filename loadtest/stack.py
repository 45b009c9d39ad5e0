"""A whole Muster for one run: `muster up` as a subprocess, on free ports, with data of its own.

Owns that process and its directory: both are gone afterwards. Must never touch what a developer runs.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from loadtest.ports import reserved_ports

READY_WITHIN_S: Final = 120.0
STOP_WITHIN_S: Final = 45.0  # hubs drain for up to 30
LOOK_EVERY_S: Final = 0.1
LOG_LINES: Final = 40

ROOMY: Final[Mapping[str, str]] = {"MUSTER_RATE_LIMITS": "0", "MUSTER_PASSWORD_MEMORY_KIB": "64"}
"""Settings for runs in which one machine plays hundreds of people who all log in at once."""


class StackError(Exception):
    """Muster did not come up; the message holds the end of its log."""


class Running(Struct):
    """What data/run.json says. `hub_urls` have no path; `children` are pids by name."""

    pid: int
    api_url: str
    hub_urls: list[str]
    database_url: str
    redis_url: str
    children: dict[str, int]


def running(data: Path) -> Running | None:
    """What `muster up` runs on this data directory, if it does."""
    try:
        found = msgspec.json.decode((data / "run.json").read_bytes(), type=Running)
        os.kill(found.pid, 0)
    except (OSError, msgspec.DecodeError):
        return None
    return found


class Stack:
    """A running Muster."""

    def __init__(self, data: Path, process: asyncio.subprocess.Process, found: Running) -> None:
        self.data = data
        self.api_url = found.api_url
        self.hub_urls = found.hub_urls
        self.found = found
        self._process = process

    @property
    def pids(self) -> dict[str, int]:
        """All its processes by name, the supervisor among them."""
        return {"supervisor": self.found.pid, **self.found.children}

    async def kill_hub(self, number: int = 1) -> None:
        """SIGKILL a hub, counted from 1; the supervisor starts it again.

        One that was killed before may not be back yet: then it is waited for.
        """
        async with asyncio.timeout(READY_WITHIN_S):
            while not self.signal_hub(number, signal.SIGKILL):  # noqa: ASYNC110  # only looking tells
                await asyncio.sleep(LOOK_EVERY_S)

    def signal_hub(self, number: int, sent: signal.Signals) -> bool:
        """Send a signal to a hub, counted from 1; false if it is not there just now."""
        port = self.hub_urls[number - 1].rpartition(":")[2]
        pid = _hub_pid(self.found.pid, port)
        if pid is not None:
            os.kill(pid, sent)
        return pid is not None

    async def kill(self) -> None:
        """SIGKILL the supervisor; the kernel tells its children, which may take a moment longer."""
        self._process.kill()
        await self._process.wait()

    def log(self) -> str:
        """Everything it said so far."""
        return (self.data / "up.log").read_text(errors="replace")


@asynccontextmanager
async def muster_up(
    hubs: int = 2, settings: Mapping[str, str] | None = None
) -> AsyncIterator[Stack]:
    """Start a Muster, wait until it is ready, stop it at the end. Raises `StackError`."""
    with (
        tempfile.TemporaryDirectory(prefix="muster-", ignore_cleanup_errors=True) as directory,
        reserved_ports(hubs + 1) as api,
    ):
        ports = {
            "MUSTER_HUBS": str(hubs),
            "MUSTER_API_PORT": str(api),
            "MUSTER_HUB_PORT": str(api + 1),
        }
        told = ports | dict(ROOMY if settings is None else settings)
        async with muster_on(Path(directory), told) as stack:
            yield stack


@asynccontextmanager
async def muster_on(data: Path, settings: Mapping[str, str]) -> AsyncIterator[Stack]:
    """Start a Muster on this directory, which stays, at the ports that the settings name. Raises `StackError`."""
    process = await _start(data, settings)
    try:
        yield await _ready(data, process)
    finally:
        await _stop(process)


async def _start(data: Path, settings: Mapping[str, str]) -> asyncio.subprocess.Process:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MUSTER_")}
    # What is said here is made up, or was said elsewhere long ago: no link of it is asked for.
    # Pushes are what `loadtest push` is about; elsewhere nobody has a phone.
    quiet = {"MUSTER_LINK_PREVIEWS": "0", "MUSTER_PUSHES": "none"}
    environment |= {"MUSTER_DATA": str(data), **quiet, **settings}
    with (data / "up.log").open("wb") as log:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "muster",
            "up",
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=asyncio.subprocess.STDOUT,
        )


async def _ready(data: Path, process: asyncio.subprocess.Process) -> Stack:
    """run.json is written when everything is ready; a file can only be looked at."""
    deadline = asyncio.get_running_loop().time() + READY_WITHIN_S
    while process.returncode is None and asyncio.get_running_loop().time() < deadline:
        found = running(data)
        if found is not None:
            return Stack(data, process, found)
        await asyncio.sleep(LOOK_EVERY_S)
    log = (data / "up.log").read_text(errors="replace").splitlines()[-LOG_LINES:]
    raise StackError("muster up did not become ready; it said:\n" + "\n".join(log))


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(STOP_WITHIN_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def _hub_pid(supervisor: int, port: str) -> int | None:
    """The supervisor's child that listens as this hub: run.json knows only the first of them."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
            environment = (process / "environ").read_bytes().split(b"\0")
            ours = int(parent) == supervisor and f"MUSTER_HUB_PORT={port}".encode() in environment
            if ours and b"realtime" in (process / "cmdline").read_bytes().split(b"\0"):
                return int(process.name)
    return None
