"""Fold: what a list of entries makes of a room: its messages as they read now, and the roles of those who came or went.

Owns the folding of edits, deletions and reactions. A page's item already holds every change up to the page's head, so
older changes that arrive after it are not counted twice. Pure. Must never look at who may see what.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from loadtest.torture.history import Changed, Deliver, Fetched, Item, SqlEntry
from proto.entry import EntryKind


@dataclass(slots=True)
class Message:
    """A message as it reads after the changes up to `as_of`, and those folded in since."""

    author: UUID
    text: str | None
    deleted: bool = False
    reactions: Counter[str] = field(default_factory=Counter)
    as_of: int = 0

    def reads(self) -> tuple[UUID, str | None, bool, dict[str, int]]:
        """What two views of one message must agree on. A deleted one has no words and no reactions to compare."""
        if self.deleted:
            return self.author, None, True, {}
        return self.author, self.text or "", False, {e: n for e, n in self.reactions.items() if n}


class Fold:
    """One room as one reader has it."""

    def __init__(self) -> None:
        self.messages: dict[int, Message] = {}
        self.roles: dict[UUID, str | None] = {}
        """None: out. Only people whose coming, going or role was among the entries."""
        self._done: set[int] = set()
        self._role_at: dict[UUID, int] = {}

    def entries(self, entries: Iterable[Deliver | SqlEntry]) -> None:
        """Entries from a socket, or rows, in the order they came; one that comes again changes nothing."""
        for entry in entries:
            if entry.seq not in self._done:
                self._done.add(entry.seq)
                self._entry(entry)

    def page(self, page: Fetched | Changed) -> None:
        """What REST said as of the page's head."""
        self.items(page.items, page.head)

    def items(self, items: Iterable[Item], head: int) -> None:
        """Messages as they read at `head`, in place of what was held of them."""
        for item in items:
            self._done.add(item.seq)
            if item.kind is EntryKind.post:
                self.messages[item.seq] = Message(
                    item.author,
                    item.body.text,
                    item.deleted_seq is not None,
                    Counter(item.reactions),
                    head,
                )
            else:
                self._member(item)

    def _entry(self, entry: Deliver | SqlEntry) -> None:
        kind, body = entry.kind, entry.body
        if kind is EntryKind.post:
            self.messages[entry.seq] = Message(entry.author, body.text)
            return
        self._member(entry)
        message = self.messages.get(body.target) if body.target is not None else None
        if message is None or entry.seq <= message.as_of:
            return
        if kind is EntryKind.edit and body.text is not None:
            message.text = body.text
        elif kind is EntryKind.delete:
            message.deleted = True
        elif kind is EntryKind.react and body.emoji is not None:
            message.reactions[body.emoji] += 1
        elif kind is EntryKind.unreact and body.emoji is not None:
            message.reactions[body.emoji] -= 1

    def _member(self, entry: Deliver | SqlEntry | Item) -> None:
        subject = entry.subject
        if subject is None or entry.seq < self._role_at.get(subject, 0):
            return
        if entry.kind in (EntryKind.join, EntryKind.role) and entry.body.role is not None:
            self.roles[subject], self._role_at[subject] = entry.body.role, entry.seq
        elif entry.kind in (EntryKind.leave, EntryKind.kick):
            self.roles[subject], self._role_at[subject] = None, entry.seq
