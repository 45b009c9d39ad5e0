"""Submissions of sockets on their way to the writer: at once, or after their attachments were seen to.

Owns which way an op goes. Must never make a task for a message that hangs nothing: most of them, and the fastest.
"""

from __future__ import annotations

import asyncio

from muster.attaching import Attaching
from muster.errors import Refused, unavailable
from muster.op import Op
from muster.pending import Told
from muster.telemetry import get_logger
from muster.writer import Writer

_log = get_logger()


class Submissions:
    """What errands ask."""

    def __init__(self, writer: Writer, attaching: Attaching, tasks: asyncio.TaskGroup) -> None:
        self._writer = writer
        self._attaching = attaching
        self._tasks = tasks

    def ask(self, op: Op, told: Told) -> None:
        """Commit `op`; `told` gets the outcome, or the refusal."""
        if self._attaching.passes(op):
            self._writer.ask(op, told)
        else:
            self._tasks.create_task(self._in_turn(op, told))

    async def _in_turn(self, op: Op, told: Told) -> None:
        try:
            outcome = await self._attaching.submit(op)
        except Refused as refused:
            told(refused)
        except Exception:  # noqa: BLE001  # a fault in one request must not end all sockets of the process
            _log.error("a request failed", exc_info=True)
            told(unavailable("the attachments"))
        else:
            told(outcome)
