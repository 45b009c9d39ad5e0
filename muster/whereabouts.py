"""Whereabouts: what is kept of somebody with regard to one event, as one small versioned value.

    byte 0: version of this layout | phase, marks, counts | times | the last few votes, newest last

Kept by one release and read by the next, so the layout is fixed; what cannot be read is as if nothing were known. Owns
the layout. Must never hold a position: a vote is a time and a distance from the border.
"""

from __future__ import annotations

from enum import IntEnum
from struct import Struct as Layout
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

VOTES_MOST: Final = 4
"""Votes a state has room for: it stays below 100 bytes."""

_VERSION: Final = 1
_HEAD: Final = Layout("<BBBBBIqqq")
_VOTE: Final = Layout("<qiHb")
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


class Vote(Struct, frozen=True, gc=False):
    """What one piece of evidence says: -1 inside, 1 outside, 0 neither. `away_dm`: decimetres to the border, negative
    inside. `is_blind`: without a distance: said by the phone's region monitoring, or by somebody."""

    at_ms: int
    says: int
    away_dm: int
    accuracy_m: int
    is_blind: bool = False


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
            vote.away_dm,
            vote.accuracy_m,
            vote.says + 4 * vote.is_blind,
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
            Vote(at, says - 4 if says > 1 else says, away, accuracy, says > 1)
            for at, away, accuracy, says in _VOTE.iter_unpack(packed[_HEAD.size :])
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
