"""Attaching: media hung on a message before it is committed.

Stands before the writer in either door. A message without attachments goes straight through, unless one of the same
author to the same room is being looked at: then it waits its turn, so that posts commit in the order sent. Owns this
order, and what a claim that does not fit is answered. Must never judge whether the message may be posted: the writer
does, and if it says no for good, the media are free again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from muster.errors import Refused
from muster.ids import PersonId, RoomId
from muster.op import Op, Outcome
from muster.telemetry import get_logger
from proto.codes import Code
from proto.entry import Body

_log = get_logger()


class Submits(Protocol):
    """Who commits: muster/writer.py."""

    async def submit(self, op: Op) -> Outcome: ...


class ClaimStore(Protocol):
    """Where claims stand. Both raise `Refused`: `unavailable`."""

    async def claim(
        self, author: PersonId, room: RoomId, client_id: str, media: Sequence[UUID]
    ) -> str:
        """`ok`, `known` (the message is there already), `used` by another message, or `missing`."""
        ...

    async def unclaim(self, author: PersonId, room: RoomId, client_id: str) -> None:
        """The message will not come."""
        ...


class Attaching:
    """A writer that sees to attachments first."""

    def __init__(self, writer: Submits, claims: ClaimStore) -> None:
        self._writer = writer
        self._claims = claims
        # Who is at a claim, and how many posts of theirs to the room are here. Almost always empty.
        self._turns: dict[tuple[PersonId, RoomId], tuple[asyncio.Lock, int]] = {}

    async def submit(self, op: Op) -> Outcome:
        """As the writer's, and refuses media that are not the author's, not ready or used. Raises `Refused`."""
        if self.passes(op):
            return await self._writer.submit(op)
        hung = attached(op)
        await self._in_turn(op, hung)
        try:
            # No other op can come between: up to its queue the writer does not wait.
            return await self._writer.submit(op)
        except Refused as refused:
            if hung and not refused.temporary:
                await self._unclaim(op)
            raise

    def passes(self, op: Op) -> bool:
        """Whether this op needs nothing of us, now: it may go to the writer at once."""
        busy = self._turns and (op.author, op.room) in self._turns
        return not busy and not attached(op)

    async def claim(self, op: Op) -> None:
        """Hang what `op` names on it, as long before it is committed as may be. Raises `Refused`."""
        hung = attached(op)
        if not hung:
            return
        answer = await self._claims.claim(op.author, op.room, op.client_id, hung)
        if answer == "missing":
            raise Refused(Code.bad_request, "an attachment is not there, not yours or not ready")
        if answer == "used":
            raise Refused(Code.conflict, "an attachment hangs on another message")

    async def _in_turn(self, op: Op, hung: Sequence[UUID]) -> None:
        place = (op.author, op.room)
        lock, here = self._turns.get(place, (asyncio.Lock(), 0))
        self._turns[place] = (lock, here + 1)
        try:
            async with lock:
                if hung:
                    await self.claim(op)
        finally:
            lock, here = self._turns[place]
            if here == 1:
                del self._turns[place]
            else:
                self._turns[place] = (lock, here - 1)

    async def _unclaim(self, op: Op) -> None:
        try:
            await self._claims.unclaim(op.author, op.room, op.client_id)
        except Refused:
            # The claim dies by itself.
            _log.warning("attachments stay claimed", code=Code.unavailable.name)


def attached(op: Op) -> Sequence[UUID]:
    """The media that a post names."""
    if op.kind not in ("post", "poll") or not isinstance(op.body, Body):
        return ()
    return op.body.attachments or ()
