"""The shelf by itself: what it believes of the lanes, and how much it holds."""

from typing import Any, NamedTuple
from uuid import UUID, uuid4

from prometheus_client import CollectorRegistry

from muster.clock import SystemClock
from muster.fold import Ask
from muster.history import HistoryPage, Item, Reaction, Way
from muster.ids import PersonId, RoomId
from muster.lane import LaneEntry, of_entry
from muster.metrics import PageMetrics
from muster.permission import Relation, RoomKind
from muster.shelf import Shelf, Taken
from muster.views import Era, View
from proto.entry import Body, EntryKind
from proto.frames import Entry

NEWEST = Ask(Way.before, 2**53 - 1, 20)
ADA, BOB = PersonId(uuid4()), PersonId(uuid4())
ERA = Era(None, 1, 1)


class StoodClock(SystemClock):
    """A clock that stands."""

    def monotonic(self) -> float:
        return 100.0


class Held(NamedTuple):
    """A shelf whose Postgres said it was 1,000,000 ms."""

    shelf: Shelf
    registry: CollectorRegistry
    room: RoomId


def held(most_bytes: int = 1 << 20) -> Held:
    registry = CollectorRegistry()
    shelf = Shelf(most_bytes, StoodClock(), PageMetrics(registry))
    shelf.told_time(1_000_000, 100.0)
    return Held(shelf, registry, RoomId(uuid4()))


def view(head: int, era: Era = ERA, hidden: frozenset[PersonId] = frozenset()) -> View:
    return View(era, RoomKind.group, Relation.member, head, 0, ((1, None),), hidden)


def page(room: UUID, *seqs: int, reactions: list[Reaction] | None = None) -> HistoryPage:
    items = [
        Item(seq, seq, EntryKind.post, ADA, None, f"c{seq}", 5, Body(text="words"), None, None, reactions or [])
        for seq in seqs
    ]  # fmt: skip
    return HistoryPage(RoomId(room), 1, seqs[-1], seqs[-1], seqs[-1], False, items)


def entry(room: UUID, seq: int, at_ms: int = 1_000_000, **what: Any) -> LaneEntry:
    kind = what.pop("kind", EntryKind.post)
    author = what.pop("author", BOB)
    body = Body(**{"text": "more", **what}) if kind is EntryKind.post else Body(**what)
    return of_entry(Entry(0, room, seq, seq, kind, author, None, f"c{seq}", at_ms, body))


def kept(on: Held, *seqs: int, reactions: list[Reaction] | None = None) -> None:
    on.shelf.reading(on.room)
    on.shelf.put(
        Taken(page(on.room, *seqs, reactions=reactions), view(seqs[-1]), [ADA]), NEWEST, BOB
    )
    on.shelf.read(on.room)


def taken(on: Held, head: int, era: Era = ERA) -> bytes | None:
    found = on.shelf.take(on.room, NEWEST, BOB, view(head, era))
    return None if found is None else found.content


def test_a_page_is_brought_to_the_head_and_never_beyond() -> None:
    """By as many entries as its reader's view tells of, in whatever order and however often they came."""
    on = held()
    kept(on, 1, 2)
    on.shelf.heard([entry(on.room, 4), entry(on.room, 3), entry(on.room, 3)])
    assert (three := taken(on, 3)) is not None
    assert b'"head":3' in three
    assert (four := taken(on, 4)) is not None
    assert b'"head":4' in four
    assert taken(on, 3) is None  # of a moment that is over


def test_a_hole_is_no_answer() -> None:
    """What the lanes did not bring is read."""
    on = held()
    kept(on, 1, 2)
    on.shelf.heard([entry(on.room, 4)])
    assert taken(on, 4) is None
    assert len(on.shelf) == 0


def test_what_was_published_again_is_not_believed() -> None:
    """It was read from the log after its lease ran out, and may say what it was edited to since."""
    on = held()
    kept(on, 1, 2)
    on.shelf.heard([entry(on.room, 3, at_ms=1_000_000 - 1_500)])
    assert taken(on, 3) is None


def test_another_era_begins_empty_and_distrustful() -> None:
    """Lanes may still bring what the era before committed and lost."""
    on = held()
    kept(on, 1, 2)
    on.shelf.heard([entry(on.room, 3)])
    later = Era(uuid4(), 1, 1)
    assert taken(on, 2, later) is None
    assert on.shelf.held_bytes == 0
    on.shelf.reading(on.room)
    on.shelf.put(Taken(page(on.room, 1, 2), view(2, later), []), NEWEST, BOB)
    on.shelf.read(on.room)
    assert taken(on, 2, later) is not None
    on.shelf.heard([entry(on.room, 3)])
    assert taken(on, 3, later) is None


def test_an_emoji_that_may_have_been_the_first_ends_the_page() -> None:
    """They stand in the order in which they first came; whose was first is not known here."""
    two = [Reaction("a", 2, mine=False), Reaction("b", 1, mine=False)]
    for emoji, known in (("b", True), ("a", False)):
        on = held()
        kept(on, 1, 2, reactions=two)
        gone = entry(on.room, 3, kind=EntryKind.unreact, author=ADA, target=1, emoji=emoji)
        on.shelf.heard([gone])
        assert (taken(on, 3) is not None) is known


def test_memory_is_bounded_and_the_longest_unused_goes_first() -> None:
    """Whatever is put in and whatever the lanes bring."""
    on = held(20_000)
    rooms = [RoomId(uuid4()) for _ in range(20)]
    for room in rooms:
        kept(Held(on.shelf, on.registry, room), 1, 2, 3)
        if taken(Held(on.shelf, on.registry, rooms[0]), 3) is None:
            raise AssertionError("the one that is used stays")
        assert on.shelf.held_bytes <= 20_000
    for seq in range(4, 400):
        on.shelf.heard([entry(rooms[0], seq)])
        assert on.shelf.held_bytes <= 20_000 + 300 * 300
    assert len(on.shelf) < 10
    dropped = on.registry.get_sample_value("muster_pages_dropped_total", {"why": "full"})
    assert dropped
    assert on.registry.get_sample_value("muster_page_bytes") == on.shelf.held_bytes


def test_a_room_without_pages_holds_nothing() -> None:
    """What the lanes bring of rooms that nobody reads is not kept."""
    on = held()
    on.shelf.heard([entry(on.room, seq) for seq in range(1, 100)])
    assert on.shelf.held_bytes == 0
    kept(on, 1, 2)
    on.shelf.heard([entry(on.room, 3, kind=EntryKind.delete, target=1)])
    assert on.shelf.held_bytes == 0
