"""The outlet of one writer connection: what it has committed leaves for the lanes, in commit order.

Owns which ranges are committed and not yet published (the lease's `carry`). Must never hold back an answer, and
must never be the only one who knows: everything here stands in Postgres, so it may be dropped at any moment.
When the bus does not take entries for a while, the lease is abandoned: it keeps its ranges, runs out, and any
process publishes them; the outlet goes on under a new lease.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final
from uuid import UUID

from msgspec import structs

from muster.batch import Lease, Range
from muster.bus import Publisher, Unpublished
from muster.ids import RoomId
from muster.lane import LaneEntry, of_entry
from muster.op import Committed, Op
from proto.entry import Body, EntryKind
from proto.frames import Entry

ENTRIES_PER_PUBLISH: Final = 500
ENTRIES_WAITING: Final = 20_000
"""More than this unpublished means the bus is away: what is over is left to the leases and the head checks."""

Local = Callable[[list[LaneEntry]], None]
"""This process's own hub, which need not wait for the bus."""


class Outlet:
    """Entries on their way from one writer connection to the bus."""

    def __init__(
        self, publisher: Publisher, new_writer: Callable[[], UUID], local: Local | None
    ) -> None:
        self._publisher = publisher
        self._new_writer = new_writer
        self._local = local
        self._writer = new_writer()
        self._entries: list[LaneEntry] = []
        self._ranges: dict[bytes, Range] = {}
        self._woken = asyncio.Event()
        self._generation = 0
        self.leased = False

    def lease(self) -> Lease:
        """The lease for the next batch: this writer's row, with everything it still owes."""
        self.leased = True
        return Lease(self._writer, list(self._ranges.values()))

    def clearable(self) -> UUID | None:
        """The writer whose lease row is no longer needed: all is published."""
        return self._writer if self.leased and not self._ranges else None

    def cleared(self, writer: UUID) -> None:
        """That row is gone (or will run out)."""
        if writer == self._writer:
            self.leased = False

    def relet(self) -> None:
        """A batch may or may not be committed: leave its lease row as it is, go on under a new one.

        The next batch would overwrite the row, and with it the only note of what the lost batch committed.
        """
        self._writer = self._new_writer()

    def committed(self, ops: Sequence[Op], rows: Sequence[Committed]) -> None:
        """A batch is committed: hand its new entries to this process's hub and to the bus."""
        entries = [
            of_entry(entry_of(None if row.status == "side" else ops[row.idx - 1], row))
            for row in sorted(rows, key=lambda row: row.seq)
            if row.status in ("ok", "side") and row.kind is not None
        ]
        if not entries:
            return
        if self._local is not None:
            self._local(entries)
        if len(self._entries) + len(entries) > ENTRIES_WAITING:
            self._abandon()
        for entry in entries:
            self._owe(entry)
        self._entries += entries
        self._woken.set()

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            await self._woken.wait()
            batch, self._entries = (
                self._entries[:ENTRIES_PER_PUBLISH],
                self._entries[ENTRIES_PER_PUBLISH:],
            )
            if not batch:
                self._woken.clear()
                continue
            generation = self._generation
            try:
                await self._publisher.publish(batch)
            except Unpublished:
                self._abandon()
                continue
            if generation == self._generation:
                self._paid(batch)

    def _owe(self, entry: LaneEntry) -> None:
        owed = self._ranges.get(entry.room)
        if owed is None:
            room = RoomId(UUID(bytes=entry.room))
            self._ranges[entry.room] = Range(room, entry.seq, entry.seq)
        else:
            from_seq, to_seq = min(owed.from_seq, entry.seq), max(owed.to_seq, entry.seq)
            self._ranges[entry.room] = Range(owed.room, from_seq, to_seq)

    def _paid(self, batch: Sequence[LaneEntry]) -> None:
        for entry in batch:
            owed = self._ranges.get(entry.room)
            if owed is None:
                continue
            if entry.seq >= owed.to_seq:
                del self._ranges[entry.room]
            elif entry.seq >= owed.from_seq:
                self._ranges[entry.room] = owed._replace(from_seq=entry.seq + 1)

    def _abandon(self) -> None:
        """Leave what is owed to whoever finds the lease run out; go on under a new one."""
        self._writer = self._new_writer()
        self._ranges = {}
        self._entries = []
        self._generation += 1


def entry_of(op: Op | None, row: Committed) -> Entry:
    """The entry that stands in Postgres after `row`. `op` is null for a side entry, which carries its own body."""
    assert row.kind is not None
    assert row.author is not None
    body = row.body or Body()
    client_id = ""
    text = None
    if op is not None:
        # An entry that does not tell its author does not tell what they called it either.
        client_id = op.client_id if row.author == op.author else ""
        text = op.text
        if isinstance(op.body, Body) and row.body is None:
            body = op.body
    return Entry(
        0,
        row.room,
        row.seq,
        row.msg_no,
        EntryKind(row.kind),
        row.author,
        row.subject,
        client_id,
        row.at_ms,
        _with(body, text, row.target),
    )


def _with(body: Body, text: str | None, target: int | None) -> Body:
    if text is None and target is None:
        return body
    return structs.replace(body, text=text, target=target)
