"""What Postgres does for writers, over the Truth of a simulation: batches, client ids, leases; and how it fails.

    Database      one transaction at a time; every entry it ever numbered stays in its Truth
    Batches       muster.batch.BatchConnection over it: slow, locked, broken before the COMMIT or after it
    TruthLeases   muster.republish.Leases over it

Owns the contract of commit_batch_v2 as far as a simulation needs it. Must never publish anything.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from uuid import UUID

from muster.batch import Lease, Locked, Lost, Range, Repeat
from muster.errors import unavailable
from muster.ids import PersonId, RoomId
from muster.lane import LaneEntry, of_entry
from muster.op import Committed, Op
from muster.republish import Publish
from proto.codec import MSGPACK
from proto.frames import Entry
from tests.sim.time import passing
from tests.sim.truth import TrueRoom, Truth

LEASE_S = 2.0


class Database:
    """One log of everything, and the leases on what may be unpublished."""

    def __init__(self, people: Sequence[PersonId]) -> None:
        self._new: list[LaneEntry] = []
        self.truth = Truth(people, self._new.extend)
        self.known: dict[tuple[RoomId, PersonId, str], int] = {}
        self.leases: dict[UUID, tuple[float, list[Range]]] = {}
        self.taken: set[UUID] = set()

    def commit(self, lease: Lease, ops: Sequence[Op]) -> list[Committed]:
        """One transaction: numbers, dedupes, judges, and notes in the same breath what may be unpublished."""
        rows: list[Committed] = []
        for idx, op in enumerate(ops, 1):
            rows += self._one(idx, op)
        ranges = list(lease.carry)
        ranges += [
            Range(row.room, row.seq, row.seq) for row in rows if row.status in ("ok", "side")
        ]
        until = asyncio.get_running_loop().time() + LEASE_S
        self.leases[lease.writer] = (until, ranges)
        return rows

    def _one(self, idx: int, op: Op) -> list[Committed]:
        room, truth = self.truth.rooms[op.room], self.truth
        key = (op.room, op.author, op.client_id)
        if key in self.known:
            return [_verdict(idx, "known", room, self.known[key])]
        if room.has(op.author) == (op.kind == "join"):
            return [_verdict(idx, "not_found", room, 0)]
        match op.kind:
            case "post":
                truth.post(op.author, room)
            case "join":
                truth.join(op.author, room)
            case _:
                if op.subject is None or not room.has(op.subject):
                    return [_verdict(idx, "not_found", room, 0)]
                truth.dismiss(op.author, op.subject, room)
        new = [entry for entry in map(_entry, self._new) if isinstance(entry, Entry)]
        self._new.clear()
        self.known[key] = new[0].seq
        return [_row(idx, "ok" if n == 0 else "side", entry) for n, entry in enumerate(new)]

    def entries(self, ranges: Sequence[Range]) -> list[LaneEntry]:
        """The entries of these ranges, as they are published."""
        return [
            of_entry(self.truth.rooms[room].entries[seq - 1])
            for room, low, high in ranges
            for seq in range(low, high + 1)
        ]


def _entry(entry: LaneEntry) -> object:
    return MSGPACK.decode_server(entry.data)


def _verdict(idx: int, status: str, room: TrueRoom, seq: int) -> Committed:
    return Committed(idx, status, room.id, seq, room.msg_no, 0, None, None, None, None, None)


def _row(idx: int, status: str, entry: Entry) -> Committed:
    subject = None if entry.subject is None else PersonId(entry.subject)
    return Committed(
        idx, status, RoomId(entry.room), entry.seq, entry.msg_no, 0, entry.kind, PersonId(entry.author), subject,
        None, entry.body,
    )  # fmt: skip


class Batches:
    """One connection. `trouble`: how often a batch meets any."""

    def __init__(self, database: Database, rng: random.Random) -> None:
        self._database = database
        self._rng = rng
        self.trouble = 0.0

    async def commit(self, lease: Lease, ops: Sequence[Op]) -> list[Committed]:
        await passing(0.002 * self._rng.random())
        if self._rng.random() >= self.trouble:
            return self._database.commit(lease, ops)
        match self._rng.randrange(5):
            case 0:
                raise Repeat
            case 1:
                raise Locked([ops[0].room])
            case 2:
                raise Lost  # before the COMMIT
            case 3:
                self._database.commit(lease, ops)
                raise Lost  # after it: nobody is told
            case _:
                rows = self._database.commit(lease, ops)
                await passing(3.0 * self._rng.random())  # stopped, with the answer on its way
                return rows

    async def clear(self, writer: UUID) -> None:
        await passing(0.002 * self._rng.random())
        if self._rng.random() < self.trouble:
            raise Lost
        self._database.leases.pop(writer, None)

    async def close(self) -> None:
        return


class TruthLeases:
    """See `muster.republish.Leases`: one taker at a time, deleted only after everything in it was published."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.down = False

    async def hand_over(self, publish: Publish) -> int:
        if self.down:
            raise unavailable("the database")
        leases, now = self._database.leases, asyncio.get_running_loop().time()
        over = [
            (until, writer)
            for writer, (until, _) in leases.items()
            if until <= now and writer not in self._database.taken
        ]
        if not over:
            return 0
        until, writer = min(over)
        self._database.taken.add(writer)
        try:
            entries = self._database.entries(leases[writer][1])
            await publish(entries)
            if leases.get(writer, (0.0,))[0] == until:
                del leases[writer]
        finally:
            self._database.taken.discard(writer)
        return max(1, len(entries))
