"""Dense: a room's seqs are 1 .. head without hole or double, its messages counted, its client ids unique.

Owns that rule. Must never look at anything but the dump.
"""

from __future__ import annotations

from uuid import UUID

from loadtest.torture.checker.books import Books
from loadtest.torture.checker.findings import Findings, Rule
from loadtest.torture.history import SqlEntry, SqlRoom
from proto.entry import EntryKind


def check_dense(books: Books, findings: Findings) -> None:
    """Every room of the dump; rows without a room too."""
    for room in books.rooms.values():
        _check_room(room, books.rows.get(room.room, []), findings)
    for room_id in books.rows.keys() - books.rooms.keys():
        findings.add(Rule.dense, f"room {room_id} has entries and no row of its own", room=room_id)


def _check_room(room: SqlRoom, rows: list[SqlEntry], findings: Findings) -> None:
    expected, msg_no = room.floor + 1, None
    said: dict[tuple[UUID, str], int] = {}
    for row in rows:
        if row.seq < expected:
            _add(findings, room, row.seq, f"seq {row.seq} is there twice")
        elif row.seq > expected:
            _add(findings, room, expected, f"{expected} to {row.seq - 1} are missing")
        expected = max(expected, row.seq + 1)
        counted = row.kind is EntryKind.post
        if msg_no is not None and row.msg_no != msg_no + counted:
            _add(findings, room, row.seq, f"msg_no goes from {msg_no} to {row.msg_no} at {row.seq}")
        msg_no = row.msg_no
        if row.client_id:
            first = said.setdefault((row.author, row.client_id), row.seq)
            if first != row.seq:
                _add(findings, room, row.seq, f"{first} and {row.seq} have one client id")
    if expected != room.head + 1:
        _add(findings, room, room.head, f"the head says {room.head}, the last row {expected - 1}")
    if msg_no is not None and msg_no != room.msg_no:
        _add(findings, room, room.head, f"the head says {room.msg_no} messages, the row {msg_no}")


def _add(findings: Findings, room: SqlRoom, seq: int, says: str) -> None:
    findings.add(Rule.dense, f"room {room.room}: {says}", room=room.room, seq=seq)
