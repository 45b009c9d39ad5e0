"""What may be kept from whom: words by somebody they block, words erased, the traffic of a large room.

Owns the rule of legal skips, written a second time. Lenient only where times leave it open: a block counts from the
moment it was asked for, and until it was certainly lifted.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Final
from uuid import UUID

from loadtest.torture.checker.books import Books
from loadtest.torture.checker.truth import RoomTruth
from loadtest.torture.history import SqlEntry
from proto.entry import EntryKind

LARGE_ROOM: Final = 200
"""Above so many members joins and leaves are numbered and not told (docs/protocol.md, section 5)."""

FOREVER: Final = 1 << 62
WORDS: Final = frozenset(
    {EntryKind.post, EntryKind.edit, EntryKind.delete, EntryKind.react, EntryKind.unreact}
)
TRAFFIC: Final = frozenset({EntryKind.join, EntryKind.leave})


class Silence:
    """When who may have hidden whom, and which members are too many to be told."""

    def __init__(self, books: Books) -> None:
        self._slack = round(books.terms.block_within_s * 1e9)
        self.windows: dict[tuple[UUID, UUID], list[tuple[int, int]]] = defaultdict(list)
        self._asked: dict[tuple[UUID, str], int] = {}
        self._crowds: dict[UUID, list[tuple[int, int]]] = {}
        for op in books.ops.values():
            invoke = op.invoke
            if invoke.client_id:
                self._asked.setdefault((invoke.author, invoke.client_id), invoke.t)
            if invoke.op in ("block", "unblock") and invoke.subject is not None and not op.fail:
                pair = (invoke.author, invoke.subject)
                if invoke.op == "block":
                    self.windows[pair].append((invoke.t, FOREVER))
                elif self.windows[pair]:
                    until = op.ok.t + self._slack if op.ok else FOREVER
                    self.windows[pair][-1] = (self.windows[pair][-1][0], until)
        for pair in books.blocks:
            if pair not in self.windows:
                self.windows[pair].append((0, FOREVER))  # since before the run

    def ever(self, person: UUID) -> set[UUID]:
        """Everybody this person may have blocked at any time."""
        return {blocked for (blocker, blocked) in self.windows if blocker == person}

    def asked_at(self, row: SqlEntry) -> int:
        """When somebody first asked for this entry; 0 if nobody is known to have."""
        return self._asked.get((row.author, row.client_id or ""), 0)

    def may_leave_out(self, truth: RoomTruth, person: UUID, row: SqlEntry, t: int) -> bool:
        """Whether a page read by `t` may be without this entry: deleted ones stay in it, without words."""
        if not truth.sees(person, row.seq) or row.seq <= truth.room.floor:
            return True
        windows = self.windows.get((person, row.author), ())
        return row.kind is EntryKind.post and any(start <= t for start, _ in windows)

    def may_skip(self, truth: RoomTruth, person: UUID, row: SqlEntry, since: int, t: int) -> bool:
        """Whether `person` may be told `skip` for this row at `t` by a hub that judged after `since`."""
        if not truth.sees(person, row.seq) or row.seq <= truth.room.floor:
            return True
        if row.kind in WORDS and any(
            start <= t and since <= end for start, end in self.windows.get((person, row.author), ())
        ):
            return True
        if self._erased(truth, row, t):
            return True
        return row.kind in TRAFFIC and row.subject != person and self._is_large(truth, row.seq)

    def _erased(self, truth: RoomTruth, row: SqlEntry, t: int) -> bool:
        target = row.body.target if row.kind is EntryKind.edit else row.seq
        if target is None or row.kind not in (EntryKind.post, EntryKind.edit):
            return False
        deletion = truth.deletions.get(target)
        if deletion is None:
            return False
        return self.asked_at(deletion) <= t

    def _is_large(self, truth: RoomTruth, seq: int) -> bool:
        """Whether the room was large at `seq`, or at any time after it."""
        crowds = self._crowds.get(truth.room.room)
        if crowds is None:
            most, crowds = 0, []
            for at in sorted(truth.rows, reverse=True):
                row = truth.rows[at]
                if row.body.members is not None:
                    left = row.kind in (EntryKind.leave, EntryKind.kick)
                    most = max(most, row.body.members + left)
                    crowds.append((at, most))
            self._crowds[truth.room.room] = crowds
        # Crowds are few and only asked for traffic that was skipped.
        return any(at >= seq and most > LARGE_ROOM for at, most in reversed(crowds))
