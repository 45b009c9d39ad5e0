"""Waiting for a job to come to a lane, without taking it.

On one Redis a blocking read of all lanes at once, on a connection of its own; on a cluster, where no command reads
several slots, a short pause. Owns that waiting ends when something is due, and soon enough for what others put
meanwhile. Must never take anything: who is woken looks, and may find that another was quicker.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Final

from redis.exceptions import ResponseError

from muster.push_queue import Unreachable
from muster.stores.redis.nodes import Nodes
from muster.stores.redis.push_commands import PushCommands, Waiting
from muster.stores.redis.wire import BROKEN, Wire

LONGEST_S: Final = 0.25
"""Nobody says when somebody else put something with a time to come: so late it may be taken."""
PAUSE_S: Final = 0.025
"""Between two looks at a cluster: half of it is what a job waits there."""

_WITHIN_S: Final = 1.0


class Bell:
    """One queue's. Several may wait: one listens, the others wait for it."""

    def __init__(self, nodes: Nodes, commands: PushCommands) -> None:
        self._nodes = nodes
        self._commands = commands
        self._wire: Wire | None = None
        self._turn = asyncio.Lock()

    async def wait(self, waiting: Sequence[Waiting], most_s: float) -> None:
        """Return when something may be there, `most_s` at the latest. Raises `Unreachable`."""
        to_next_s = min(
            ((look.next_ms - look.now_ms) / 1000 for look in waiting if look.next_ms is not None),
            default=LONGEST_S,
        )
        for_s = max(0.001, min(to_next_s, most_s, LONGEST_S))
        if len(self._nodes.groups) > 1:
            await asyncio.sleep(min(for_s, PAUSE_S))
            return
        async with self._turn:
            await self._listen(waiting, for_s)

    async def close(self) -> None:
        """Let go of the connection."""
        if self._wire is not None:
            await self._wire.close()

    async def _listen(self, waiting: Sequence[Waiting], for_s: float) -> None:
        try:
            if self._wire is None:
                self._wire = self._nodes.wire(self._nodes.node_of(0))
            command = self._commands.follow(waiting, math.ceil(for_s * 1000))
            [reply] = await self._wire.ask([command], for_s + _WITHIN_S)
        except BROKEN as broken:
            raise Unreachable from broken
        if isinstance(reply, ResponseError):
            await self._wire.close()
            raise Unreachable from reply
