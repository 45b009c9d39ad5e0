"""One room as a hub holds it: where it stands, its newest entries, who of its members is here.

Owns the order of delivery: an entry is next, or old, or held until what is missing before it has come. Pure:
no I/O, no clock. Must never send: the hub does (realtime/hub.py).
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from muster.ids import PersonId, RoomId
from muster.lane import LaneEntry
from muster.membership import Membership
from muster.permission import Relation, RoomKind
from proto.entry import EntryKind
from realtime.prepared import Prepared
from realtime.socket import Socket

HELD_ENTRIES: Final = 1_000
"""More than this ahead of a hole is not held: the fill reads it anyway."""

WINDOW_ENTRIES: Final = 64
"""Newest entries kept of every room, for sockets that come back within moments."""

CHANGES_KEPT: Final = 1_000
"""Membership changes remembered per room; they matter only while a query is under way."""

REPLAY_ENTRIES: Final = 1_000
"""The longest replay, and so the longest a window grows; beyond it a device is told `gap`."""


class Kept:
    """One entry, ready to be pushed."""

    __slots__ = ("author", "erased", "kind", "prepared", "seq", "subject")

    def __init__(self, entry: LaneEntry, *, erased: bool = False) -> None:
        self.seq = entry.seq
        self.kind = entry.kind
        self.author = entry.author
        self.subject = entry.subject
        self.erased = erased
        self.prepared = Prepared(entry.data)


class Attachment:
    """One socket in one room. `position` is the last seq it has; it counts while it is catching up.

    `since`, `until`: the first and last seq it may get, once its person is out of the room.
    """

    __slots__ = ("position", "room", "since", "socket", "until")

    def __init__(self, socket: Socket, room: LocalRoom, position: int) -> None:
        self.socket = socket
        self.room = room
        self.position = position
        self.since = 1
        self.until: int | None = None


class Member(Struct, gc=False):
    """A member who is connected here. `from_seq` is the first seq they may see.

    `as_of`: the seq up to which this is known; what entries up to there say of them is old news.
    """

    relation: Relation
    from_seq: int
    as_of: int


class LocalRoom:
    """A room with at least one member connected to this hub."""

    __slots__ = (
        "catching_up",
        "changed",
        "erased_at",
        "forgotten",
        "held",
        "history",
        "id",
        "key",
        "kind",
        "last_post",
        "live",
        "members",
        "msg_no",
        "people",
        "position",
        "requested",
        "spent_until",
        "unseen",
        "waiting",
        "watching",
        "window",
    )

    def __init__(self, first: Membership) -> None:
        self.id: RoomId = first.room
        self.key = first.room.bytes
        self.kind: RoomKind = first.kind
        self.history = first.history
        self.position = first.head
        self.msg_no = first.msg_no
        self.people = first.members
        self.members: dict[PersonId, Member] = {}
        self.live: dict[Socket, Attachment] = {}
        self.catching_up: dict[Socket, Attachment] = {}
        self.watching: dict[Socket, None] = {}
        self.held: dict[int, LaneEntry] = {}
        # A list: an empty deque is 760 bytes, and most rooms are self logs in which nothing happens.
        self.window: list[Kept] = []
        self.last_post: Kept | None = None
        self.changed: dict[PersonId, int] = {}
        # Whose membership changed up to here is not known: it was before this hub's time, or jumped over.
        self.unseen = first.head
        self.erased_at = 0
        self.forgotten = False
        # In whose Requests this direct room lies: nobody is told what they read or type.
        self.requested: PersonId | None = None
        # Its rate, and what came while its window was open: realtime/batching.py.
        self.spent_until = 0.0
        self.waiting: list[LaneEntry] | None = None

    @property
    def window_from(self) -> int:
        """The first seq the window holds; what follows it up to `position` is there too."""
        return self.position - len(self.window) + 1

    def offer(self, entry: LaneEntry) -> bool:
        """Whether this entry is the next one. One from further ahead is held, an old one forgotten."""
        if entry.seq == self.position + 1:
            return True
        if entry.seq > self.position and len(self.held) < HELD_ENTRIES:
            self.held[entry.seq] = entry
        return False

    def next_held(self) -> LaneEntry | None:
        """The held entry that has become the next one."""
        return self.held.pop(self.position + 1, None) if self.held else None

    @property
    def has_hole(self) -> bool:
        """Whether something before a held entry is missing."""
        return bool(self.held)

    def advance(self, kept: Kept) -> None:
        """Take in the next entry."""
        self.position = kept.seq
        self.window.append(kept)
        if kept.kind is EntryKind.post:
            self.msg_no += 1
            self.last_post = kept
            if self.requested is not None and self.requested.bytes == kept.author:
                self.requested = None
        if len(self.window) > WINDOW_ENTRIES:
            self.trim()

    def note_change(self, person: PersonId, seq: int) -> None:
        """A membership changed at `seq`: what was read of it before that is old news."""
        self.changed.pop(person, None)
        self.changed[person] = seq
        if len(self.changed) > CHANGES_KEPT:
            del self.changed[next(iter(self.changed))]

    def changed_at(self, person: PersonId) -> int:
        """What is known of this membership as of before this seq may be old news."""
        return max(self.unseen, self.changed.get(person, 0))

    def trim(self) -> None:
        """Shorten the window to what every room keeps, or to the longest replay while somebody is behind."""
        most = REPLAY_ENTRIES if self.catching_up else WINDOW_ENTRIES
        if len(self.window) > most:
            del self.window[:-most]

    def forget_before(self, seq: int) -> None:
        """Words were erased: what the window holds from before is read again when it is needed."""
        self.erased_at = seq
        del self.window[: max(0, seq - self.window_from)]

    def forget_words(self, target: int | None) -> None:
        """The words of this message are no longer what it says: nobody is shown a preview of them."""
        if self.last_post is not None and self.last_post.seq == target:
            self.last_post = None

    def extend(self, older: list[Kept]) -> None:
        """Put entries before the window that end right before it; others are ignored."""
        fitting: list[Kept] = []
        for kept in reversed(older):
            if kept.seq == self.window_from - len(fitting) - 1:
                fitting.append(kept)
        self.window[:0] = reversed(fitting)

    def jump(self, head: int, msg_no: int) -> None:
        """Give up on a hole too long to fill: go on after `head`."""
        self.position = self.unseen = head
        self.msg_no = msg_no
        self.last_post = None
        self.window.clear()
        self.held = {seq: entry for seq, entry in self.held.items() if seq > head}

    def after(self, position: int, count: int) -> list[Kept] | None:
        """Up to `count` entries after `position`, or None where the window does not reach back so far."""
        start = position + 1 - self.window_from
        if start < 0:
            return None
        return self.window[start : start + count]

    @property
    def is_empty(self) -> bool:
        """Whether no member is connected here any more, nor owed anything."""
        return not (self.members or self.catching_up)
