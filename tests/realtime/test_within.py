"""A deadline on the wheel: it ends its own wait, is told from others' cancelling, and leaves nothing behind."""

import asyncio

import pytest

from realtime.wheel import Wheel
from realtime.within import Within


class Hands:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.at = 1_000.0

    def monotonic(self) -> float:
        return self.at

    def now_ms(self) -> int:
        return 0


def _turned(wheel: Wheel, clock: Hands, seconds: float) -> None:
    clock.at += seconds
    wheel.advance(clock.at)


async def _waiting(wheel: Wheel, at: float) -> str:
    try:
        with Within(wheel, at):
            await asyncio.Event().wait()
    except TimeoutError:
        return "late"
    return "in time"


async def test_a_wait_ends_at_its_deadline_and_not_before() -> None:
    """By TimeoutError; whoever called is not cancelled."""
    clock = Hands()
    wheel = Wheel(clock)
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(_waiting(wheel, clock.at + 5.0))
        await asyncio.sleep(0)
        _turned(wheel, clock, 4.7)
        await asyncio.sleep(0)
        assert not waiting.done()
        _turned(wheel, clock, 1.0)
    assert waiting.result() == "late"
    assert not waiting.cancelled()


async def test_a_deadline_beyond_the_wheel_is_met_too() -> None:
    """It is visited early, and waits on."""
    clock = Hands()
    wheel = Wheel(clock, 0.25, slots=8)
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(_waiting(wheel, clock.at + 5.0))
        await asyncio.sleep(0)
        for _ in range(18):
            _turned(wheel, clock, 0.25)
            await asyncio.sleep(0)
            assert not waiting.done()
        for _ in range(3):
            _turned(wheel, clock, 0.25)
    assert waiting.result() == "late"


async def test_what_is_done_in_time_hears_nothing_of_its_deadline() -> None:
    """The note on the wheel cancels nobody, though its task goes on."""
    clock = Hands()
    wheel = Wheel(clock)
    with Within(wheel, clock.at + 1.0):
        await asyncio.sleep(0)
    _turned(wheel, clock, 10.0)
    await asyncio.sleep(0)


async def test_who_is_cancelled_by_others_stays_cancelled() -> None:
    """Before the deadline, and also in the same moment."""
    clock = Hands()
    wheel = Wheel(clock)
    for passed in (0.0, 10.0):
        async with asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(_waiting(wheel, clock.at + 5.0))
            await asyncio.sleep(0)
            _turned(wheel, clock, passed)
            waiting.cancel()
        assert waiting.cancelled()


async def test_an_error_of_the_block_is_not_covered_up() -> None:
    """What it raises itself goes through."""
    wheel = Wheel(Hands())
    with pytest.raises(KeyError), Within(wheel, 2_000.0):
        raise KeyError
