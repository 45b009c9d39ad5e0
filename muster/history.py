"""History: a room's log as it reads now, in pages by seq.

A page names the seqs it covers, `from_seq`..`to_seq`. What is inside that range and not among its items is
folded in (edits, reactions), or not for this reader (before they came, by somebody they block, erased): either
way it is settled, and a client that holds the page has no hole there.
Owns which range a page covers. Must never read outside a member's spans.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, NamedTuple, Protocol

from msgspec import Struct

from muster.errors import not_found
from muster.ids import PersonId, RoomId
from muster.media import MediaInfo
from muster.permission import Relation, RoomKind
from muster.polls import Standing
from muster.rooms import may_see
from proto.entry import Body, EntryKind, LinkPreview

FOLDED: Final = (
    EntryKind.edit,
    EntryKind.delete,
    EntryKind.react,
    EntryKind.unreact,
    EntryKind.vote,
    EntryKind.poll_closed,
    EntryKind.preview,
)
"""Entries that are shown as part of the message they are about."""

WINDOW_SEQS: Final = 1_000
"""How far one page looks for items; beyond that it answers what it has, and the range it covers."""

CHANGES_WINDOW_SEQS: Final = 5_000
REPLIES_MOST: Final = 100
"""Where counting replies stops."""


class Way(StrEnum):
    """Which way a page goes from its starting point."""

    after = "after"
    before = "before"


class Reaction(Struct, frozen=True, gc=False):
    """How many put this emoji on a message, and whether I did."""

    emoji: str
    count: int
    mine: bool


class Item(Struct, frozen=True, gc=False):
    """One entry as it reads now. A deleted message stays as a tombstone: `deleted_seq`, and an empty body.

    `poll`: where a message that is one stands. `preview`: what the page behind its link says.
    `replies`: how many messages reply to this one, 100 for that many or more; `last_reply` is the newest one's seq.
    """

    seq: int
    msg_no: int
    kind: EntryKind
    author: PersonId
    subject: PersonId | None
    client_id: str
    at_ms: int
    body: Body
    edited_seq: int | None
    deleted_seq: int | None
    reactions: list[Reaction]
    poll: Standing | None = None
    preview: LinkPreview | None = None
    replies: int = 0
    last_reply: int | None = None


class HistoryPage(Struct, frozen=True, gc=False):
    """Items in order of seq, as of `head`. `more`: there are seqs beyond this page, the way it went.

    `media`: how the attachments of its messages are drawn.
    """

    room: RoomId
    from_seq: int
    to_seq: int
    head: int
    msg_no: int
    more: bool
    entries: list[Item]
    media: list[MediaInfo] = []


class Changes(Struct, frozen=True, gc=False):
    """How messages read now that were changed in `from_seq`..`to_seq`; go on after `to_seq` while `more`."""

    room: RoomId
    from_seq: int
    to_seq: int
    head: int
    more: bool
    entries: list[Item]


class Window(NamedTuple):
    """The seqs a query looked at, both ends included, and what the reader is to the room."""

    kind: RoomKind
    relation: Relation
    head: int
    msg_no: int
    low: int
    high: int


class HistoryStore(Protocol):
    """Where the log is read from, cut to the reader's spans and blocks. `None`: no such room for them."""

    async def page(
        self, room: RoomId, reader: PersonId, way: Way, seq: int, limit: int
    ) -> tuple[Window, list[Item]] | None:
        """Up to `limit` unfolded entries nearest to `seq`, in order of seq, from one window.

        The window begins at the reader's next visible seq and is at most WINDOW_SEQS wide.
        """
        ...

    async def changed(
        self, room: RoomId, reader: PersonId, after: int
    ) -> tuple[Window, list[Item]] | None:
        """The messages at or before `after` that entries of the window after it are about."""
        ...


class Numbered(Protocol):
    """Whatever stands at a seq."""

    @property
    def seq(self) -> int: ...


def covered(
    way: Way, seq: int, window: Window, items: Sequence[Numbered], limit: int
) -> tuple[int, int, bool]:
    """from_seq, to_seq and `more` of a page that asked for `limit` items on this side of `seq`."""
    if way is Way.after:
        to_seq = items[-1].seq if len(items) == limit else max(window.high, min(seq, window.head))
        return min(seq, window.head) + 1, to_seq, to_seq < window.head
    from_seq = items[0].seq if len(items) == limit else max(window.low, 1)
    return from_seq, min(seq - 1, window.head), from_seq > 1


def page_of(
    room: RoomId, way: Way, seq: int, limit: int, window: Window, items: list[Item]
) -> HistoryPage:
    """The page that a store found. Raises `Refused`: `not_found`."""
    may_see(window.kind, window.relation)
    from_seq, to_seq, more = covered(way, seq, window, items, limit)
    return HistoryPage(room, from_seq, to_seq, window.head, window.msg_no, more, items)


class History:
    """Reads the log for somebody."""

    def __init__(self, store: HistoryStore) -> None:
        self._store = store

    async def page(
        self, room: RoomId, reader: PersonId, way: Way, seq: int, limit: int
    ) -> HistoryPage:
        """A page of at most `limit` entries on one side of `seq`. Raises `Refused`: `not_found`."""
        found = await self._store.page(room, reader, way, seq, limit)
        if found is None:
            raise not_found()
        window, items = found
        return page_of(room, way, seq, limit, window, items)

    async def changes(self, room: RoomId, reader: PersonId, after: int) -> Changes:
        """What became of messages at or before `after` since then. Raises `Refused`: `not_found`."""
        found = await self._store.changed(room, reader, after)
        if found is None:
            raise not_found()
        window, items = found
        may_see(window.kind, window.relation)
        to_seq = max(window.high, min(after, window.head))
        return Changes(
            room, min(after, window.head) + 1, to_seq, window.head, to_seq < window.head, items
        )
