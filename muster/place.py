"""Place: where somebody is with regard to one event, judged from evidence, one piece at a time.

    unknown -> near -> pending_in -> inside -> pending_out -> left

Rule 1: whatever moves somebody from one phase to another is in this file. Each piece of evidence is a vote (inside,
outside, neither); what most of the last few say begins something pending, and only what stays so for the dwell becomes
an edge. So one wrong fix, however sure of itself, neither makes an edge nor takes one away.

Owns the shapes of evidence, and the rules. Pure: the clock is passed in. Must never remember a position: of
where somebody was, a state keeps what the rules need and no more.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from math import isfinite
from typing import Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from muster.attendance import Confidence, Source
from muster.ground import Ground
from muster.ids import RoomId
from muster.terms import Terms
from muster.whereabouts import NOWHERE, Phase, State, Vote, decimetres, pack, unpack

__all__ = [
    "NOWHERE",
    "Claim",
    "Crossing",
    "Evidence",
    "Fix",
    "Judgement",
    "Phase",
    "Reason",
    "State",
    "Terms",
    "Turn",
    "judge",
    "judge_all",
    "on_time",
    "pack",
    "unpack",
]


class Fix(Struct, frozen=True, gc=False):
    """What a phone says of where it is. `accuracy_m`: radius within which it is with 68 %; `at_ms` by its own clock,
    corrected by the server time it was told. `mock`: the system says that an app made it up."""

    lat: float
    lon: float
    accuracy_m: float
    at_ms: int
    speed_mps: float | None = None
    mock: bool = False


class Crossing(Struct, frozen=True, gc=False):
    """A phone's own region monitoring says that it crossed the fence of `room`: evidence of low confidence."""

    room: RoomId
    is_enter: bool
    at_ms: int


class Claim(Struct, frozen=True, gc=False):
    """Somebody says that a person came or went: themselves by hand, a QR code, a host."""

    is_enter: bool
    at_ms: int
    source: Source


Evidence = Fix | Crossing | Claim


class Reason(StrEnum):
    """Why a piece of evidence counts for nothing."""

    malformed = "malformed"
    future = "future"
    ancient = "ancient"
    out_of_order = "out_of_order"
    mocked = "mocked"
    inaccurate = "inaccurate"
    jump = "jump"
    too_fast = "too_fast"
    closed = "closed"


class Turn(NamedTuple):
    """An edge that a judgement brings: somebody came, or went, at that time by the evidence."""

    is_enter: bool
    at_ms: int
    source: Source
    confidence: Confidence


class Judgement(NamedTuple):
    """`state` is the very same object if nothing changed. `reason`: the evidence counted for nothing. `due_ms`: when
    `on_time` is to be called if nothing else comes; None: never."""

    state: State
    turns: tuple[Turn, ...] = ()
    reason: Reason | None = None
    due_ms: int | None = None


_SLACK_M: Final = 30.0
"""What two fixes may differ by whatever accuracy they claim: phones are surer of themselves than they may be."""

_STRIDE_MPS: Final = 10.0
"""How much faster than a phone says somebody may have moved between two fixes."""


def judge(state: State, evidence: Evidence, ground: Ground, terms: Terms, now_ms: int) -> Judgement:
    """What one piece of evidence changes. A rejected one leaves the state as it was, and says why."""
    reason = _fault(evidence, ground, terms, now_ms)
    if reason is not None:
        return Judgement(state, (), reason, due_ms(state, ground, terms))
    held = state if state.fence_version == ground.fence_version else _anew(state, ground, now_ms)
    if isinstance(evidence, Claim):
        turns = _moved(state, ground, now_ms)
        held, turn = _claimed(held, evidence, ground)
        return _judged(held, (*turns, *turn), ground, terms)
    vote = _vote(evidence, ground, terms)
    reason = _misfit(held.votes, vote, evidence, terms)
    if reason is not None:
        return Judgement(state, (), reason, due_ms(state, ground, terms))
    turns = _moved(state, ground, now_ms)
    held, passed = _elapse(held, ground, terms, vote.at_ms - 1)
    held, turn = _counted(_with(held, vote, terms), vote, ground, terms)
    return _judged(held, (*turns, *passed, *turn), ground, terms)


def judge_all(
    state: State, batch: Iterable[Evidence], ground: Ground, terms: Terms, now_ms: int
) -> tuple[Judgement, list[Reason | None]]:
    """A batch, by time, one by one: what came of it all, and what of each piece in the order given."""
    pieces = list(batch)
    reasons: list[Reason | None] = [None] * len(pieces)
    turns: list[Turn] = []
    for index in sorted(range(len(pieces)), key=lambda index: pieces[index].at_ms):
        judged = judge(state, pieces[index], ground, terms, now_ms)
        state = judged.state
        turns += judged.turns
        reasons[index] = judged.reason
    return Judgement(state, tuple(turns), None, due_ms(state, ground, terms)), reasons


def on_time(state: State, ground: Ground, terms: Terms, now_ms: int) -> Judgement:
    """What time alone has changed: a dwell is over, somebody fell silent, the event is over, its fence has moved."""
    if state.fence_version != ground.fence_version:
        if state is NOWHERE:
            return Judgement(state)
        return _judged(_anew(state, ground, now_ms), _moved(state, ground, now_ms), ground, terms)
    held, turns = _elapse(state, ground, terms, now_ms)
    return _judged(held, turns, ground, terms)


def due_ms(state: State, ground: Ground, terms: Terms) -> int | None:
    """When time alone would change something."""
    if state.fence_version != ground.fence_version:
        return 0 if state.is_inside else None
    phase = state.phase
    if phase is Phase.pending_in:
        return _over_ms(state, ground, terms) if state.votes[-1].says < 0 else None
    if not state.is_inside:
        return None
    due = ground.until_ms
    if not state.is_vouched:
        due = min(due, state.inside_ms + terms.silence_ms)
    if phase is Phase.pending_out and state.votes[-1].says > 0:
        due = min(due, _over_ms(state, ground, terms))
    return due


def _judged(state: State, turns: tuple[Turn, ...], ground: Ground, terms: Terms) -> Judgement:
    return Judgement(state, turns, None, due_ms(state, ground, terms))


def _fault(evidence: Evidence, ground: Ground, terms: Terms, now_ms: int) -> Reason | None:
    """What is wrong with it whatever is known of the person."""
    at_ms = evidence.at_ms
    if at_ms > now_ms + terms.future_ms:
        return Reason.future
    if at_ms < now_ms - terms.ancient_ms:
        return Reason.ancient
    if now_ms >= ground.until_ms or not ground.from_ms <= at_ms < ground.until_ms:
        return Reason.closed
    if isinstance(evidence, Fix):
        return _fault_of_fix(evidence, terms)
    if isinstance(evidence, Crossing) and evidence.room != ground.room:
        return Reason.malformed
    return None


def _fault_of_fix(fix: Fix, terms: Terms) -> Reason | None:
    accuracy_m, speed_mps = fix.accuracy_m, fix.speed_mps
    # Comparisons with NaN are false.
    if not (-90.0 <= fix.lat <= 90.0 and -180.0 <= fix.lon <= 180.0 and accuracy_m >= 0.0):
        return Reason.malformed
    if fix.mock:
        return Reason.mocked
    if speed_mps is not None:
        if not isfinite(speed_mps):
            return Reason.malformed
        if speed_mps > terms.speed_most_mps:
            return Reason.too_fast
    return Reason.inaccurate if accuracy_m > terms.accuracy_m else None


def _vote(evidence: Fix | Crossing, ground: Ground, terms: Terms) -> Vote:
    if isinstance(evidence, Crossing):
        return Vote(evidence.at_ms, -1 if evidence.is_enter else 1, 0, 0, True)
    fence = ground.fence
    away_m = fence.distance_m(evidence.lat, evidence.lon)
    margin_m = max(terms.exit_share * fence.size_m, terms.exit_least_m)
    says = -1 if away_m <= 0.0 else 1 if away_m > margin_m else 0
    return Vote(evidence.at_ms, says, decimetres(away_m), int(evidence.accuracy_m))


def _misfit(
    votes: tuple[Vote, ...], vote: Vote, evidence: Fix | Crossing, terms: Terms
) -> Reason | None:
    """What is wrong with it after what came before: late, or further away than anybody gets in that time.

    It need fit only one of the last few: one wrong fix that was believed does not lock out the right ones.
    """
    if not votes:
        return None
    if vote.at_ms <= votes[-1].at_ms:
        return Reason.out_of_order
    if vote.by_region:
        return None
    most_mps = terms.speed_most_mps
    stride_mps = most_mps
    if isinstance(evidence, Fix) and evidence.speed_mps is not None and evidence.speed_mps >= 0:
        stride_mps = min(most_mps, 2 * evidence.speed_mps + _STRIDE_MPS)
    reason = None
    for before in reversed(votes):
        if before.by_region:
            continue
        moved_m = abs(vote.away_dm - before.away_dm) / 10
        moved_m -= _SLACK_M + vote.accuracy_m + before.accuracy_m
        seconds = (vote.at_ms - before.at_ms) / 1000
        if moved_m <= stride_mps * seconds:
            return None
        reason = Reason.jump if moved_m <= most_mps * seconds else Reason.too_fast
    return reason


def _with(state: State, vote: Vote, terms: Terms) -> State:
    """One vote more; those that are too old or too many fall away."""
    oldest = vote.at_ms - terms.silence_ms
    votes = (*state.votes, vote)[-terms.fixes_looked_at :]
    while votes[0].at_ms < oldest:
        votes = votes[1:]
    return replace(state, votes=votes)


def _counted(
    state: State, vote: Vote, ground: Ground, terms: Terms
) -> tuple[State, tuple[Turn, ...]]:
    """What the votes say now."""
    if state.is_inside:
        return _going(state, vote, ground, terms)
    return _coming(state, vote, ground, terms)


def _coming(
    state: State, vote: Vote, ground: Ground, terms: Terms
) -> tuple[State, tuple[Turn, ...]]:
    if state.is_dismissed and _majority(state, 1, terms) is not None:
        state = replace(state, is_dismissed=False)
    since = None if state.is_dismissed else _majority(state, -1, terms)
    if since is None:
        phase = Phase.left if state.turn_ms else Phase.near
        return replace(state, phase=phase, since_ms=0, seen=0), ()
    state = _pending(state, Phase.pending_in, -1, since, vote)
    if vote.says < 0 and vote.at_ms - state.since_ms >= _dwell_ms(ground, terms):
        return _entered(state, terms)
    return state, ()


def _going(
    state: State, vote: Vote, ground: Ground, terms: Terms
) -> tuple[State, tuple[Turn, ...]]:
    if vote.says <= 0:
        state = replace(state, inside_ms=vote.at_ms)
    since = _majority(state, 1, terms)
    if since is None:
        return replace(state, phase=Phase.inside, since_ms=0, seen=0), ()
    state = _pending(state, Phase.pending_out, 1, since, vote)
    if vote.says > 0 and vote.at_ms - state.since_ms >= _dwell_ms(ground, terms):
        return _left(state, state.since_ms, Source.gps, _sureness(state, terms))
    return state, ()


def _pending(state: State, phase: Phase, side: int, since_ms: int, vote: Vote) -> State:
    """Begun, or going on."""
    if state.phase is phase:
        return replace(state, seen=min(255, state.seen + (vote.says == side)))
    seen = sum(one.says == side and not one.by_region for one in state.votes)
    return replace(state, phase=phase, since_ms=since_ms, seen=seen)


def _majority(state: State, side: int, terms: Terms) -> int | None:
    """Since when enough of the last votes say so, one of them at least by a fix; None: not enough do."""
    since = None
    count = 0
    is_fixed = False
    for vote in state.votes:
        if vote.says == side:
            count += 1
            is_fixed = is_fixed or not vote.by_region
            if since is None:
                since = vote.at_ms
    return since if count >= terms.fixes_needed and is_fixed else None


def _elapse(
    state: State, ground: Ground, terms: Terms, now_ms: int
) -> tuple[State, tuple[Turn, ...]]:
    """Everything that fell due until now, in its order."""
    turns: tuple[Turn, ...] = ()
    due = due_ms(state, ground, terms)
    while due is not None and due <= now_ms:
        if state.phase is Phase.pending_in:
            state, turn = _entered(state, terms)
        elif due == ground.until_ms:
            state, turn = _left(state, due, Source.closing, Confidence.medium)
        elif not state.is_vouched and due == state.inside_ms + terms.silence_ms:
            state, turn = _left(state, state.inside_ms, Source.silence, Confidence.low)
        else:
            state, turn = _left(state, state.since_ms, Source.gps, Confidence.medium)
        turns += turn
        due = due_ms(state, ground, terms)
    return state, turns


def _over_ms(state: State, ground: Ground, terms: Terms) -> int:
    """When a dwell is over by the clock: not before the next fix is overdue, since it may say otherwise."""
    dwell_ms = _dwell_ms(ground, terms)
    last_ms = state.votes[-1].at_ms
    gap_ms = last_ms - state.votes[-2].at_ms if len(state.votes) > 1 else dwell_ms
    return max(state.since_ms + dwell_ms, last_ms + min(dwell_ms, 2 * gap_ms))


def _dwell_ms(ground: Ground, terms: Terms) -> int:
    return terms.dwell_ms if ground.dwell_ms is None else ground.dwell_ms


def _entered(state: State, terms: Terms) -> tuple[State, tuple[Turn, ...]]:
    at_ms = max(state.since_ms, state.turn_ms)
    by_region = state.seen < terms.fixes_needed
    source, sure = (
        (Source.region, Confidence.low) if by_region else (Source.gps, _sureness(state, terms))
    )
    inside_ms = max(vote.at_ms for vote in state.votes if vote.says < 0)
    held = replace(
        state, phase=Phase.inside, since_ms=0, seen=0, turn_ms=at_ms, inside_ms=inside_ms
    )
    return held, (Turn(True, at_ms, source, sure),)


def _left(
    state: State, at_ms: int, source: Source, confidence: Confidence
) -> tuple[State, tuple[Turn, ...]]:
    at_ms = max(at_ms, state.turn_ms)
    held = replace(state, phase=Phase.left, since_ms=0, seen=0, turn_ms=at_ms, is_vouched=False)
    return held, (Turn(False, at_ms, source, confidence),)


def _sureness(state: State, terms: Terms) -> Confidence:
    """High: as many fixes as are looked at said so."""
    return Confidence.high if state.seen >= terms.fixes_looked_at else Confidence.medium


def _claimed(state: State, claim: Claim, ground: Ground) -> tuple[State, tuple[Turn, ...]]:
    at_ms = max(claim.at_ms, state.turn_ms)
    turn = Turn(claim.is_enter, at_ms, claim.source, Confidence.high)
    is_edge = state.is_inside is not claim.is_enter
    held = State(
        fence_version=ground.fence_version,
        phase=Phase.inside if claim.is_enter else Phase.left,
        inside_ms=max(state.inside_ms, at_ms) if claim.is_enter else state.inside_ms,
        turn_ms=at_ms if is_edge else state.turn_ms,
        is_vouched=claim.is_enter,
        is_dismissed=not claim.is_enter,
    )
    return held, (turn,) if is_edge else ()


def _anew(state: State, ground: Ground, now_ms: int) -> State:
    """Under another fence nothing counts, but that somebody went by hand, and that edges follow each other."""
    turn_ms = max(now_ms, state.turn_ms) if state.is_inside else state.turn_ms
    return State(
        fence_version=ground.fence_version,
        phase=Phase.left if turn_ms else Phase.unknown,
        turn_ms=turn_ms,
        is_dismissed=state.is_dismissed,
    )


def _moved(state: State, ground: Ground, now_ms: int) -> tuple[Turn, ...]:
    """The end of a visit under an older fence."""
    if state.fence_version == ground.fence_version or not state.is_inside:
        return ()
    return (Turn(False, max(now_ms, state.turn_ms), Source.moved, Confidence.medium),)
