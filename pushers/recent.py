"""When somebody was last rung for a room, for as long as that matters.

Owns these times, a bounded number, of this process alone: who is rung by another process a moment later is rung twice
in a burst, and no more. Pure: times are passed in.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from muster.owed import Key

MOST: Final = 50_000


class Recent:
    """The last rings."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._at: OrderedDict[Key, int] = OrderedDict()

    def rang(self, key: Key, at_ms: int) -> None:
        """Just now."""
        self._at[key] = at_ms
        self._at.move_to_end(key)
        if len(self._at) > self._most:
            self._at.popitem(last=False)

    def last_ms(self, key: Key) -> int:
        """When; 0: not lately."""
        return self._at.get(key, 0)
