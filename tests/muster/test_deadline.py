"""A deadline counts the time that others take, not that in which this process stood still."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

import pytest
import uvloop

from muster.deadline import GRACE_S, LATE_S, Deadline

WITHIN_S = 0.05
PAUSE_S = WITHIN_S + 2 * LATE_S
TURNS = 10
"""Of the loop, after it woke."""


class Asker:
    """Waits for two bytes, in time."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self.waits = asyncio.Event()
        self.heard: bytes | None = None

    async def ask(self) -> None:
        """`heard` stays None where the answer came too late."""
        reader, writer = await asyncio.open_connection(sock=self._end)
        try:
            async with Deadline(WITHIN_S):
                self.waits.set()
                self.heard = await reader.readexactly(2)
        except TimeoutError:
            pass
        finally:
            writer.close()


def _stand_still() -> None:
    """As a process does whose processor was given to somebody else."""
    until_s = monotonic() + PAUSE_S
    while monotonic() < until_s:
        pass


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_what_came_while_we_stood_still_is_in_time(
    loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    """A part of the answer lies in the socket when the loop wakes, long after the deadline; the rest comes soon."""
    ours, theirs = socket.socketpair()

    async def scene() -> bytes | None:
        asker = Asker(ours)
        async with asyncio.TaskGroup() as group:
            group.create_task(asker.ask())
            await asker.waits.wait()
            theirs.send(b"o")
            _stand_still()
            for _ in range(TURNS):
                await asyncio.sleep(0)
            theirs.send(b"k")
        return asker.heard

    with asyncio.Runner(loop_factory=loop) as runner, theirs:
        assert runner.run(scene()) == b"ok"


async def test_who_does_not_answer_is_late_however_late_we_are() -> None:
    """Once more is not for ever."""
    ours, theirs = socket.socketpair()
    asker, began_s = Asker(ours), monotonic()
    with theirs:
        async with asyncio.TaskGroup() as group:
            group.create_task(asker.ask())
            await asker.waits.wait()
            _stand_still()
    assert asker.heard is None
    assert monotonic() - began_s >= PAUSE_S + GRACE_S


async def test_a_loop_that_is_always_late_waits_no_longer() -> None:
    """It is excused once: standing still again, before the rest of the answer, is too late."""
    ours, theirs = socket.socketpair()
    asker = Asker(ours)
    with theirs:
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(asker.ask())
            await asker.waits.wait()
            for _ in range(2):
                _stand_still()
                for _ in range(TURNS):
                    await asyncio.sleep(0)
            assert asking.done()
    assert asker.heard is None


async def test_it_ends_when_the_work_does() -> None:
    """And leaves nothing behind that fires later."""
    faults: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
    async with Deadline(WITHIN_S):
        pass
    _stand_still()
    with suppress(TimeoutError):
        async with asyncio.timeout(2 * GRACE_S):
            await asyncio.Event().wait()
    assert faults == []
