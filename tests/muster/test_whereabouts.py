"""Whereabouts: the bytes that one release writes and the next one reads."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from muster.whereabouts import (
    NOWHERE,
    STEPS_MOST,
    VOTES_MOST,
    Phase,
    State,
    Sure,
    Vote,
    is_stale,
    pack,
    unpack,
)

TIMES = st.integers(0, 2**53)
VOTES = st.builds(
    Vote,
    at_ms=TIMES,
    says=st.sampled_from([-1, 0, 1]),
    away=st.integers(-STEPS_MOST, STEPS_MOST),
    accuracy_m=st.integers(0, 65_535),
    is_blind=st.booleans(),
    sure=st.sampled_from(Sure),
)
STATES = st.builds(
    State,
    fence_version=st.integers(0, 2**32 - 1),
    phase=st.sampled_from(Phase),
    since_ms=TIMES,
    inside_ms=TIMES,
    turn_ms=TIMES,
    seen=st.integers(0, 255),
    is_vouched=st.booleans(),
    is_dismissed=st.booleans(),
    votes=st.lists(VOTES, max_size=VOTES_MOST).map(tuple),
)


@given(STATES)
def test_what_is_packed_is_unpacked(state: State) -> None:
    """All of it, in less than 100 bytes."""
    packed = pack(state)
    assert len(packed) < 100
    assert unpack(packed) == state


@given(st.binary(max_size=120) | STATES.map(pack).map(lambda packed: packed[:-1]))
def test_what_cannot_be_read_is_as_if_nothing_were_known(broken: bytes) -> None:
    """Cut off, of another layout, or anything: no error."""
    state = unpack(broken)
    assert state == NOWHERE or pack(state) == broken


@given(STATES, st.integers(6, 255))
def test_a_phase_of_tomorrow_is_not_guessed_at_either(state: State, phase: int) -> None:
    """The byte after it."""
    packed = pack(state)
    assert unpack(packed[:1] + bytes([phase]) + packed[2:]) is NOWHERE


@given(STATES, st.integers(0, 255).filter(lambda version: version != 2))
def test_another_layout_is_not_guessed_at(state: State, version: int) -> None:
    """A byte says which it is."""
    assert unpack(bytes([version]) + pack(state)[1:]) is NOWHERE


def test_the_layout_stays_what_it_is() -> None:
    """States of the last release are in Redis while this one starts."""
    vote = Vote(1_700_000_000_000, -1, -2, 8, sure=Sure.surely)
    state = State(3, Phase.inside, 1, 2, 3, 4, True, False, (vote, replace(vote, is_blind=True)))
    assert pack(state).hex() == (
        "02030104020300000001000000000000000200000000000000030000000000000000"
        "68e5cf8b010000feff0800100068e5cf8b010000feff080014"
    )


@dataclass
class Kept:
    """A state, and what it has become."""

    state: State
    vote: Vote

    def later(self, by_ms: int, says: int = -1) -> State:
        """The same with the last vote so much later."""
        last = replace(self.vote, at_ms=self.vote.at_ms + by_ms, says=says)
        votes = (*self.state.votes[1:], last)
        return replace(self.state, inside_ms=last.at_ms, votes=votes)


@pytest.fixture
def kept() -> Kept:
    """Somebody inside, three votes deep."""
    vote = Vote(1_700_000_000_000, -1, -2, 8, sure=Sure.surely)
    return Kept(State(1, Phase.inside, inside_ms=vote.at_ms, votes=(vote, vote, vote)), vote)


def test_what_says_the_same_is_not_written_again_at_once(kept: Kept) -> None:
    """Only after the rest, or when anything else changed."""
    assert not is_stale(kept.state, kept.state, 15_000)
    assert not is_stale(kept.state, kept.later(14_999), 15_000)
    assert is_stale(kept.state, kept.later(15_000), 15_000)
    assert is_stale(kept.state, kept.later(1, says=1), 15_000)
    assert is_stale(kept.state, replace(kept.later(1), phase=Phase.pending_out), 15_000)
    assert is_stale(kept.state, replace(kept.later(1), turn_ms=5), 15_000)
    assert is_stale(NOWHERE, kept.state, 15_000)
