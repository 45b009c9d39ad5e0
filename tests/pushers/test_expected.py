"""What is decided agrees with a plain computation of the rules, over histories nobody thought of."""

from __future__ import annotations

from uuid import UUID

from hypothesis import event, given, note, settings
from hypothesis import strategies as st

from tests.pushers.expected import away, due, unlawful
from tests.pushers.history import History, Said, Sat, Span
from tests.pushers.phrases import BROWSER, PHONE, TABLET
from tests.pushers.play import Player

_TICK_MS = 500
_TICKS = 240
_MANY = 1_000

_times = st.integers(0, _TICKS).map(lambda tick: tick * _TICK_MS)
_spans = st.tuples(_times, _times).map(lambda pair: Span(min(pair), max(pair) + _TICK_MS))


@st.composite
def _said(draw: st.DrawFn) -> tuple[Said, ...]:
    """Often in bursts: most gaps are short."""
    said = []
    at_ms = draw(_times)
    for seq in range(1, draw(st.integers(1, 14)) + 1):
        gone = draw(st.one_of(st.none(), st.none(), st.integers(0, 80)))
        gone_ms = None if gone is None else at_ms + gone * _TICK_MS
        said.append(Said(seq, at_ms, draw(st.integers(0, 3)) == 0, gone_ms))
        at_ms += draw(st.sampled_from((0, 1, 1, 2, 3, 5, 20, 70))) * _TICK_MS
    return tuple(said)


@st.composite
def _sat(draw: st.DrawFn) -> Sat:
    """A browser's socket dies too, but it is the roll's to notice."""
    device = draw(st.sampled_from((PHONE, TABLET, BROWSER)))
    start, end = draw(_spans)
    attention = draw(st.sampled_from(("active", "active", "idle", "background")))
    dead = draw(st.booleans())
    return Sat(device, start, end, attention, draw(st.booleans()), dead)


@st.composite
def _histories(draw: st.DrawFn, *, present: bool = True) -> History:
    said = draw(_said())
    reads = st.tuples(_times, st.integers(0, len(said)))
    phones = draw(st.sampled_from(((PHONE,), (PHONE, TABLET)))) if present else (PHONE,)
    return History(
        room_kind=draw(st.sampled_from(("direct", "group", "group", "public", "event"))),
        level=draw(st.sampled_from((None, None, "all", "all", "mentions", "none"))),
        said=said,
        reads=tuple(draw(st.lists(reads, max_size=3))),
        mutes=tuple(draw(st.lists(_spans, max_size=1))),
        quiet=draw(st.sampled_from(((0, 0), (0, 0), (0, 1), (1, 2), (2, 1)))),
        urgent_through=draw(st.booleans()),
        sat=tuple(draw(st.lists(_sat(), max_size=6))) if present else (),
        phones=phones,
        shows_local=frozenset(draw(st.sets(st.sampled_from(phones)))) if present else frozenset(),
    )


@settings(max_examples=600)
@given(_histories())
def test_every_ring_is_right_at_its_time_and_none_that_must_come_is_missing(
    history: History,
) -> None:
    """Over messages, mentions, deletions, reading, mutes, quiet hours, and devices that come, go and die unnoticed."""
    note(str(history))
    rung = Player(history, few=_MANY).play()
    note(str(rung))
    for index, one in enumerate(rung):
        assert unlawful(history, one, rung[:index]) == [], one
    for must in due(history):
        assert any(
            one.device == must.device and one.seq >= must.seq and one.at_ms <= must.by_ms
            for one in rung
        ), must
    event(f"rings {min(len(rung), 4)}")
    event(f"must ring {min(len(due(history)), 4)}")


@settings(max_examples=300)
@given(_histories(present=False), st.integers(1, 20))
def test_who_is_away_has_exactly_the_rings_of_the_rules(history: History, few: int) -> None:
    """To the millisecond, with how many messages each says, however few are read at once."""
    rung = [(one.at_ms, one.seq, one.amount) for one in Player(history, few).play()]
    expected = away(history)
    assert [(at, amount) for at, _, amount in rung] == [(at, amount) for at, _, amount in expected]
    if few >= len(history.said):
        assert rung == expected


@settings(max_examples=200)
@given(_histories(), st.integers(1, 3))
def test_reading_only_the_newest_few_loses_nobody(history: History, few: int) -> None:
    """What must ring still rings; acks and delays are then measured by less."""
    if history.room_kind not in ("direct", "group") or history.level == "mentions":
        return
    rung = Player(history, few).play()
    heard: dict[UUID, int] = {}
    for one in rung:
        assert one.seq > heard.get(one.device, 0)
        heard[one.device] = one.seq
    for must in due(history):
        assert heard.get(must.device, 0) >= must.seq
