"""The faults that wait for requests.

Owns their order: the oldest that fits comes first. Must never hold more than a bounded number.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from loadtest.mocks.fault import Fault

MOST: Final = 1_000


class Full(Exception):
    """So many faults are scripted already."""


class Script:
    """Of one service."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Raises `Full`."""
        if len(self._waiting) >= MOST:
            raise Full(f"{MOST} faults wait already")
        self._waiting.append(fault)

    def clear(self) -> None:
        self._waiting.clear()

    def waiting(self) -> list[Fault]:
        return list(self._waiting)

    def next(self, target: str) -> Fault | None:
        """What goes wrong with a request for this device, if anything."""
        for place, fault in enumerate(self._waiting):
            if fault.token is None or fault.token == target:
                if fault.times > 1:
                    self._waiting[place] = replace(fault, times=fault.times - 1)
                else:
                    del self._waiting[place]
                return fault
        return None
