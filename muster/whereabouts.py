"""Whereabouts: what is kept of somebody with regard to one event, as one small versioned value.

    byte 0: version of this layout | phase, marks, counts | times | the last few votes, newest last

Kept by one release and read by the next, so the layout is fixed; what cannot be read is as if nothing were known. Owns
the layout. Must never hold a position: a vote is a time and in which ring around the border it was, STEP_M wide. What
finer distances are needed for is decided when the vote is made, and kept as an answer (`Sure`).
"""

from __future__ import annotations

from enum import IntEnum
from struct import Struct as Layout
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

VOTES_MOST: Final = 4
"""Votes a state has room for: it stays below 100 bytes."""

STEP_M: Final = 25
"""How wide the rings are: about what phones are wrong by between houses."""

STEPS_MOST: Final = 32_767
"""800 km: no ring is farther."""

_VERSION: Final = 2
_HEAD: Final = Layout("<BBBBBIqqq")
_VOTE: Final = Layout("<qhHB")
_VOUCHED: Final = 1
_DISMISSED: Final = 2


class Phase(IntEnum):
    """Numbers are kept in Redis: they never change."""

    unknown = 0
    near = 1
    pending_in = 2
    inside = 3
    pending_out = 4
    left = 5


# Judging asks for them many times a fix, and an enum takes its time to find its members.
UNKNOWN: Final = Phase.unknown
NEAR: Final = Phase.near
PENDING_IN: Final = Phase.pending_in
INSIDE: Final = Phase.inside
PENDING_OUT: Final = Phase.pending_out
LEFT: Final = Phase.left


class Sure(IntEnum):
    """How far a vote for inside is so although the fix may be off: not at all, by half of that, by all of it."""

    no = 0
    likely = 1
    surely = 2


class Vote(Struct, frozen=True, gc=False):
    """What one piece of evidence says: -1 inside, 1 outside, 0 neither. `away`: distance to the border in steps of
    STEP_M, negative inside. `is_blind`: without a distance: said by the phone's region monitoring, or by somebody."""

    at_ms: int
    says: int
    away: int
    accuracy_m: int
    is_blind: bool = False
    sure: int = Sure.no


class State(Struct, frozen=True, gc=False):
    """`since_ms`: the dwell of what is pending counts from here, maybe ahead. `inside_ms`: last evidence of being
    inside; while coming in is pending, the first. `turn_ms`: the last edge, 0: none. `seen`: fixes for what is pending.
    `is_vouched`: somebody said so, and silence does not end the visit. `is_dismissed`: went by hand, and must be seen
    outside before they can come by themselves again."""

    fence_version: int = 0
    phase: Phase = Phase.unknown
    since_ms: int = 0
    inside_ms: int = 0
    turn_ms: int = 0
    seen: int = 0
    is_vouched: bool = False
    is_dismissed: bool = False
    votes: tuple[Vote, ...] = ()

    @property
    def is_inside(self) -> bool:
        """Whether a visit lasts."""
        return self.phase is INSIDE or self.phase is PENDING_OUT


NOWHERE: Final = State()
"""Nothing is known."""


def pack(state: State) -> bytes:
    """At most 99 bytes."""
    marks = _VOUCHED * state.is_vouched | _DISMISSED * state.is_dismissed
    head = _HEAD.pack(
        _VERSION,
        state.phase,
        marks,
        state.seen,
        len(state.votes),
        state.fence_version,
        state.since_ms,
        state.inside_ms,
        state.turn_ms,
    )
    return head + b"".join(
        _VOTE.pack(
            vote.at_ms,
            vote.away,
            vote.accuracy_m,
            (vote.says + 1) | vote.is_blind << 2 | vote.sure << 3,
        )
        for vote in state.votes
    )


def unpack(packed: bytes) -> State:
    """What `pack` wrote; NOWHERE for what cannot be read, be it newer or broken."""
    if len(packed) < _HEAD.size or packed[0] != _VERSION:
        return NOWHERE
    _, phase, marks, seen, count, version, since, inside, turn = _HEAD.unpack_from(packed)
    if len(packed) != _HEAD.size + count * _VOTE.size or phase > Phase.left:
        return NOWHERE
    return State(
        fence_version=version,
        phase=Phase(phase),
        since_ms=since,
        inside_ms=inside,
        turn_ms=turn,
        seen=seen,
        is_vouched=bool(marks & _VOUCHED),
        is_dismissed=bool(marks & _DISMISSED),
        votes=tuple(
            Vote(at, (said & 3) - 1, away, accuracy, bool(said & 4), said >> 3 & 3)
            for at, away, accuracy, said in _VOTE.iter_unpack(packed[_HEAD.size :])
        ),
    )


def is_stale(kept: State, state: State, rest_ms: int) -> bool:
    """Whether what is kept elsewhere must make way for `state`: more changed than that the same was said again,
    or that was said too long ago. So not every fix of ten thousand people costs a write."""
    if kept is state:
        return False
    one, other = kept.votes, state.votes
    if (
        not (one and other)
        or len(one) != len(other)
        or [vote.says for vote in one] != [vote.says for vote in other]
    ):
        return True
    if other[-1].at_ms - one[-1].at_ms >= rest_ms:
        return True
    same: bool = replace(kept, votes=(), inside_ms=0) == replace(state, votes=(), inside_ms=0)
    return not same
