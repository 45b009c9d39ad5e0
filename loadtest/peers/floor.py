"""The floor of fan-out: floor.c, compiled where it is needed, under a load like the one Muster had.

Owns its two processes and the processor time of the one that serves. Must never be called a server: it keeps no
promise at all.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from loadtest.bench.costs import processor_s
from loadtest.ports import reserved_ports

COMPILERS: Final = ("cc", "gcc", "clang")
READY_WITHIN_S: Final = 20.0
LEAST_S: Final = 0.1
"""Ten ticks of the clock that /proc counts by."""

_SOURCE: Final = Path(__file__).with_name("floor.c")


async def cost_us(members: int, rate: float, seconds: float, frame_bytes: int) -> float | None:
    """Processor time of the floor per delivered frame, microseconds.

    None where there is no C compiler, or the run is too short for the system's ticks to tell.
    """
    compiler = next((found for name in COMPILERS if (found := shutil.which(name))), None)
    if compiler is None:
        return None
    async with AsyncExitStack() as exits:
        directory = exits.enter_context(tempfile.TemporaryDirectory(prefix="muster-floor-"))
        program = str(Path(directory) / "floor")
        compiling = await asyncio.create_subprocess_exec(
            compiler, "-O2", "-o", program, str(_SOURCE)
        )
        if await compiling.wait():
            return None
        port = str(exits.enter_context(reserved_ports(1)))
        server = await exits.enter_async_context(_running(program, "serve", port, str(frame_bytes)))
        load = await exits.enter_async_context(
            _running(program, "load", port, str(frame_bytes), str(members), str(rate), str(seconds))
        )
        assert load.stdin is not None
        assert load.stdout is not None
        before = processor_s({"floor": server.pid})["floor"]
        load.stdin.write(b"go\n")
        async with asyncio.timeout(seconds + READY_WITHIN_S):
            # The server ends with its load: its time is read while both are still there.
            delivered = int(await load.stdout.readline())
        spent = processor_s({"floor": server.pid})["floor"] - before
        load.stdin.close()
        return spent / delivered * 1e6 if spent >= LEAST_S else None


@asynccontextmanager
async def _running(program: str, *arguments: str) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(program, *arguments, stdin=PIPE, stdout=PIPE)
    try:
        assert process.stdout is not None
        async with asyncio.timeout(READY_WITHIN_S):
            assert await process.stdout.readline() == b"ready\n"
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
