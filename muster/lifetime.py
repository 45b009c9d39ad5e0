"""Owns how a process lives and ends: its loop, and signals turned into one stop event.

The first SIGTERM or SIGINT sets the event and the process ends in its own order; a second one
cancels what is left. SIGHUP is whoever's who asks. It never ends a process by force and knows nothing of what runs.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

import uvloop

Main = Callable[[asyncio.Event], Awaitable[int]]

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_KILLED_BASE = 128  # what a shell reports for a process that a signal ended


def run(main: Main) -> int:
    """Run `main(stop)` on uvloop until it returns; the exit code of the process."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_until_done(main))


@contextmanager
def hangups(told: Callable[[], None]) -> Iterator[None]:
    """Call `told` on SIGHUP, which ends nothing meanwhile."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, told)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)


async def _until_done(main: Main) -> int:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    this = asyncio.current_task()
    impatient: list[signal.Signals] = []

    def on_signal(number: signal.Signals) -> None:
        if not stop.is_set():
            stop.set()
        elif this is not None:
            impatient.append(number)
            this.cancel()

    for number in _SIGNALS:
        loop.add_signal_handler(number, on_signal, number)
    try:
        return await main(stop)
    except asyncio.CancelledError:
        if not impatient:
            raise
        return _KILLED_BASE + impatient[0]
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
