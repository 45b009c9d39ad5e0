"""Which range a page covers: pure, and without holes whichever way."""

from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from muster import cursor
from muster.errors import Refused
from muster.history import Item, Way, Window, covered
from muster.ids import PersonId
from muster.permission import Relation, RoomKind
from proto.entry import Body, EntryKind


def _item(seq: int) -> Item:
    author = PersonId(uuid4())
    return Item(seq, seq, EntryKind.post, author, None, "", 0, Body(), None, None, [])


@given(st.data())
def test_pages_join(data: st.DataObject) -> None:
    """Following `to_seq` or `from_seq` reaches the end, each page beginning where the last ended."""
    head = data.draw(st.integers(0, 60))
    shown = sorted(data.draw(st.sets(st.integers(1, 60), max_size=30)))
    width = data.draw(st.integers(1, 20))
    limit = data.draw(st.integers(1, 6))
    way = data.draw(st.sampled_from(Way))
    at = 0 if way is Way.after else head + 1
    seen: list[int] = []
    more = True
    while more:
        low, high = (
            (at + 1, min(at + width, head)) if way is Way.after else (max(at - width, 1), at - 1)
        )
        inside = [seq for seq in shown if low <= seq <= high]
        items = [_item(seq) for seq in (inside[:limit] if way is Way.after else inside[-limit:])]
        window = Window(RoomKind.group, Relation.member, head, head, low, high)
        first, last, more = covered(way, at, window, items, limit)
        assert first == at + 1 if way is Way.after else last == at - 1
        assert not more or last >= first
        seen += [item.seq for item in items]
        at = last if way is Way.after else first
    assert sorted(seen) == [seq for seq in shown if seq <= head]


@given(st.integers(-(2**53), 2**53), st.uuids())
def test_cursors_and_back(number: int, place: object) -> None:
    """A cursor is read as it was written."""
    assert cursor.read(cursor.write(number, place)) == (number, place)  # type: ignore[arg-type]


@given(st.text(max_size=60))
def test_other_texts_are_no_cursors(text: str) -> None:
    """Nothing else than a refusal comes of them."""
    try:
        cursor.read(text)
    except Refused:
        return
    assert text.isascii()
