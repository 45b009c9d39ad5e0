"""The claims of muster/lifetime.py."""

import asyncio
import os
import signal

from muster import lifetime


def test_a_signal_sets_the_stop_event_and_the_exit_code_is_the_mains() -> None:
    """The process ends in its own order."""

    async def main(stop: asyncio.Event) -> int:
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(5):
            await stop.wait()
        return 3

    assert lifetime.run(main) == 3


def test_a_second_signal_cancels_what_is_left() -> None:
    """An impatient operator is obeyed: the code is what a shell expects."""

    async def main(stop: asyncio.Event) -> int:
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(5):
            await stop.wait()
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.Event().wait()
        return 0

    assert lifetime.run(main) == 128 + signal.SIGINT
