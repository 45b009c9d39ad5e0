"""The chains of rounds that this door's jobs make.

Owns which there are, for whoever begins them. Must never begin one by itself.
"""

from __future__ import annotations

from typing import Protocol

from api.assembly import orphaned
from api.forgetting import erasing, retaining
from api.ground import Ground
from api.pushing import stale
from api.safety import lapsing
from api.sealing import sealing


class Begins(Protocol):
    """A chain of rounds: each sees to the next, and the first one is begun."""

    async def begin(self) -> None:
        """See to it that there is a next round. Raises `Refused`: `unavailable`."""
        ...


def rounds(on: Ground) -> list[Begins]:
    """Those that this door's jobs make."""
    return [
        orphaned(on),
        stale(on),
        lapsing(on),
        sealing(on),
        erasing(on),
        retaining(on),
    ]
