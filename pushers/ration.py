"""The ration: how often an app may be woken in the background.

Apple lets an app be woken two or three times an hour and then drops what comes, without a word; so what is sent is kept
to what arrives.

Owns who was woken when, for a bounded number of devices. Pure: times are passed in. Must never be kept anywhere: after
a restart a phone may be woken once or twice more, and Apple drops it.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final
from uuid import UUID

PER_HOUR: Final = 2
HOUR_MS: Final = 3_600_000
DEVICES: Final = 50_000
"""The one that was woken longest ago goes first: by then its hour is mostly over."""


class Ration:
    """At most so many in any hour, per device."""

    def __init__(self, per_hour: int = PER_HOUR, most: int = DEVICES) -> None:
        self._per_hour = per_hour
        self._most = most
        self._woken: OrderedDict[UUID, tuple[int, ...]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._woken)

    def take(self, device: UUID, now_ms: int) -> bool:
        """Whether it may be woken now; then it counts as done."""
        recent = tuple(t for t in self._woken.get(device, ()) if now_ms - t < HOUR_MS)
        if len(recent) >= self._per_hour:
            return False
        self._woken[device] = (*recent, now_ms)
        self._woken.move_to_end(device)
        if len(self._woken) > self._most:
            self._woken.popitem(last=False)
        return True
