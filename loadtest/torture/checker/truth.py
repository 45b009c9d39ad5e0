"""The dumped log as the one truth: rows by seq and by client id, who may see them, and what a restore took back.

Owns the look-ups. Must never believe what a client said where the log says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from loadtest.torture.checker.books import Books
from loadtest.torture.history import SqlEntry, SqlRoom, SqlSpan
from proto.entry import EntryKind

FOLDED = frozenset({EntryKind.edit, EntryKind.delete, EntryKind.react, EntryKind.unreact})
"""Kinds that a history page shows as part of the message they are about."""


@dataclass(slots=True)
class RoomTruth:
    """One room's rows. A seq twice keeps its first row; `dense` tells of the other."""

    room: SqlRoom
    rows: dict[int, SqlEntry] = field(default_factory=dict)
    by_client: dict[tuple[UUID, str], SqlEntry] = field(default_factory=dict)
    spans: dict[UUID, list[SqlSpan]] = field(default_factory=dict)
    deletions: dict[int, SqlEntry] = field(default_factory=dict)
    words: dict[int, set[str]] = field(default_factory=dict)
    """Every text that somebody sent for a message, by its seq."""

    def take(self, row: SqlEntry) -> None:
        """Take in one row, in order of seq."""
        self.rows.setdefault(row.seq, row)
        if row.client_id:
            self.by_client.setdefault((row.author, row.client_id), row)
        target = row.body.target
        if row.kind is EntryKind.delete and target is not None:
            self.deletions.setdefault(target, row)

    def say(self, author: UUID, client_id: str, text: str) -> None:
        """Somebody sent these words; they count where they became an entry."""
        row = self.by_client.get((author, client_id))
        if row is not None and row.kind in (EntryKind.post, EntryKind.edit):
            seq = row.body.target if row.kind is EntryKind.edit else row.seq
            self.words.setdefault(seq or 0, set()).add(text)

    def sees(self, person: UUID, seq: int) -> bool:
        """Whether the spans of this person cover `seq`."""
        return any(
            span.from_seq <= seq and (span.to_seq is None or seq <= span.to_seq)
            for span in self.spans.get(person, ())
        )

    def was_in(self, person: UUID, seq: int) -> bool:
        """Whether this person was a member at `seq`: their own coming and going included."""
        return any(
            span.joined <= seq and (span.to_seq is None or seq <= span.to_seq)
            for span in self.spans.get(person, ())
        )

    def stays(self, person: UUID, seq: int) -> bool:
        """Whether this person was a member at `seq` and is still, without having been out."""
        spans = self.spans.get(person, ())
        return any(span.joined <= seq and span.to_seq is None for span in spans)

    def last_for(self, person: UUID) -> int:
        """The last seq this person is ever to get."""
        ends = [
            self.room.head if span.to_seq is None else span.to_seq
            for span in self.spans.get(person, ())
        ]
        return max(ends, default=0)


class Truth:
    """All rooms of the run, and the generation they are of."""

    def __init__(self, books: Books) -> None:
        self.rooms = {room.room: RoomTruth(room) for room in books.rooms.values()}
        for room, rows in books.rows.items():
            if room in self.rooms:
                for row in rows:
                    self.rooms[room].take(row)
        for (room, person), spans in books.spans.items():
            if room in self.rooms:
                self.rooms[room].spans[person] = spans
        for op in books.ops.values():
            invoke = op.invoke
            if invoke.client_id and invoke.text is not None and op.room in self.rooms:
                self.rooms[op.room].say(invoke.author, invoke.client_id, invoke.text)
        self._kept: dict[UUID, int] | None = None
        self._restored = 0
        for injury in books.faults.values():
            if injury.stop is not None and injury.stop.kept is not None:
                kept = self._kept or injury.stop.kept
                self._kept = {
                    room: min(kept.get(room, 0), injury.stop.kept.get(room, 0))
                    for room in kept.keys() | injury.stop.kept.keys()
                }
                self._restored = max(self._restored, injury.stop.t)

    def undone(self, t: int) -> bool:
        """Whether the log was put back to an earlier point after `t`: what has no seq of its own may be gone."""
        return self._kept is not None and t <= self._restored

    def rewound(self, room: UUID, seq: int, t: int) -> bool:
        """Whether what was told at `t` may be gone, because the log was put back to before `seq` since."""
        return self._kept is not None and t <= self._restored and seq > self._kept.get(room, 0)
