"""Owns one running process of one program: started on a leash, stopped within a deadline.

It never restarts anything (keeper.py does) and never reads a child's output: a child writes to
a file or to our own standard error, so that a stopped supervisor cannot block it on a full pipe.
"""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Self

from muster.services.unprivileged import SELF, Identity, leashed

Say = Callable[[str], None]
Probe = Callable[[], Awaitable[bool]]

_STANDARD_ERROR = 2  # the descriptor itself: sys.stderr may be anything by now
_PROBE_PAUSE_S = 0.02  # nothing tells us that a server is ready, so we have to ask
_AFTER_KILL_S = 5.0  # SIGKILL cannot be refused; this only bounds a wait on a stuck kernel
_LOG_KEPT_BYTES = 8 * 1024 * 1024
_LOG_TAIL_LINES = 6


class ServiceFailedError(Exception):
    """A child did not start or stop as it must; the message is for the operator."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run and how to end it."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict, repr=False)  # may hold passwords
    identity: Identity = SELF
    log: Path | None = None  # None: our own standard error
    stop_signal: signal.Signals = signal.SIGTERM
    stop_within_s: float = 10.0
    death_signal: signal.Signals = signal.SIGKILL  # sent by Linux when we die without a word


class Child:
    """One process. `start` makes it, `wait` tells its end, `stop` ends it."""

    def __init__(self, program: Program, process: asyncio.subprocess.Process) -> None:
        self.program = program
        self._process = process

    @classmethod
    async def start(cls, program: Program) -> Self:
        """Start `program` in a session of its own: Ctrl-C at the terminal reaches only us."""
        argv = leashed(program.argv, program.identity, program.death_signal)
        log = _open_log(program.log) if program.log is not None else None
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                env=dict(program.env),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log or _STANDARD_ERROR,
                stderr=log or _STANDARD_ERROR,
                start_new_session=True,
            )
        finally:
            if log is not None:
                log.close()
        return cls(program, process)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative for a signal."""
        return self._process.returncode

    async def wait(self) -> int:
        """Wait for its end, however long that takes."""
        return await self._process.wait()

    async def until_ready(self, probe: Probe, within_s: float) -> None:
        """Wait until `probe` says yes; a process that ends or dawdles is a failure."""
        try:
            async with asyncio.timeout(within_s):
                while not await probe():
                    if self.exit_code is not None:
                        raise ServiceFailedError(self._epitaph())
                    await asyncio.sleep(_PROBE_PAUSE_S)
        except TimeoutError:
            message = f"{self.program.name} was not ready within {within_s:.0f} s{self._tail()}"
            raise ServiceFailedError(message) from None

    async def stop(self) -> None:
        """Ask, wait for the program's own deadline, then kill. Returns when the process is gone."""
        self._signal(self.program.stop_signal)
        try:
            async with asyncio.timeout(self.program.stop_within_s):
                await self.wait()
                return
        except TimeoutError:
            self.kill()
        async with asyncio.timeout(_AFTER_KILL_S):
            await self.wait()

    def kill(self) -> None:
        """End it and what it started, at once."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        if self.exit_code is not None:
            return
        with suppress(ProcessLookupError):  # it ended between the check and the call
            if number is signal.SIGKILL:
                os.killpg(self.pid, number)
            else:
                os.kill(self.pid, number)

    def _epitaph(self) -> str:
        return f"{self.program.name} {how_it_ended(self.exit_code)}{self._tail()}"

    def _tail(self) -> str:
        """The end of its log: what an operator would look at next."""
        if self.program.log is None or not self.program.log.exists():
            return ""
        lines = self.program.log.read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:]
        return "".join(f"\n    {line}" for line in lines)


def how_it_ended(exit_code: int | None) -> str:
    """'was killed by SIGKILL', 'exited with code 1'."""
    if exit_code is not None and exit_code < 0:
        return f"was killed by {signal.Signals(-exit_code).name}"
    return f"exited with code {exit_code}"


def _open_log(path: Path) -> BinaryIO:
    """Append, yet start over when the old log has become large: nothing rotates these files."""
    old = path.exists() and path.stat().st_size <= _LOG_KEPT_BYTES
    descriptor = os.open(
        path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | (0 if old else os.O_TRUNC), 0o600
    )
    return os.fdopen(descriptor, "ab", buffering=0)
