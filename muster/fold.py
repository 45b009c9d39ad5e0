"""A history page that is kept, and what the next entry of its room makes of it.

    Kept      one page: its items as JSON, the head it is true for, and for which readers
    Change    what a lane brought, as far as it matters to pages
    advance   the page as it reads one entry later, or that nobody can know without asking Postgres

What is folded here is what happens all day and is certain: words, answers, emoji, and whatever is about another
page. The rest ends the page, which costs the next reader what it cost before there were kept pages.

Owns this fold, pure: it is the one in muster/stores/postgres/history.py, for those few kinds. Must never guess.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, NamedTuple
from uuid import UUID

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from muster.encoded import Encoded
from muster.history import (
    FOLDED,
    REPLIES_MOST,
    WINDOW_SEQS,
    HistoryPage,
    Item,
    Reaction,
    Way,
    Window,
    covered,
)
from muster.ids import PersonId, RoomId
from muster.media import MediaInfo
from muster.permission import Relation, RoomKind
from muster.views import View
from proto.entry import Body, EntryKind
from proto.frames import Entry

_encode: Final = msgspec.json.Encoder().encode
_ITEM: Final = msgspec.json.Decoder(Item)
_ABOUT: Final = frozenset(FOLDED)
_EMOJI: Final = (EntryKind.react, EntryKind.unreact)
_PLAIN: Final = Body()


class Ask(NamedTuple):
    """Which page was asked for."""

    way: Way
    seq: int
    limit: int


class Line(NamedTuple):
    """One item of a page, as JSON."""

    seq: int
    raw: bytes
    post: bool
    answered: bool
    hung: tuple[UUID, ...] = ()


class Change(NamedTuple):
    """One entry. `line`: how it reads as an item, where that is certain; not `clear`: nothing about it is."""

    seq: int
    msg_no: int
    kind: EntryKind
    author: PersonId
    target: int | None
    emoji: str
    line: Line | None
    clear: bool


class _Page(Struct, frozen=True):
    """HistoryPage with items that are JSON already."""

    room: RoomId
    from_seq: int
    to_seq: int
    head: int
    msg_no: int
    more: bool
    entries: list[Raw]
    media: list[MediaInfo]


class Kept:
    """One page in memory. `reader`: whose alone it is, because it says what they did; `others`: for whom it is not."""

    __slots__ = (
        "_encoded", "ask", "from_seq", "head", "lines", "media", "more", "msg_no", "others", "reader", "room", "to_seq",
        "view",
    )  # fmt: skip

    def __init__(
        self,
        page: HistoryPage,
        ask: Ask,
        view: View,
        reader: PersonId | None,
        others: set[PersonId],
    ) -> None:
        self.room = page.room
        self.ask = ask
        self.view = view
        self.reader = reader
        self.others = others
        self.head = page.head
        self.msg_no = page.msg_no
        self.from_seq, self.to_seq, self.more = page.from_seq, page.to_seq, page.more
        self.lines = [_line(item, mine=reader is not None) for item in page.entries]
        self.media = page.media
        self._encoded: Encoded | None = None

    @property
    def size(self) -> int:
        """Bytes held, about."""
        held = sum(len(line.raw) + 150 for line in self.lines) + 80 * len(self.others) + 2_000
        return held + (0 if self._encoded is None else self._encoded.size)

    @property
    def certain(self) -> bool:
        """Whether `advance` would say the same of what this page covers as Postgres did."""
        return self.ask.way is Way.after or self._range() == (self.from_seq, self.to_seq, self.more)

    def encoded(self) -> Encoded:
        """The page as it is sent."""
        if self._encoded is None:
            page = _Page(
                self.room,
                self.from_seq,
                self.to_seq,
                self.head,
                self.msg_no,
                self.more,
                [Raw(line.raw) for line in self.lines],
                self.media,
            )
            self._encoded = Encoded(_encode(page))
        return self._encoded

    def ended_by(self, change: Change) -> bool:
        """Whether nobody can know how the page reads after this."""
        if change.kind is EntryKind.delete:
            # Of an answer, its question has one less; which one it was is not known here.
            return self._shows(change.target) or any(line.answered for line in self.lines)
        if change.kind in _ABOUT and change.kind not in _EMOJI and self._shows(change.target):
            return True
        if self.ask.way is Way.after:
            return not change.clear or len(self.lines) < self.ask.limit
        grows = change.kind not in _ABOUT and change.seq < self.ask.seq
        return not change.clear or (grows and change.line is None)

    def advance(self, change: Change) -> bool:
        """Take in the entry after `head`; false: the page is over."""
        if self.ended_by(change):
            return False
        hidden = change.author in self.view.hidden
        if change.kind in _EMOJI and self._shows(change.target) and not hidden:
            if not self._touched(change):
                return False
        elif change.kind is EntryKind.post and not hidden:
            if self._shows(change.target):
                self._answered(change)
            if change.line is not None and self.ask.way is Way.before and change.seq < self.ask.seq:
                self.lines.append(change.line)
        self.head, self.msg_no = change.seq, change.msg_no
        self._settle()
        self._encoded = None
        return True

    def _shows(self, seq: int | None) -> bool:
        return seq is not None and any(line.seq == seq and line.post for line in self.lines)

    def _touched(self, change: Change) -> bool:
        place, item = self._item(change.target)
        mine = self.reader == change.author
        if self.reader is None:
            self.others.add(change.author)
        found = next((n for n, r in enumerate(item.reactions) if r.emoji == change.emoji), None)
        reactions = list(item.reactions)
        if change.kind is EntryKind.react:
            if found is None:
                reactions.append(Reaction(change.emoji, 1, mine))
            else:
                had = reactions[found]
                reactions[found] = Reaction(had.emoji, had.count + 1, had.mine or mine)
        elif found is None:
            return False
        elif reactions[found].count == 1:
            del reactions[found]
        elif len(reactions) > 1:
            # They stand in the order of who was first, and that may have been this one.
            return False
        else:
            had = reactions[found]
            reactions[found] = Reaction(had.emoji, had.count - 1, had.mine and not mine)
        self._put(place, replace(item, reactions=reactions))
        return True

    def _answered(self, change: Change) -> None:
        place, item = self._item(change.target)
        replies = min(item.replies + 1, REPLIES_MOST)
        self._put(place, replace(item, replies=replies, last_reply=change.seq))

    def _item(self, seq: int | None) -> tuple[int, Item]:
        place = next(n for n, line in enumerate(self.lines) if line.seq == seq)
        return place, _ITEM.decode(self.lines[place].raw)

    def _put(self, place: int, item: Item) -> None:
        self.lines[place] = _line(item, mine=True)

    def _settle(self) -> None:
        """What the page covers now, and that it holds no more than that."""
        if self.ask.way is Way.before:
            low = self._low()
            self.lines = [line for line in self.lines if line.seq >= low][-self.ask.limit :]
            if self.media:
                hung = {media for line in self.lines for media in line.hung}
                self.media = [info for info in self.media if info.id in hung]
        self.from_seq, self.to_seq, self.more = self._range()

    def _low(self) -> int:
        return max(min(self.head, self.ask.seq - 1) - WINDOW_SEQS + 1, 1)

    def _range(self) -> tuple[int, int, bool]:
        way, seq, limit = self.ask
        if way is Way.after:  # full, so where its window ended does not matter
            return self.from_seq, self.to_seq, self.to_seq < self.head
        high = min(self.head, seq - 1)
        window = Window(RoomKind.group, Relation.member, self.head, self.msg_no, self._low(), high)
        return covered(way, seq, window, self.lines, limit)


def change_of(entry: Entry, *, original: bool) -> Change:
    """What an entry means to pages. Not `original`: it may have been read from the log since, where words change."""
    body, kind = entry.body, entry.kind
    target, line = body.target, None
    if kind is EntryKind.post:
        target = body.reply_to
        says = replace(body, text=None, mentions=None, here=False, reply_to=None, target=None)
        if says == _PLAIN and body.text is not None:
            line = _line(_item(entry), mine=True)
    author = PersonId(entry.author)
    clear = original and kind is not EntryKind.unknown
    return Change(entry.seq, entry.msg_no, kind, author, target, body.emoji or "", line, clear)


def keepable(page: HistoryPage, view: View) -> bool:
    """Whether a page may be kept at all: what time alone changes, and one's own log, may not."""
    timed = any(item.poll is not None for item in page.entries)
    return not timed and view.kind is not RoomKind.self_ and view.since is not None


def touched_by(page: HistoryPage, people: Collection[PersonId]) -> set[PersonId]:
    """For whom this page reads differently, `people` having put emoji on what is on it."""
    return set(people) if any(item.reactions for item in page.entries) else set()


def _item(entry: Entry) -> Item:
    return Item(
        entry.seq,
        entry.msg_no,
        entry.kind,
        PersonId(entry.author),
        None if entry.subject is None else PersonId(entry.subject),
        entry.client_id,
        entry.at_ms,
        entry.body,
        None,
        None,
        [],
    )


def _line(item: Item, *, mine: bool) -> Line:
    if not mine and any(reaction.mine for reaction in item.reactions):
        neutral = [Reaction(r.emoji, r.count, mine=False) for r in item.reactions]
        item = replace(item, reactions=neutral)
    post = item.kind is EntryKind.post
    return Line(item.seq, _encode(item), post, item.replies > 0, tuple(item.body.attachments or ()))
