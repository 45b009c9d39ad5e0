"""Together: what many tasks ask at about the same time goes out as one question.

    ask --+
    ask --+--> one call at a time, of all that waits --> each gets its own answers

Nothing waits for a timer: while one call is on its way, the next gathers. So a lone question leaves at once, and many
share the way there and back, which is most of what a small question costs.

Owns what waits. Must never ask twice: a call that fails has failed for all of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, NoReturn, TypeVar

from muster.push_queue import Unreachable

AT_ONCE: Final = 500
"""Questions, whole, in one call: more would hold up what else Redis is asked."""

_Asked = TypeVar("_Asked")
_Told = TypeVar("_Told")


class Together(Generic[_Asked, _Told]):
    """Of one kind of question, with one answer to each thing that is asked."""

    def __init__(self, call: Callable[[Sequence[_Asked]], Awaitable[Sequence[_Told]]]) -> None:
        self._call = call
        self._waiting: list[tuple[Sequence[_Asked], asyncio.Future[Sequence[_Told]]]] = []
        self._woken = asyncio.Event()

    async def ask(self, asked: Sequence[_Asked]) -> Sequence[_Told]:
        """The answers, in the order of what was asked. Raises `Unreachable`."""
        told: asyncio.Future[Sequence[_Told]] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, told))
        self._woken.set()
        return await told

    async def run(self) -> NoReturn:
        """Ask until cancelled."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            while self._waiting:
                batch, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
                await self._round(batch)

    async def _round(
        self, batch: Sequence[tuple[Sequence[_Asked], asyncio.Future[Sequence[_Told]]]]
    ) -> None:
        try:
            answers = await self._call([one for asked, _ in batch for one in asked])
        except Unreachable as unreachable:
            for _, told in batch:
                if not told.done():
                    told.set_exception(Unreachable(*unreachable.args))
            return
        at = 0
        for asked, told in batch:
            if not told.done():
                told.set_result(answers[at : at + len(asked)])
            at += len(asked)
