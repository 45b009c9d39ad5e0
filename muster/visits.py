"""Visits: the edges of everybody's comings and goings, as they are written down.

    edges --op `visit`, on each one's own log--> Postgres: visit_v1 --> what stands now --> into the event's room

Each edge is one op: conditional, idempotent, published and retried as every other op is, under a client id that
follows from the edge, so that the same edge said by another process is the same entry. Owns that, and that who enters
is put into the room where the event wants it. Must never judge where somebody is, or who may say so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol
from uuid import uuid5

from muster import submit
from muster.attendance import Confidence, Edge, Recorded, Source, Visit
from muster.errors import Refused
from muster.ids import PersonId, RoomId, self_room
from muster.op import Op, VisitChange
from muster.permission import ALLOW, Action
from muster.sessions import Submitter

OPS_AT_ONCE: Final = 100
"""Of one call: a batch of theirs keeps others waiting for some 20 ms."""


def op_of(edge: Edge, client_id: str, host: PersonId | None = None) -> Op:
    """An edge as an op on its person's own log.

    `host`: who says so, where the source is `host`; Postgres looks whether they are one.
    """
    change = VisitChange(
        edge.room,
        "entered" if edge.is_enter else "left",
        edge.source.value,
        edge.confidence.value,
        edge.at_ms,
        host,
    )
    own = self_room(edge.person)
    return Op("visit", own, edge.person, client_id, ALLOW[Action.own], body=change)


class Standing(NamedTuple):
    """What is so now: whether a visit lasts, and whether its event wants them in its room, where they are not."""

    is_open: bool
    joins: bool


class VisitReads(Protocol):
    """Where visits are read. Everything raises `Refused`: `unavailable`."""

    async def standing(self, whom: Sequence[tuple[RoomId, PersonId]]) -> list[Standing]:
        """One for each, in order."""
        ...

    async def last(self, room: RoomId, person: PersonId) -> Visit | None:
        """Somebody's latest visit to an event."""
        ...

    async def open_visits(
        self, after: tuple[RoomId, PersonId] | None, limit: int
    ) -> list[Visit]: ...

    async def open_of(
        self, room: RoomId, after: PersonId | None, before_ms: int | None, limit: int
    ) -> list[Visit]:
        """Visits to one event that last, by person; `before_ms`: only those that began before."""
        ...


class Visits:
    """See `muster.attendance.VisitStore`."""

    def __init__(self, writer: Submitter, reads: VisitReads) -> None:
        self._writer = writer
        self._reads = reads

    async def record(self, edges: Sequence[Edge]) -> list[Recorded]:
        """Write these edges. One that may not be (the event is over, leave was taken back) is not fresh."""
        recorded: list[Recorded] = []
        for first in range(0, len(edges), OPS_AT_ONCE):
            some = edges[first : first + OPS_AT_ONCE]
            fresh = await self._commit([op_of(edge, _client_id(edge)) for edge in some])
            recorded += await self._settled(some, fresh)
        return recorded

    async def deed(self, edge: Edge, client_id: str, host: PersonId | None = None) -> Recorded:
        """One edge that somebody asks for. Raises `Refused` with why it may not be."""
        if host is not None:
            # Client ids are each author's own: the host's word must not meet one of the person's.
            client_id = str(uuid5(host, client_id))
        outcome = await self._writer.submit(op_of(edge, client_id, host))
        [recorded] = await self._settled([edge], [outcome.fresh])
        return recorded

    async def last(self, room: RoomId, person: PersonId) -> Visit | None:
        """Somebody's latest visit to an event."""
        return await self._reads.last(room, person)

    async def open_visits(self, after: tuple[RoomId, PersonId] | None, limit: int) -> list[Visit]:
        """See `VisitStore`."""
        return await self._reads.open_visits(after, limit)

    async def close_all(self, room: RoomId, at_ms: int, source: Source) -> int:
        """See `VisitStore`."""
        closed, last = 0, None
        while True:
            some, last = await self.close_some(room, at_ms, source, last)
            closed += some
            if last is None:
                return closed

    async def close_some(
        self, room: RoomId, at_ms: int, source: Source, after: PersonId | None
    ) -> tuple[int, PersonId | None]:
        """End up to OPS_AT_ONCE open visits of people after this one: how many, and the last person; None: no more.

        After a fence has moved only visits from before: who was judged by the new one stays.
        """
        before_ms = at_ms if source is Source.moved else None
        found = await self._reads.open_of(room, after, before_ms, OPS_AT_ONCE)
        edges = [Edge(room, visit.person, False, at_ms, source, Confidence.high) for visit in found]
        # Not under the edge's own id: it would be known by it where somebody came back and is to leave again.
        fresh = await self._commit(
            [
                op_of(edge, f"{_client_id(edge)}:{visit.number}")
                for edge, visit in zip(edges, found, strict=True)
            ]
        )
        return sum(fresh), found[-1].person if len(found) == OPS_AT_ONCE else None

    async def _commit(self, ops: Sequence[Op]) -> list[bool]:
        """Which of them changed something. Raises `Refused`: `unavailable`, once all are answered."""
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(self._attempt(op)) for op in ops]
        fresh: list[bool] = []
        for task in running:
            answer = task.result()
            if isinstance(answer, Refused):
                raise answer
            fresh.append(answer)
        return fresh

    async def _attempt(self, op: Op) -> bool | Refused:
        try:
            return (await self._writer.submit(op)).fresh
        except Refused as refused:
            return refused if refused.temporary else False

    async def _settled(self, edges: Sequence[Edge], fresh: Sequence[bool]) -> list[Recorded]:
        """What stands now; and who is to be in the room, is: also where an earlier try died before that."""
        standing = await self._reads.standing([(edge.room, edge.person) for edge in edges])
        recorded = [
            Recorded(edge, is_fresh, now.is_open, edge.is_enter and now.is_open and now.joins)
            for edge, is_fresh, now in zip(edges, fresh, standing, strict=True)
        ]
        await self._commit(
            [
                submit.join(one.edge.person, one.edge.room, f"entered:{one.edge.room.hex}")
                for one in recorded
                if one.joins
            ]
        )
        return recorded


def _client_id(edge: Edge) -> str:
    """The same for the same edge, and for no other of this person's; at most 58 characters."""
    way = "in" if edge.is_enter else "out"
    return f"{edge.room.hex}:{way}:{edge.at_ms}:{edge.source.value}"
