"""Place: what holds whatever phones say, in whatever order."""

from __future__ import annotations

from itertools import pairwise
from math import inf, nan
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from muster.attendance import Source
from muster.ground import ground_of
from muster.place import (
    NOWHERE,
    Claim,
    Crossing,
    Evidence,
    Fix,
    Turn,
    judge,
    judge_all,
    on_time,
    pack,
    unpack,
)
from tests.muster.square import ROOM, START, TERMS, Person, fix, venue

GROUND = ground_of(venue())
SECONDS = st.integers(-100, 4000)
GOOD = st.builds(
    fix,
    st.floats(-100, 400),
    SECONDS,
    st.floats(0, 150),
    speed_mps=st.none() | st.floats(-1, 60),
)
BAD = st.builds(
    Fix,
    lat=st.sampled_from([nan, inf, 91.0, 48.8566]),
    lon=st.sampled_from([nan, -inf, 400.0, 2.3522]),
    accuracy_m=st.sampled_from([nan, inf, -5.0, 1e9, 8.0]),
    at_ms=st.sampled_from([0, -(2**62), 2**62, START + 5]),
    speed_mps=st.sampled_from([None, nan, inf, -inf, 1e9]),
    mock=st.booleans(),
)
CROSSINGS = st.builds(
    Crossing, st.just(ROOM), st.booleans(), SECONDS.map(lambda second: START + second * 1000)
)
CLAIMS = st.builds(
    Claim,
    st.booleans(),
    SECONDS.map(lambda second: START + second * 1000),
    st.sampled_from([Source.hand, Source.qr, Source.host]),
)
STAYING = st.tuples(st.sampled_from([-60.0, -20.0, 10.0, 40.0, 200.0]), st.integers(2, 30))
EVIDENCE = st.one_of(GOOD, BAD, CROSSINGS, CLAIMS)
STEPS = st.lists(st.tuples(EVIDENCE | STAYING, st.integers(0, 400), st.booleans()), max_size=40)


def alternate(turns: list[Turn]) -> bool:
    """They come before they go, go before they come, and time never runs back."""
    return all(turn.is_enter is (number % 2 == 0) for number, turn in enumerate(turns)) and all(
        one.at_ms <= other.at_ms for one, other in pairwise(turns)
    )


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_edges_alternate_whatever_comes(
    steps: list[tuple[Evidence | tuple[float, int], int, bool]],
) -> None:
    """Hostile, late and repeated evidence, timers in between or not, and stays so that there are edges at all."""
    state, now_ms = NOWHERE, START
    turns: list[Turn] = []
    for step, wait, is_timed in steps:
        now_ms += wait * 1000
        if is_timed:
            judged = on_time(state, GROUND, TERMS, now_ms)
            state = judged.state
            turns += judged.turns
        pieces: list[Evidence] = []
        if isinstance(step, tuple):
            away_m, count = step
            first = (now_ms - START) / 1000
            pieces += [fix(away_m, first + 5 * number) for number in range(count)]
        else:
            pieces.append(step)
        for piece in pieces:
            now_ms = max(now_ms, piece.at_ms) if len(pieces) > 1 else now_ms
            before = pack(state)
            judged = judge(state, piece, GROUND, TERMS, now_ms)
            if judged.reason is not None:
                assert pack(judged.state) == before
                assert judged.turns == ()
            state = judged.state
            assert unpack(pack(state)) == state
            turns += judged.turns
            assert state.is_inside is bool(turns and turns[-1].is_enter)
    assert alternate(turns)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.one_of(GOOD, BAD, CROSSINGS), max_size=40))
def test_a_batch_is_judged_as_its_pieces_by_time(
    batch: list[Evidence],
) -> None:
    """In whatever order they lie in it, and each gets its own answer."""
    now_ms = START + 1_500_000
    whole, reasons = judge_all(NOWHERE, batch, GROUND, TERMS, now_ms)
    state = NOWHERE
    turns: list[Turn] = []
    for index in sorted(range(len(batch)), key=lambda index: batch[index].at_ms):
        judged = judge(state, batch[index], GROUND, TERMS, now_ms)
        state = judged.state
        turns += judged.turns
        assert reasons[index] is judged.reason
    assert (whole.state, list(whole.turns)) == (state, turns)


@settings(max_examples=60, deadline=None)
@given(
    st.booleans(),
    st.floats(-100, 600),
    st.floats(0, 5),
    st.integers(1, 38),
    st.sampled_from([1, 5, 20]),
)
def test_one_over_confident_fix_makes_no_edge(
    is_inside: bool, wild_m: float, accuracy_m: float, when: int, apart: int
) -> None:
    """Wherever it lies and whenever it comes, among fixes that are right."""
    person = Person()
    away_m = -60.0 if is_inside else 60.0
    for number in range(40):
        if number == when:
            person.is_at(wild_m, number * apart, accuracy_m=accuracy_m)
        else:
            person.is_at(away_m, number * apart)
        person.waits(number * apart)
    person.is_at(away_m, *range(40 * apart, 40 * apart + 90, apart))
    assert [turn.is_enter for turn in person.turns] == [True] * is_inside


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([1, 5, 30]), st.floats(1, 12))
def test_whoever_stands_well_inside_never_leaves(seed: int, apart: int, noise_m: float) -> None:
    """60 m from the border, with noise that drifts."""
    random = Random(seed)
    person = Person()
    drift_m = 0.0
    for number in range(400):
        drift_m = 0.9 * drift_m + 0.44 * random.gauss(0, noise_m)
        person.is_at(-60.0 + drift_m, number * apart, accuracy_m=noise_m * 1.5)
        person.waits(number * apart)
    assert [turn.is_enter for turn in person.turns] == [True]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(-100, 300), st.integers(1, 100)), max_size=30))
def test_what_is_due_is_what_time_changes(walk: list[tuple[float, int]]) -> None:
    """Before it nothing happens, at it something does."""
    person = Person()
    second = 0
    for away_m, wait in walk:
        second += wait
        judged = person.is_at(away_m, second)
        if judged.due_ms is None:
            assert on_time(person.state, GROUND, TERMS, START + 3_000_000).turns == ()
            continue
        assert on_time(person.state, GROUND, TERMS, judged.due_ms - 1).state is person.state
        assert on_time(person.state, GROUND, TERMS, judged.due_ms).turns != ()
