"""The workers of the darkroom, as the api sees them.

Owns how many there are, how long one may take, and that who takes too long is killed: an upload costs a worker at
most, never the process that serves people. Workers start when there is work. Must never decode anything itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from muster.errors import Refused
from muster.media import Developed, Refusal, Unfit
from proto.codes import Code

MEMORY_BYTES: Final = 1 << 30
"""Address space of a worker: a picture of the most pixels three times over, and the libraries."""

WITHIN_S: Final = 12.0
CPU_S: Final = 6.0
STARTS_WITHIN_S: Final = 10.0
UPLOADS_EACH: Final = 500
"""Then a worker is replaced: whatever leaks, leaks no further."""

GONE_WITHIN_S: Final = 1.0
WAITING_MOST: Final = 64
ANSWER_BYTES: Final = 65_536


class Ask(Struct, frozen=True, omit_defaults=True):
    """One upload for a worker; sizes are written beside it. `boxes`: blank the notes where they stand."""

    source: str
    pixels: int = 0
    boxes: bool = False
    memory_bytes: int = MEMORY_BYTES
    cpu_s: float = CPU_S


class Answer(Struct, frozen=True, omit_defaults=True):
    """What came of it: one of the three."""

    developed: Developed | None = None
    blanked: int | None = None
    refusal: Refusal | None = None


_ANSWERS: Final = msgspec.json.Decoder(Answer)


class _Worker:
    def __init__(self, process: Process) -> None:
        self._process = process
        self._left = UPLOADS_EACH
        self._over = False

    @property
    def usable(self) -> bool:
        return self._left > 0 and self._process.returncode is None

    async def ask(self, ask: Ask) -> Answer | None:
        """None if it ended over this."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._left -= 1
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._process.stdin.write(msgspec.json.encode(ask) + b"\n")
            await self._process.stdin.drain()
        answer = await self._process.stdout.readline()
        self._over = not answer.endswith(b"\n")
        return None if self._over else _ANSWERS.decode(answer)

    @property
    def overspent(self) -> bool:
        """Whether it ended over its processor time."""
        return self._process.returncode == -signal.SIGXCPU

    async def end(self) -> None:
        # Who ended by itself is let say of what; a moment, for its pipe may be closed before it is gone.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GONE_WITHIN_S if self._over else 0):
                await self._process.wait()
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        # The pipes are closed with the process.
        await self._process.communicate()


class Darkroom:
    """At most `workers` uploads are opened at once."""

    def __init__(
        self,
        workers: int,
        within_s: float = WITHIN_S,
        memory_bytes: int = MEMORY_BYTES,
        cpu_s: float = CPU_S,
    ) -> None:
        self._turns = asyncio.Semaphore(workers)
        self._within_s = within_s
        self._memory_bytes = memory_bytes
        self._cpu_s = cpu_s
        self._idle: list[_Worker] = []
        self._waiting = 0

    async def develop(self, source: Path, most_pixels: int) -> Developed:
        """A picture: `full`, `512` and `96` lie beside it then. Raises `Unfit`; `Refused`, temporary."""
        answer = await self._ask(self._bounded(Ask(str(source), most_pixels)))
        assert answer.developed is not None
        return answer.developed

    async def blank(self, source: Path) -> None:
        """Take the notes out of a file made of boxes, where it stands. Raises the same."""
        await self._ask(self._bounded(Ask(str(source), boxes=True)))

    async def close(self) -> None:
        """End all workers."""
        idle, self._idle = self._idle, []
        for worker in idle:
            await worker.end()

    def _bounded(self, ask: Ask) -> Ask:
        return replace(ask, memory_bytes=self._memory_bytes, cpu_s=self._cpu_s)

    async def _ask(self, ask: Ask) -> Answer:
        async with self._turn():
            worker = await self._take()
            kept = False
            try:
                async with asyncio.timeout(self._within_s):
                    answer = await worker.ask(ask)
                kept = answer is not None and worker.usable
            except TimeoutError:
                # What an upload may cost is bounded by processor time: this says that the machine is busy.
                raise Refused(
                    Code.unavailable, "the upload was not read in time; ask again"
                ) from None
            finally:
                if kept:
                    self._idle.append(worker)
                else:
                    await worker.end()
        if answer is None:
            raise Unfit(Refusal.too_costly if worker.overspent else Refusal.unreadable)
        if answer.refusal is not None:
            raise Unfit(answer.refusal)
        return answer

    @contextlib.asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._waiting >= WAITING_MOST:
            raise Refused(
                Code.too_many_requests, "many uploads are being read just now", retry_after_ms=2_000
            )
        self._waiting += 1
        try:
            async with self._turns:
                yield
        finally:
            self._waiting -= 1

    async def _take(self) -> _Worker:
        while self._idle:
            worker = self._idle.pop()
            if worker.usable:
                return worker
            await worker.end()
        # No setting, no secret: nothing of ours is in its environment.
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "muster.darkroom",
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            env={},
            limit=ANSWER_BYTES,
        )
        return _Worker(process)
