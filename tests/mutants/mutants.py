"""What is broken, one promise each, by replacing one function of the real code.

Owns the patches. Each is what somebody might really write; the scenario that catches it stands beside it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import asyncpg

from muster import writer as writing
from muster.attendance import Edge
from muster.batch import Lease, Lost
from muster.doubt import Observed, Reading, cause_of_doubt
from muster.edges import Edges, Trial
from muster.ids import PersonId, RoomId
from muster.lane import LaneEntry
from muster.op import Committed, Op
from muster.placing import Placing
from muster.restoring import Restoring
from muster.standing import Kept as Stood
from muster.standing import Key
from muster.stores.postgres import batch
from muster.stores.postgres.batch import PostgresBatchConnection
from muster.stores.redis import commands, reader
from muster.stores.redis.wire import Wire
from realtime import hub as hubs
from realtime import visibility
from realtime.driver import Driver
from realtime.fill import Fill
from realtime.hub import Hub
from realtime.room import Kept, LocalRoom

Patch = Callable[[str], None]
"""Told which door it is in."""


@dataclass(frozen=True)
class Mutant:
    """A breach, where it shows, and what shows it."""

    apply: Patch
    scenario: str
    says: str


def _put(owner: object, name: str, function: object) -> None:
    assert hasattr(owner, name), f"{owner} has no {name} any more"
    setattr(owner, name, function)


def ack_before_commit(_: str) -> None:
    """A message is answered when the statement is done, and committed a moment later."""

    async def commit(self: Any, pendings: list[Any]) -> None:
        part = self._still_wanted(pendings)
        if not part or any(pending.op.kind != "post" for pending in part):
            await real(self, part)
            return
        connection: PostgresBatchConnection = self.connection
        ops = [pending.op for pending in part]
        try:
            opened = await connection._open()
            transaction = opened.transaction()
            await transaction.start()
            values = batch.arguments(self.outlet.lease(), ops)
            rows = [batch._committed(row) for row in await opened.fetch(batch._COMMIT, *values)]
            self._settle(part, rows)
            await opened.execute("SELECT pg_sleep(0.25)")
            await transaction.commit()
        except (asyncpg.PostgresError, *batch._LOST):
            connection._drop()
            self.outlet.relet()

    real = writing._Worker._commit
    _put(writing._Worker, "_commit", commit)


_ONE_STATEMENT = (
    (
        "commit_posts_v3",
        "WITH clock AS MATERIALIZED (",
        """WITH locked AS MATERIALIZED (
               SELECT * FROM rooms x WHERE x.room_id = ANY (p_room) ORDER BY x.room_id FOR NO KEY UPDATE
           ), clock AS MATERIALIZED (""",
    ),
    ("commit_posts_v3", "FROM rooms r WHERE r.room_id = b.room", "FROM locked r WHERE r.room_id = b.room"),
    ("commit_batch_v4", "ORDER BY r.room_id FOR NO KEY UPDATE", "ORDER BY r.room_id"),
    ("commit_fresh_v1", "ORDER BY r.room_id FOR NO KEY UPDATE) l", "ORDER BY r.room_id) l"),
    (
        "commit_fresh_v1",
        "WITH numbered AS MATERIALIZED (",
        """WITH locked AS MATERIALIZED (
               SELECT * FROM rooms x WHERE x.room_id = ANY (p_room) ORDER BY x.room_id FOR NO KEY UPDATE
           ), numbered AS MATERIALIZED (""",
    ),
    (
        "commit_fresh_v1",
        "v_heads[b.place] AS head, v_msg_nos[b.place] AS msg_no",
        """(SELECT x.head FROM locked x WHERE x.room_id = b.room) AS head,
           (SELECT x.msg_no FROM locked x WHERE x.room_id = b.room) AS msg_no""",
    ),
)  # fmt: skip


def lock_and_insert_in_one_statement(door: str) -> None:
    """The lock is taken by the statement that judges and inserts, whose snapshot is older than the lock."""
    if door == "realtime" and os.environ.get("MUSTER_HUB_INDEX", "0") == "0":
        asyncio.run(_replace_sql(os.environ["MUSTER_DATABASE_URL"]))


async def _replace_sql(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for function, before, after in _ONE_STATEMENT:
            named = "SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = $1"
            source = await connection.fetchval(named, function)
            assert before in source or after in source, function
            await connection.execute(source.replace(before, after))
    finally:
        await connection.close()


def no_fill(_: str) -> None:
    """Holes are waited for, and never read."""

    def ignore(self: Fill, room: LocalRoom, head: int = 0) -> None:
        """Somebody else will."""

    _put(Fill, "hole", ignore)
    _put(Fill, "behind", ignore)


def no_epoch_check(_: str) -> None:
    """A reader believes that what it reads is all there was."""

    def sound(read: Reading, before: Observed, after: Observed) -> None:
        """Never in doubt."""

    _put(reader, "cause_of_doubt", sound)

    def trusting(self: Hub, lanes: frozenset[int]) -> None:
        """Never in doubt."""

    _put(Hub, "doubt", trusting)


def no_dedupe(_: str) -> None:
    """What comes by the lanes is delivered, also if it was before."""

    def entries(self: Hub, batch: list[LaneEntry]) -> None:
        for entry in batch:
            room = self._seating.rooms.get(entry.room)
            if room is not None and 0 < entry.seq <= room.position:
                for socket in room.live:
                    socket.push(Kept(entry).prepared)
        real(self, batch)

    real = Hub.entries
    _put(Hub, "entries", entries)


def lease_cleared_before_publication(_: str) -> None:
    """What was committed is taken for published."""

    async def commit(
        self: PostgresBatchConnection, lease: Lease, ops: Sequence[Op]
    ) -> list[Committed]:
        rows = await real(self, Lease(lease.writer, []), ops)
        with suppress(Lost):
            await self.clear(lease.writer)
        return rows

    real = PostgresBatchConnection.commit
    _put(PostgresBatchConnection, "commit", commit)


def heads_before_the_new_cursor(_: str) -> None:
    """After doubt the heads are compared first, and then it is found out from where to read on."""

    async def look(self: Any, wire: Wire) -> None:
        before = list(self._sound)
        read = list(zip(self._looked, self._cursors, strict=True))
        doubted = []
        for i, now in enumerate(await self._observe(wire)):
            if before[i] is not None:
                reading = Reading(*map(commands.entry_id, read[i]))
                cause = cause_of_doubt(reading, before[i], now)
                if cause is not None:
                    doubted.append(self._doubted(i, cause))
        if not doubted:
            await real(self, wire)
            return
        self._listener.doubt(frozenset(doubted))
        with suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await asyncio.Event().wait()
        for i, now in enumerate(await self._observe(wire)):
            self._sound[i] = now
            self._cursors[i] = self._looked[i] = commands.written(now.last)
        self._look_at = self._clock.monotonic() + reader.LOOK_EVERY_S

    real = reader.Reader._look
    _put(reader.Reader, "_look", look)


def head_check_off(_: str) -> None:
    """Doubt is noted and nothing is compared."""

    def ignore(self: Fill, rooms: Iterable[LocalRoom]) -> None:
        """There will be more in that room."""

    _put(Fill, "check", ignore)


def skip_for_an_entry(_: str) -> None:
    """Some entries are skipped for everybody: positions move on, and nothing has arrived."""

    def is_for_all(kept: Kept, room: LocalRoom, hidden: Any) -> bool:
        return kept.seq % 50 != 0 and real(kept, room, hidden)

    def is_visible(kept: Kept, room: LocalRoom, person: PersonId, hidden: Any) -> bool:
        return kept.seq % 50 != 0 and seen(kept, room, person, hidden)

    real, seen = visibility.is_for_all, visibility.is_visible
    _put(hubs, "is_for_all", is_for_all)
    _put(hubs, "is_visible", is_visible)


def close_instead_of_abort(_: str) -> None:
    """Who does not read is asked to go, in bytes that they do not read."""

    def close(self: Driver) -> None:
        if self._transport is not None:
            self._transport.close()

    _put(Driver, "abort", close)


def standing_before_visit(_: str) -> None:
    """Where somebody is at an event is moved first, and the visit is written down a moment later."""

    async def believed(_: Edges, edges: Sequence[Edge]) -> dict[Key, bool]:
        return {Key(edge.person, edge.room): edge.is_enter for edge in edges}

    async def move(
        self: Placing,
        person: PersonId,
        kept: dict[RoomId, Stood],
        trials: Sequence[Trial],
        stands: dict[Key, bool],
        now_ms: int,
    ) -> set[RoomId]:
        lost = await moved(self, person, kept, trials, stands, now_ms)
        wanted = [edge for trial in trials if trial.key.room not in lost for edge in trial.edges]
        await recorded(self._around.edges, [edge for edge in wanted if stands])
        return lost

    recorded, moved = Edges.record, Placing._move
    _put(Edges, "record", believed)
    _put(Placing, "_move", move)


def nobody_put_back(_: str) -> None:
    """What Redis has lost is opened again as it is: empty."""

    async def round_(self: Restoring) -> int:
        standings = self._around.standings
        await standings.finish(await standings.begin())
        return 0

    _put(Restoring, "round", round_)


MUTANTS: dict[str, Mutant] = {
    "ack_before_commit": Mutant(ack_before_commit, "postgres_restarted", "lost"),
    "lock_and_insert_in_one_statement": Mutant(
        lock_and_insert_in_one_statement, "kicks_and_blocks", "membership"
    ),
    "no_fill": Mutant(no_fill, "lanes_trimmed", "last words"),
    "no_epoch_check": Mutant(no_epoch_check, "lanes_trimmed", "last words"),
    "no_dedupe": Mutant(no_dedupe, "hub_killed", "duplicated"),
    "lease_cleared_before_publication": Mutant(
        lease_cleared_before_publication, "api_killed", "last words"
    ),
    "heads_before_the_new_cursor": Mutant(
        heads_before_the_new_cursor, "redis_flushed", "last words"
    ),
    "head_check_off": Mutant(head_check_off, "lanes_trimmed", "last words"),
    "skip_for_an_entry": Mutant(skip_for_an_entry, "hub_killed", "lost"),
    "close_instead_of_abort": Mutant(close_instead_of_abort, "stalled_readers", "still served"),
    "standing_before_visit": Mutant(standing_before_visit, "events_restarted", "attendance is not"),
    "nobody_put_back": Mutant(nobody_put_back, "events_flushed", "attendance is not"),
}
"""By name: where each shows and what says so."""
