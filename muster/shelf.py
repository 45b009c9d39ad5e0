"""History pages in memory, by room, and what the lanes have brought of these rooms since.

    put      a page and the view it was read with, of one snapshot
    take     a page for a reader whose view was just read: as of that view's head, or nothing
    heard    entries by the lanes; told: entries this process committed itself

A page is true for one head. The reader's view names the head of now, and the log is dense, so it is known whether the
entries in between are all here: if one is missing, whatever became of it, there is no answer from memory. So Redis may
lose, repeat and reorder as it likes and nobody is told anything untrue; it only saves reading pages again.

Owns which pages are held, within `most_bytes`, the longest unused going first. Must never answer for another head, era,
span or set of blocked people than the view names, and must never await.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Final, NamedTuple

from muster.clock import Clock
from muster.encoded import Encoded
from muster.fold import Ask, Change, Kept, change_of, keepable, touched_by
from muster.history import HistoryPage
from muster.ids import PersonId, RoomId
from muster.lane import LaneEntry
from muster.metrics import PageMetrics
from muster.views import Era, Span, View
from proto.codec import MSGPACK, BadFrame
from proto.frames import Entry

CHANGES_MOST: Final = 256
"""Entries of one room that wait to be folded in; a page that is further behind is read anew."""

ORIGINAL_MS: Final = 1_000
"""An entry published again, because the lease of whoever committed it ran out (2 s), is read from the log and may say
what it was edited to since. What arrives younger than this is what was committed."""

UNSURE_S: Final = 5.0
"""After the log's era changed, lanes may still bring what the era before committed and lost."""

PAGES_PER_ROOM: Final = 64
"""Each entry is held against every page of its room: one in which everybody has a page of their own costs no more."""

_CHANGE_BYTES: Final = 200


class Variant(NamedTuple):
    """For whom a page is: those who hide the same people, see the same (`spans` null: all of it), or one person."""

    hidden: frozenset[PersonId]
    spans: tuple[Span, ...] | None
    reader: PersonId | None


class Taken(NamedTuple):
    """What was read of Postgres for one reader. `people`: who put emoji on what is on the page, None for too many."""

    page: HistoryPage
    view: View
    people: Collection[PersonId] | None


class _Room:
    """What is held of one room. `reading`: pages of it that are being read just now."""

    __slots__ = ("changes", "pages", "reading")

    def __init__(self) -> None:
        self.pages: dict[Ask, dict[Variant, Kept]] = {}
        self.changes: dict[int, Change] = {}
        self.reading = 0


class Shelf:
    """The pages of one process."""

    def __init__(self, most_bytes: int, clock: Clock, metrics: PageMetrics) -> None:
        self._most = most_bytes
        self._clock = clock
        self._metrics = metrics
        self._rooms: dict[bytes, _Room] = {}
        self._sizes: OrderedDict[tuple[bytes, Ask, Variant], int] = OrderedDict()
        self._held = 0
        self._era: Era | None = None
        self._unsure_until = float("-inf")
        self._database_ahead_ms: float | None = None

    def __len__(self) -> int:
        return len(self._sizes)

    @property
    def held_bytes(self) -> int:
        """What all of it takes, about."""
        return self._held

    def has(self, room: RoomId, ask: Ask) -> bool:
        """Whether there may be an answer: worth reading a view for."""
        found = self._rooms.get(room.bytes)
        return found is not None and ask in found.pages

    def reading(self, room: RoomId) -> float:
        """A page of this room is about to be read: keep what the lanes bring from now on. What `told_time` takes."""
        found = self._rooms.get(room.bytes)
        if found is None:
            found = self._rooms[room.bytes] = _Room()
        found.reading += 1
        return self._clock.monotonic()

    def read(self, room: RoomId) -> None:
        """It was read, or was not: once for each `reading`."""
        found = self._rooms.get(room.bytes)
        if found is not None and found.reading:
            found.reading -= 1
            self._forget_if_empty(room.bytes, found)

    def put(self, taken: Taken, ask: Ask, reader: PersonId) -> Encoded:
        """Keep a page for whoever sees the same; as it is sent."""
        page, view, people = taken
        self._now_in(view.era)
        others = None if people is None else touched_by(page, people)
        theirs = others is None or reader in others
        kept = (
            Kept(page, ask, view, reader, set())
            if theirs
            else Kept(page, ask, view, None, others or set())
        )
        if keepable(page, view) and kept.certain:
            self._keep(kept)
            if theirs and others is not None:
                self._keep(Kept(page, ask, view, None, others))
        return kept.encoded()

    def take(self, room: RoomId, ask: Ask, reader: PersonId, view: View) -> Encoded | None:
        """The page as of `view`, which was read after it was asked for."""
        self._now_in(view.era)
        found = self._rooms.get(room.bytes)
        if found is None or view.since is None:
            return None
        for variant in _variants(view, reader):
            kept = found.pages.get(ask, {}).get(variant)
            if kept is None or kept.view.floor != view.floor:
                continue
            if not self._bring(room.bytes, found, kept, variant, view.head):
                continue
            if variant.spans is None and (not kept.lines or kept.from_seq < view.since):
                continue
            if reader in kept.others:
                continue
            encoded = kept.encoded()
            self._measure((room.bytes, ask, variant), kept)
            return encoded
        return None

    def told(self, batch: Sequence[LaneEntry]) -> None:
        """Entries that this process has just committed."""
        for entry in batch:
            found = self._rooms.get(entry.room)
            if found is not None:
                self._changed(found, entry, lambda _at_ms: True)

    def heard(self, batch: Sequence[LaneEntry]) -> None:
        """Entries as they came by the lanes."""
        for entry in batch:
            found = self._rooms.get(entry.room)
            if found is not None and entry.seq:
                self._changed(found, entry, self._original)

    def told_time(self, at_ms: int, before_s: float) -> None:
        """Postgres' clock, read after our monotonic clock said `before_s`."""
        self._database_ahead_ms = at_ms - before_s * 1_000

    def _original(self, at_ms: int) -> bool:
        # Our reading was the earlier one, so an entry is never taken for younger than it is.
        now_s = self._clock.monotonic()
        if self._database_ahead_ms is None or now_s < self._unsure_until:
            return False
        return self._database_ahead_ms + now_s * 1_000 - at_ms < ORIGINAL_MS

    def _changed(self, room: _Room, packed: LaneEntry, original: Callable[[int], bool]) -> None:
        if packed.seq in room.changes:
            return
        try:
            entry = MSGPACK.decode_server(packed.data)
        except BadFrame:
            entry = None
        if not isinstance(entry, Entry):
            self._drop_all(packed.room, room, "unknown")
            return
        change = change_of(entry, original=original(entry.at_ms))
        room.changes[change.seq] = change
        self._held += _weight(change)
        while len(room.changes) > CHANGES_MOST:
            self._held -= _weight(room.changes.pop(next(iter(room.changes))))
        ended = [
            (packed.room, ask, variant)
            for ask, pages in room.pages.items()
            for variant, kept in pages.items()
            if change.seq > kept.head and kept.ended_by(change)
        ]
        for place in ended:
            self._drop(place, "changed")
        self._make_space()

    def _bring(self, key: bytes, room: _Room, kept: Kept, variant: Variant, head: int) -> bool:
        """Bring a page to this head; false where it cannot be known there."""
        if kept.head > head:
            return (
                False  # of a later moment than the view: not for its reader, who may be out by then
            )
        while kept.head < head:
            change = room.changes.get(kept.head + 1)
            if change is None or not kept.advance(change):
                why = "behind" if change is None else "changed"
                self._drop((key, kept.ask, variant), why)
                return False
        return True

    def _keep(self, kept: Kept) -> None:
        since = kept.view.since
        whole = bool(kept.lines) and since is not None and since <= kept.from_seq
        variant = Variant(kept.view.hidden, None if whole else kept.view.spans, kept.reader)
        room = self._rooms.setdefault(kept.room.bytes, _Room())
        pages = room.pages.setdefault(kept.ask, {})
        there = pages.get(variant)
        if there is not None and there.head > kept.head:
            return
        pages[variant] = kept
        self._measure((kept.room.bytes, kept.ask, variant), kept)
        places = _places(room)
        if len(places) > PAGES_PER_ROOM:
            self._drop((kept.room.bytes, *places[0]), "full")
        self._make_space()

    def _measure(self, place: tuple[bytes, Ask, Variant], kept: Kept) -> None:
        size = kept.size
        self._held += size - self._sizes.get(place, 0)
        self._sizes[place] = size
        self._sizes.move_to_end(place)

    def _make_space(self) -> None:
        while self._held > self._most and self._sizes:
            self._drop(next(iter(self._sizes)), "full")
        self._metrics.held(self._held)

    def _drop(self, place: tuple[bytes, Ask, Variant], why: str) -> None:
        key, ask, variant = place
        room = self._rooms[key]
        del room.pages[ask][variant]
        if not room.pages[ask]:
            del room.pages[ask]
        self._held -= self._sizes.pop(place)
        self._metrics.dropped(why)
        self._forget_if_empty(key, room)

    def _drop_all(self, key: bytes, room: _Room, why: str) -> None:
        for place in [(key, ask, variant) for ask, variant in _places(room)]:
            self._drop(place, why)

    def _forget_if_empty(self, key: bytes, room: _Room) -> None:
        if not room.pages and not room.reading and self._rooms.get(key) is room:
            self._forget_changes(room)
            del self._rooms[key]

    def _now_in(self, era: Era) -> None:
        """Of another era's log nothing is known here."""
        if era == self._era:
            return
        if self._era is not None:
            self._unsure_until = self._clock.monotonic() + UNSURE_S
        self._era = era
        for key, room in list(self._rooms.items()):
            self._drop_all(key, room, "era")
            self._forget_changes(room)

    def _forget_changes(self, room: _Room) -> None:
        self._held -= sum(_weight(change) for change in room.changes.values())
        room.changes.clear()


def _variants(view: View, reader: PersonId) -> Iterator[Variant]:
    """What a reader may be answered with, the likeliest first."""
    yield Variant(view.hidden, None, None)
    yield Variant(view.hidden, None, reader)
    yield Variant(view.hidden, view.spans, None)
    yield Variant(view.hidden, view.spans, reader)


def _places(room: _Room) -> list[tuple[Ask, Variant]]:
    return [(ask, variant) for ask, pages in room.pages.items() for variant in pages]


def _weight(change: Change) -> int:
    return _CHANGE_BYTES + (len(change.line.raw) if change.line is not None else 0)
