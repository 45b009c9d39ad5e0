"""The app gets every entry once and in order, and no fault of the server's is hidden from it."""

from random import Random
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from loadtest.client.positions import Arrival, Fault, Positions, Range
from proto.entry import Body, EntryKind
from proto.frames import Entry

ROOM, ADA = UUID(int=1), UUID(int=2)


def _entry(seq: int, room: UUID = ROOM) -> Entry:
    return Entry(0, room, seq, seq, EntryKind.post, ADA, None, f"c{seq}", 0, Body(text="x"))


def _seqs(arrival: Arrival) -> list[int]:
    return [entry.seq for entry in arrival.deliver]


def _at(at: int) -> Positions:
    positions = Positions()
    positions.begin(ROOM, at)
    return positions


def test_in_order_is_delivered_at_once() -> None:
    """The ordinary case: no fault, nothing to fetch."""
    positions = _at(4)
    assert positions.entry(_entry(5)) == Arrival((_entry(5),))
    assert positions.skip(ROOM, 6, 9) == Arrival()
    assert _seqs(positions.entry(_entry(10))) == [10]
    assert positions.all() == [(ROOM, 10)]
    assert not positions.faults


def test_duplicate_is_dropped_and_reported() -> None:
    """Whether below the position or held above it, a second one counts."""
    positions = _at(4)
    assert positions.entry(_entry(4)).fault is Fault.duplicate
    positions.entry(_entry(7))
    assert positions.entry(_entry(7)).fault is Fault.duplicate
    assert positions.faults[Fault.duplicate] == 2


def test_hole_is_held_fetched_and_reported() -> None:
    """Nothing overtakes a hole; the range is asked for once."""
    positions = _at(4)
    first = positions.entry(_entry(7))
    assert first == Arrival((), Range(ROOM, 5, 6), Fault.hole)
    assert positions.entry(_entry(8)) == Arrival()
    assert _seqs(positions.fetched(ROOM, 6, [_entry(5), _entry(6)])) == [5, 6, 7, 8]
    assert positions.at(ROOM) == 8


def test_hole_that_heals_by_itself_was_still_out_of_order() -> None:
    """The late entry completes the order; the fault stays counted."""
    positions = _at(4)
    positions.entry(_entry(6))
    assert _seqs(positions.entry(_entry(5))) == [5, 6]
    assert positions.faults == {Fault.hole: 1}


def test_second_hole_above_a_fetch_is_another_fault() -> None:
    """An open fetch excuses what follows it directly, not further holes."""
    positions = _at(0)
    positions.gap(ROOM, 10)
    assert positions.entry(_entry(11)).fault is None
    assert positions.entry(_entry(12)).fault is None
    assert positions.entry(_entry(14)).fault is Fault.hole


def test_announced_gap_is_no_fault() -> None:
    """The server said so: fetch, and hold what comes meanwhile."""
    positions = _at(4)
    assert positions.gap(ROOM, 100) == Arrival(fetch=Range(ROOM, 5, 100))
    assert positions.gap(ROOM, 100) == Arrival()
    assert positions.entry(_entry(101)) == Arrival()
    assert _seqs(positions.fetched(ROOM, 60, [_entry(5), _entry(60)])) == [5, 60]
    assert _seqs(positions.fetched(ROOM, 100, [_entry(61)])) == [61, 101]
    assert not positions.faults


def test_what_is_on_its_way_is_not_asked_for_again() -> None:
    """A gap told twice, the second time up to what came live meanwhile, and one that goes beyond it."""
    positions = _at(112)
    assert positions.gap(ROOM, 162) == Arrival(fetch=Range(ROOM, 113, 162))
    assert positions.entry(_entry(163)) == Arrival()
    assert positions.gap(ROOM, 163) == Arrival()
    assert positions.gap(ROOM, 170) == Arrival(fetch=Range(ROOM, 164, 170))
    assert positions.entry(_entry(172)) == Arrival((), Range(ROOM, 171, 171), Fault.hole)
    missing = [_entry(seq) for seq in range(113, 163)]
    assert _seqs(positions.fetched(ROOM, 162, missing)) == list(range(113, 164))


def test_room_nobody_spoke_of() -> None:
    """An entry of a room this device does not hold is a fault, and not delivered."""
    positions = _at(4)
    assert positions.entry(_entry(1, UUID(int=9))) == Arrival(fault=Fault.stranger)
    positions.forget(ROOM)
    assert positions.at(ROOM) is None
    assert positions.fetched(ROOM, 5, [_entry(5)]) == Arrival()


@given(st.integers(1, 30), st.integers(0, 2**32), st.floats(0, 0.5))
def test_any_order_any_repeats_reach_the_app_once_in_order(
    count: int, seed: int, repeated: float
) -> None:
    """However entries arrive, with holes filled in the order of the requests, the app sees 1, 2, 3 ... once each."""
    random = Random(seed)
    arriving = [
        *range(1, count + 1),
        *(n for n in range(1, count + 1) if random.random() < repeated),
    ]
    random.shuffle(arriving)
    positions = _at(0)
    seen: list[int] = []
    fetching: list[Range] = []
    for seq in arriving:
        arrival = positions.entry(_entry(seq))
        seen += _seqs(arrival)
        if arrival.fetch:
            fetching.append(arrival.fetch)
        while fetching and random.random() < 0.5:
            fetch = fetching.pop(0)
            missing = [_entry(n) for n in range(fetch.from_seq, fetch.to_seq + 1)]
            seen += _seqs(positions.fetched(ROOM, fetch.to_seq, missing))
    assert seen == list(range(1, count + 1))
    assert (seen == arriving) == (not positions.faults)
