"""A deadline counts the time that others take, not that in which this process stood still."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable

import pytest
import uvloop

from muster.deadline import GRACE_S, LATE_S, Deadline

WITHIN_S = 0.05


async def _read(end: socket.socket, within_s: float) -> bytes:
    reader, writer = await asyncio.open_connection(sock=end)
    try:
        async with Deadline(within_s):
            return await reader.read(1)
    finally:
        writer.close()


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_what_came_while_we_stood_still_is_in_time(
    loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    """The answer lies in the socket when the loop wakes, long after the deadline."""
    ours, theirs = socket.socketpair()

    async def scene() -> bytes:
        waits = asyncio.create_task(_read(ours, WITHIN_S))
        await asyncio.sleep(WITHIN_S / 5)  # it has begun to wait
        theirs.send(b"!")
        time.sleep(WITHIN_S + 2 * LATE_S)  # noqa: ASYNC251  # standing still is what this is about
        return await waits

    with asyncio.Runner(loop_factory=loop) as runner, theirs:
        assert runner.run(scene()) == b"!"


async def test_who_does_not_answer_is_late_however_late_we_are() -> None:
    """Once more is not for ever."""
    ours, theirs = socket.socketpair()
    began = time.monotonic()
    with theirs:
        waits = asyncio.create_task(_read(ours, WITHIN_S))
        await asyncio.sleep(WITHIN_S / 5)
        time.sleep(WITHIN_S + 2 * LATE_S)  # noqa: ASYNC251  # the same
        with pytest.raises(TimeoutError):
            await waits
    assert time.monotonic() - began >= WITHIN_S + 2 * LATE_S + GRACE_S


async def test_it_ends_when_the_work_does() -> None:
    """And leaves nothing behind that fires later."""
    async with Deadline(WITHIN_S):
        pass
    await asyncio.sleep(2 * WITHIN_S)
