"""A room of the model: its rows, its spans, and how it reads for somebody, all right by construction.

Owns the log that histories are made from. Must never import the checker.
"""

from __future__ import annotations

from collections import Counter
from uuid import UUID

from msgspec.structs import replace

from loadtest.torture.history import Item, SqlEntry, SqlSpan
from proto.entry import Body, EntryKind

_FOLDED = (EntryKind.edit, EntryKind.delete, EntryKind.react, EntryKind.unreact)
_WORDS = (*_FOLDED, EntryKind.post)
_TRAFFIC = (EntryKind.join, EntryKind.leave)


class ModelRoom:
    """`crowd`: members that nobody sees, to make the room a large one."""

    def __init__(self, room: UUID, kind: str, history: str, crowd: int = 0) -> None:
        self.id = room
        self.kind = kind
        self.history = history
        self.crowd = crowd
        self.rows: list[SqlEntry] = []
        self.roles: dict[UUID, str] = {}
        self.spans: dict[UUID, list[SqlSpan]] = {}
        self.reactions: dict[tuple[int, UUID, str], bool] = {}
        self.read: dict[UUID, int] = {}

    @property
    def head(self) -> int:
        return len(self.rows)

    @property
    def msg_no(self) -> int:
        return self.rows[-1].msg_no if self.rows else 0

    @property
    def members(self) -> int:
        return self.crowd + len(self.roles)

    def append(
        self,
        kind: EntryKind,
        author: UUID,
        body: Body,
        subject: UUID | None = None,
        client_id: str | None = None,
    ) -> int:
        """The seq of the new entry."""
        said = self.msg_no + (kind is EntryKind.post)
        row = SqlEntry(
            t=0, room=self.id, seq=self.head + 1, msg_no=said, kind=kind, author=author,
            subject=subject, client_id=client_id, body=body,
        )  # fmt: skip
        self.rows.append(row)
        self._follow(row)
        return row.seq

    def _follow(self, row: SqlEntry) -> None:
        target = row.body.target
        if row.subject is not None and row.kind is EntryKind.join:
            first = 1 if self.history == "all" else row.seq
            span = SqlSpan(t=0, room=self.id, person=row.subject, joined=row.seq, from_seq=first)
            self.spans.setdefault(row.subject, []).append(span)
            self.read[row.subject] = max(row.seq, self.read.get(row.subject, 0))
        elif row.subject is not None and row.kind in (EntryKind.leave, EntryKind.kick):
            spans = self.spans[row.subject]
            spans[-1] = replace(spans[-1], to_seq=row.seq)
        elif row.kind is EntryKind.edit and target:
            self._reword(target, row.body.text, edited_seq=row.seq)
        elif row.kind is EntryKind.delete and target:
            self._reword(target, None, deleted_seq=row.seq)
            for edit in self.rows:
                if edit.kind is EntryKind.edit and edit.body.target == target:
                    edit.body = Body(target=target)
        elif row.kind in (EntryKind.react, EntryKind.unreact) and target and row.body.emoji:
            self.reactions[target, row.author, row.body.emoji] = row.kind is EntryKind.react

    def _reword(self, target: int, text: str | None, **when: int) -> None:
        row = self.rows[target - 1]
        self.rows[target - 1] = replace(row, body=Body(text=text), **when)

    def sees(self, person: UUID, seq: int) -> bool:
        return any(
            span.from_seq <= seq and (span.to_seq is None or seq <= span.to_seq)
            for span in self.spans.get(person, ())
        )

    def is_shown(self, person: UUID, seq: int, hidden: set[UUID]) -> bool:
        """Whether a hub sends the entry rather than a skip."""
        row = self.rows[seq - 1]
        if row.kind in _WORDS and row.author in hidden:
            return False
        if row.deleted_seq is not None:
            return False
        if row.kind is EntryKind.edit and self.rows[(row.body.target or 0) - 1].deleted_seq:
            return False
        return not (row.kind in _TRAFFIC and self.members > 200 and row.subject != person)

    def items(self, person: UUID, low: int, high: int, hidden: set[UUID]) -> list[Item]:
        """What a history page shows of these seqs."""
        return [
            self.item(seq, hidden)
            for seq in range(low, high + 1)
            if self.sees(person, seq)
            and self.rows[seq - 1].kind not in _FOLDED
            and not (
                self.rows[seq - 1].kind is EntryKind.post and self.rows[seq - 1].author in hidden
            )
        ]

    def item(self, seq: int, hidden: set[UUID]) -> Item:
        """One entry as it reads now."""
        row = self.rows[seq - 1]
        counts = Counter(
            emoji
            for (target, author, emoji), yes in self.reactions.items()
            if yes and target == seq and author not in hidden
        )
        return Item(
            row.seq, row.msg_no, row.kind, row.author, row.subject, row.client_id or "", row.body,
            row.edited_seq, row.deleted_seq, dict(counts),
        )  # fmt: skip

    def unread(self, person: UUID, hidden: set[UUID]) -> int:
        """What a room list says."""
        since = max(self.read.get(person, 0), self.spans[person][-1].from_seq - 1)
        return sum(
            row.kind is EntryKind.post
            and row.seq > since
            and row.deleted_seq is None
            and row.author != person
            and row.author not in hidden
            for row in self.rows
        )
