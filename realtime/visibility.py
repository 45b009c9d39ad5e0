"""Who does not get to see an entry of a room they are in, and gets `skip` instead.

Owns the rule: erased words; authors one has blocked; joins and leaves of a large room that are not one's own.
Pure. Must never decide who is in a room, or since when (realtime/catchup.py cuts by spans).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from muster.ids import PersonId
from proto.entry import EntryKind
from realtime.room import Kept, LocalRoom

LARGE_ROOM: Final = 200
"""Above so many members joins and leaves are numbered but not told: 10,000 arrivals would be 5 x 10^7 frames."""

_WORDS: Final = frozenset(
    {
        EntryKind.post,
        EntryKind.edit,
        EntryKind.delete,
        EntryKind.react,
        EntryKind.unreact,
        EntryKind.vote,
        EntryKind.preview,
    }
)
_TRAFFIC: Final = frozenset({EntryKind.join, EntryKind.leave})


class Hidden:
    """Which authors are hidden from which people who are connected here."""

    def __init__(self) -> None:
        self._by_author: dict[bytes, set[PersonId]] = {}
        self._by_blocker: dict[PersonId, set[PersonId]] = {}

    def hide(self, blocker: PersonId, blocked: PersonId) -> None:
        """`blocker` no longer sees what `blocked` writes."""
        self._by_author.setdefault(blocked.bytes, set()).add(blocker)
        self._by_blocker.setdefault(blocker, set()).add(blocked)

    def show(self, blocker: PersonId, blocked: PersonId) -> None:
        """The reverse of `hide`."""
        hidden_from = self._by_author.get(blocked.bytes, set())
        hidden_from.discard(blocker)
        if not hidden_from:
            self._by_author.pop(blocked.bytes, None)
        authors = self._by_blocker.get(blocker, set())
        authors.discard(blocked)
        if not authors:
            self._by_blocker.pop(blocker, None)

    def replace(self, blocker: PersonId, blocked: Iterable[PersonId]) -> None:
        """Exactly these are hidden from `blocker`."""
        for author in list(self._by_blocker.get(blocker, ())):
            self.show(blocker, author)
        for author in blocked:
            self.hide(blocker, author)

    def from_whom(self, author: bytes) -> set[PersonId] | None:
        """The people this author is hidden from; mostly None."""
        return self._by_author.get(author)


def is_for_all(kept: Kept, room: LocalRoom, hidden: Hidden) -> bool:
    """Whether a new entry needs no look at each receiver: the common case."""
    if kept.erased or hidden.from_whom(kept.author) is not None:
        return False
    return not (room.people > LARGE_ROOM and kept.kind in _TRAFFIC)


def is_visible(kept: Kept, room: LocalRoom, person: PersonId, hidden: Hidden) -> bool:
    """Whether this person gets the entry itself rather than `skip`."""
    if kept.erased:
        return False
    if kept.kind in _WORDS:
        hidden_from = hidden.from_whom(kept.author)
        if hidden_from is not None and person in hidden_from:
            return False
    return not (room.people > LARGE_ROOM and kept.kind in _TRAFFIC and kept.subject != person.bytes)
