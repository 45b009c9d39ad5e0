"""Questions that go out together: each gets its own answers, and none waits for a timer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from muster.push_queue import Unreachable
from pushers.together import AT_ONCE, Together


class Other:
    """Who is asked: twice what it was asked, once it may answer."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self.may = asyncio.Event()
        self.may.set()
        self.gone = False
        self._came = asyncio.Event()

    async def double(self, asked: Sequence[int]) -> Sequence[int]:
        self.calls.append(list(asked))
        self._came.set()
        await self.may.wait()
        if self.gone:
            raise Unreachable
        return [2 * one for one in asked]

    async def until_asked(self) -> None:
        await self._came.wait()


@asynccontextmanager
async def asking(other: Other) -> AsyncIterator[Together[int, int]]:
    together = Together(other.double)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(together.run())
        try:
            yield together
        finally:
            running.cancel()


async def test_who_asks_at_once_shares_a_call() -> None:
    """And everybody gets the answers to what they asked, in its order."""
    other = Other()
    async with asking(other) as together:
        told = await asyncio.gather(together.ask([1, 2]), together.ask([3]), together.ask([]))
    assert [list(each) for each in told] == [[2, 4], [6], []]
    assert other.calls == [[1, 2, 3]]


async def test_what_comes_during_a_call_goes_with_the_next() -> None:
    """One call at a time: the first leaves at once, those after it together."""
    other = Other()
    other.may.clear()
    async with asking(other) as together, asyncio.TaskGroup() as tasks:
        first = tasks.create_task(together.ask([1]))
        await other.until_asked()
        rest = asyncio.gather(together.ask([2]), together.ask([3]))
        other.may.set()
        assert await first == [2]
        assert [list(each) for each in await rest] == [[4], [6]]
    assert other.calls == [[1], [2, 3]]


async def test_a_call_is_bounded() -> None:
    """However many ask."""
    other = Other()
    async with asking(other) as together:
        many = 2 * AT_ONCE + 1
        told = await asyncio.gather(*(together.ask([n]) for n in range(many)))
    assert [one for each in told for one in each] == [2 * n for n in range(many)]
    assert [len(call) for call in other.calls] == [AT_ONCE, AT_ONCE, 1]


async def test_a_call_that_fails_has_failed_for_all_of_it_and_no_more() -> None:
    """Who asks afterwards is asked for anew."""
    other = Other()
    other.gone = True
    async with asking(other) as together:
        told = await asyncio.gather(together.ask([1]), together.ask([2]), return_exceptions=True)
        assert all(isinstance(each, Unreachable) for each in told)
        other.gone = False
        assert await together.ask([3]) == [6]
    assert other.calls == [[1, 2], [3]]


async def test_who_stops_waiting_takes_nothing_from_the_others() -> None:
    """Its answers are nobody's."""
    other = Other()
    other.may.clear()
    async with asking(other) as together, asyncio.TaskGroup() as tasks:
        gone, stays = (tasks.create_task(together.ask([n])) for n in (1, 2))
        await other.until_asked()
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        other.may.set()
        assert await stays == [4]
