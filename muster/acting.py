"""Acting: what moderators and staff do is submitted and counted here, whichever route it came by.

Owns the metric of it. Must never judge: who may is judged before (staff) or under the room's lock (moderators).
"""

from __future__ import annotations

from typing import Protocol

from muster.metrics import ModerationMetrics
from muster.op import Op, Outcome


class Submitter(Protocol):
    """The group-commit writer."""

    async def submit(self, op: Op) -> Outcome: ...


class Acting:
    """Submits ops of moderators and staff."""

    def __init__(self, writer: Submitter, metrics: ModerationMetrics) -> None:
        self._writer = writer
        self._metrics = metrics

    async def do(self, op: Op) -> Outcome:
        """Commit one op. Raises `Refused`."""
        outcome = await self._writer.submit(op)
        if outcome.fresh:
            self._metrics.acts.labels(op.kind).inc()
        return outcome

    def settled(self, action: str) -> None:
        """Somebody is done with a report."""
        self._metrics.reports.labels(action).inc()
