"""Allowances of devices in memory, by the words of muster/push_budget.py: it notes every draw.

It passes tests/contracts/test_push_budget.py, as the ones over Redis do. Its clock is the test's to move.
"""

from __future__ import annotations

from collections.abc import Sequence

from muster.push_budget import Draw
from muster.push_queue import Unreachable


class FakePushBudget:
    """See `muster.push_budget.PushBudget`."""

    def __init__(self) -> None:
        self.now_ms = 1_000_000_000
        self.away = False
        self.drawn: list[tuple[Draw, int]] = []
        self._levels: dict[Draw, tuple[float, int]] = {}

    async def draw(self, draws: Sequence[Draw]) -> list[int]:
        if self.away:
            raise Unreachable
        return [self._draw(draw) for draw in draws]

    def _draw(self, draw: Draw) -> int:
        _, burst, every_ms = draw.allowance
        # In units of a millisecond's worth, so that nothing is rounded.
        level, since_ms = self._levels.get(draw, (burst * every_ms, self.now_ms))
        level = min(burst * every_ms, level + self.now_ms - since_ms)
        if level < every_ms:
            self._levels[draw] = (level, self.now_ms)
            return int(every_ms - level)
        self._levels[draw] = (level - every_ms, self.now_ms)
        self.drawn.append((draw, self.now_ms))
        return 0

    async def close(self) -> None:
        """Nothing to let go of."""
