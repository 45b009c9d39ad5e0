"""The claims of muster/services/child.py: a start with a reason to fail, a stop with a deadline."""

import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from muster.services.child import Child, Program, ServiceFailedError
from muster.services.ports import free_port, why_not_free

_STUBBORN = """
import pathlib, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(sys.argv[1]).touch()
while True:
    signal.pause()
"""


async def test_a_program_that_ignores_the_signal_is_killed(tmp_path: Path) -> None:
    """After its own deadline, and no later than that."""
    there = tmp_path / "there"
    async with _running(_python(_STUBBORN, str(there), stop_within_s=0.1)) as child:

        async def ready() -> bool:
            return there.exists()

        await child.until_ready(ready, 10)
        await child.stop()
        assert child.exit_code == -signal.SIGKILL


async def test_an_early_end_is_told_with_the_last_lines_of_the_log(tmp_path: Path) -> None:
    """The operator reads the reason at once."""
    log = tmp_path / "log"
    async with _running(_python("print('no room left'); raise SystemExit(3)", log=log)) as child:
        with pytest.raises(ServiceFailedError, match=r"exited with code 3\n    no room left"):
            await child.until_ready(_never, 10)


async def test_a_program_that_is_not_there_is_told_too(tmp_path: Path) -> None:
    """The leash cannot become it and says so."""
    program = Program(name="ghost", argv=("/nowhere/ghost",), log=tmp_path / "log")
    async with _running(program) as child:
        with pytest.raises(ServiceFailedError, match="cannot run /nowhere/ghost"):
            await child.until_ready(_never, 10)


async def test_a_start_that_dawdles_fails_at_its_deadline(tmp_path: Path) -> None:
    """However alive the process is."""
    async with _running(_python(_STUBBORN, str(tmp_path / "x"), stop_within_s=0.0)) as child:
        with pytest.raises(ServiceFailedError, match="not ready within"):
            await child.until_ready(_never, 0.1)


async def test_stopping_twice_is_stopping_once(tmp_path: Path) -> None:
    """The second time there is nothing left to signal."""
    async with _running(_python("pass")) as child:
        await child.wait()
        await child.stop()
        assert child.exit_code == 0


def test_a_free_port_is_free_and_a_taken_one_says_why() -> None:
    """The reason is plain words, not an errno."""
    assert why_not_free("127.0.0.1", free_port()) is None
    assert why_not_free("203.0.113.1", 80) is not None


async def _never() -> bool:
    return False


def _python(
    code: str, *arguments: str, log: Path | None = None, stop_within_s: float = 5.0
) -> Program:
    argv = (sys.executable, "-c", code, *arguments)
    return Program(name="test", argv=argv, log=log, stop_within_s=stop_within_s)


@asynccontextmanager
async def _running(program: Program) -> AsyncIterator[Child]:
    child = await Child.start(program)
    try:
        yield child
    finally:
        await child.stop()
