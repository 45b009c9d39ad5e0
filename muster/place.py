"""Place: where somebody is with regard to one event, judged from evidence, one piece at a time.

    unknown -> near -> pending_in -> inside -> pending_out -> left

Rule 1: whatever moves somebody from one phase to another is in this file. Each piece of evidence is a vote (inside,
outside, neither); what most of the last few say begins something pending, and only what stays so for the dwell becomes
an edge. So one wrong fix, however sure of itself, neither makes an edge nor takes one away.

Owns the rules and the shape of what they bring. Pure: the clock is passed in. Must never remember a position: of where
somebody was, a state keeps what the rules need and no more.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from muster.attendance import Confidence, Source
from muster.evidence import Claim, Crossing, Evidence, Fix, Reason, fault
from muster.ground import Ground
from muster.terms import Terms
from muster.voting import agree, is_sure, joined, likely_ms, majority, misfit, stays, vote_of
from muster.whereabouts import (
    INSIDE,
    LEFT,
    NEAR,
    NOWHERE,
    PENDING_IN,
    PENDING_OUT,
    UNKNOWN,
    Phase,
    State,
    Vote,
    is_stale,
    pack,
    unpack,
)

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
    "due_ms",
    "is_stale",
    "judge",
    "judge_all",
    "on_time",
    "pack",
    "unpack",
]


class Turn(NamedTuple):
    """An edge that a judgement brings: somebody came, or went, at that time by the evidence."""

    is_enter: bool
    at_ms: int
    source: Source
    confidence: Confidence


class Judgement(Struct, frozen=True, gc=False):
    """`state` is the very same object if nothing changed. `reason`: the evidence counted for nothing. `due_ms`: when
    `on_time` is to be called if nothing else comes; None: never."""

    state: State
    turns: tuple[Turn, ...] = ()
    reason: Reason | None = None
    due_ms: int | None = None


_OUTSIDE: Final = (NEAR, LEFT, UNKNOWN)


def judge(state: State, evidence: Evidence, ground: Ground, terms: Terms, now_ms: int) -> Judgement:
    """What one piece of evidence changes. A rejected one leaves the state as it was, and says why."""
    reason = fault(evidence, ground, terms, now_ms)
    if reason is not None:
        return Judgement(state, (), reason, due_ms(state, ground, terms))
    held = state if state.fence_version == ground.fence_version else _anew(state, ground, now_ms)
    if isinstance(evidence, Claim):
        turns = _moved(state, ground, now_ms)
        held, turn = _claimed(held, evidence, ground)
        return _judged(held, turns + turn, ground, terms)
    vote = vote_of(evidence, ground, terms)
    reason = misfit(held.votes, vote, evidence, terms)
    if reason is not None:
        return Judgement(state, (), reason, due_ms(state, ground, terms))
    if held is state and _is_so_already(held, vote, terms):
        return _judged(_repeated(held, vote, terms), (), ground, terms)
    turns = () if held is state else _moved(state, ground, now_ms)
    if held.phase not in _OUTSIDE and _may_be_due(held, vote.at_ms, ground, terms):
        held, passed = _elapse(held, ground, terms, vote.at_ms - 1)
        turns += passed
    held, turn = _counted(held, vote, ground, terms)
    return _judged(held, turns + turn, ground, terms)


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
        if not state.is_inside:
            return Judgement(state)
        return _judged(_anew(state, ground, now_ms), _moved(state, ground, now_ms), ground, terms)
    held, turns = _elapse(state, ground, terms, now_ms)
    return _judged(held, turns, ground, terms)


def due_ms(state: State, ground: Ground, terms: Terms) -> int | None:
    """When time alone would change something; 0: it has already."""
    phase = state.phase
    if phase in _OUTSIDE:
        return None
    if state.fence_version != ground.fence_version:
        return 0 if state.is_inside else None
    if phase is PENDING_IN:
        over_ms = _over_ms(state, ground, terms)
        is_clear = agree(state.votes, -1) and stays(state.votes) and over_ms < ground.until_ms
        return over_ms if is_clear else None
    due = ground.until_ms
    if not state.is_vouched:
        due = min(due, state.inside_ms + terms.silence_ms)
    if phase is PENDING_OUT and agree(state.votes, 1):
        due = min(due, _over_ms(state, ground, terms))
    return due


def _judged(state: State, turns: tuple[Turn, ...], ground: Ground, terms: Terms) -> Judgement:
    return Judgement(state, turns, None, due_ms(state, ground, terms))


def _is_so_already(state: State, vote: Vote, terms: Terms) -> bool:
    """Whether a vote only says again what is so, and nothing fell due before it: it can begin and end nothing."""
    phase = state.phase
    if phase is INSIDE:
        is_silent = vote.at_ms - state.inside_ms > terms.silence_ms
        return vote.says <= 0 and (state.is_vouched or not is_silent)
    return vote.says >= 0 and not state.is_dismissed and phase in _OUTSIDE


def _repeated(state: State, vote: Vote, terms: Terms) -> State:
    """The same with one vote more: what becomes of nearly every fix."""
    phase = state.phase
    inside_ms = vote.at_ms if phase is INSIDE else state.inside_ms
    return State(
        state.fence_version, NEAR if phase is UNKNOWN else phase, 0, inside_ms, state.turn_ms, 0,
        state.is_vouched, state.is_dismissed, joined(state.votes, vote, terms),
    )  # fmt: skip


def _counted(
    state: State, vote: Vote, ground: Ground, terms: Terms
) -> tuple[State, tuple[Turn, ...]]:
    """What the votes say now."""
    votes = joined(state.votes, vote, terms)
    return (_going if state.is_inside else _coming)(state, votes, ground, terms)


def _coming(
    state: State, votes: tuple[Vote, ...], ground: Ground, terms: Terms
) -> tuple[State, tuple[Turn, ...]]:
    """Votes of somebody who is not inside."""
    is_dismissed = state.is_dismissed and majority(votes, 1, terms) is None
    came_ms = None if is_dismissed else majority(votes, -1, terms)
    if came_ms is None:
        phase = LEFT if state.turn_ms else NEAR
        return _held(state, phase, 0, state.inside_ms, 0, is_dismissed, votes), ()
    dwell_ms = _dwell_ms(ground, terms)
    if state.phase is PENDING_IN:
        came_ms, since_ms, seen, fresh = state.inside_ms, state.since_ms, state.seen, votes[-1:]
    else:
        came_ms, seen, fresh = likely_ms(votes, came_ms), 0, votes
        since_ms = came_ms + dwell_ms  # who may as well be outside must dwell twice
    for vote in fresh:
        if vote.says < 0 and vote.at_ms >= came_ms:
            seen += not vote.is_blind
            if is_sure(vote):
                since_ms = min(since_ms, vote.at_ms)
    held = _held(state, PENDING_IN, since_ms, came_ms, seen, False, votes)
    if votes[-1].says >= 0 or votes[-1].at_ms - since_ms < dwell_ms:
        return held, ()
    return _entered(held, terms)


def _going(
    state: State, votes: tuple[Vote, ...], ground: Ground, terms: Terms
) -> tuple[State, tuple[Turn, ...]]:
    """Votes of somebody who is inside."""
    vote = votes[-1]
    inside_ms = vote.at_ms if vote.says <= 0 else state.inside_ms
    since_ms = majority(votes, 1, terms)
    if since_ms is None:
        return _held(state, INSIDE, 0, inside_ms, 0, False, votes), ()
    seen, fresh = 0, votes
    if state.phase is PENDING_OUT:
        since_ms, seen, fresh = state.since_ms, state.seen, votes[-1:]
    seen += sum(vote.says > 0 and not vote.is_blind for vote in fresh)
    held = _held(state, PENDING_OUT, since_ms, inside_ms, seen, False, votes)
    if vote.says > 0 and vote.at_ms - since_ms >= _dwell_ms(ground, terms):
        return _left(held, since_ms, Source.gps, _sureness(held, terms))
    return held, ()


def _held(
    state: State,
    phase: Phase,
    since_ms: int,
    inside_ms: int,
    seen: int,
    is_dismissed: bool,
    votes: tuple[Vote, ...],
) -> State:
    """Quicker than to replace one by one."""
    return State(
        state.fence_version, phase, since_ms, inside_ms, state.turn_ms, min(255, seen),
        state.is_vouched, is_dismissed, votes,
    )  # fmt: skip


def _may_be_due(state: State, at_ms: int, ground: Ground, terms: Terms) -> bool:
    """Whether something may have fallen due before: quicker than to work out when."""
    return (
        not state.votes  # put back from an open visit: nothing is known but that they are inside
        or at_ms - state.votes[-1].at_ms > _dwell_ms(ground, terms)
        or at_ms - state.inside_ms > terms.silence_ms
    )


def _elapse(
    state: State, ground: Ground, terms: Terms, now_ms: int
) -> tuple[State, tuple[Turn, ...]]:
    """Everything that fell due until now, in its order."""
    turns: tuple[Turn, ...] = ()
    due = due_ms(state, ground, terms)
    while due is not None and due <= now_ms:
        if state.phase is PENDING_IN:
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
    """When a dwell is over by the clock alone: a whole one after the last vote, since the next may say otherwise."""
    return max(state.since_ms, state.votes[-1].at_ms) + _dwell_ms(ground, terms)


def _dwell_ms(ground: Ground, terms: Terms) -> int:
    return terms.dwell_ms if ground.dwell_ms is None else ground.dwell_ms


def _entered(state: State, terms: Terms) -> tuple[State, tuple[Turn, ...]]:
    at_ms = max(state.inside_ms, state.turn_ms)
    is_by_region = state.seen < terms.fixes_needed
    source, sure = (
        (Source.region, Confidence.low) if is_by_region else (Source.gps, _sureness(state, terms))
    )
    inside_ms = max(vote.at_ms for vote in state.votes if vote.says < 0)
    held = replace(state, phase=INSIDE, since_ms=0, seen=0, turn_ms=at_ms, inside_ms=inside_ms)
    return held, (Turn(True, at_ms, source, sure),)


def _left(
    state: State, at_ms: int, source: Source, confidence: Confidence
) -> tuple[State, tuple[Turn, ...]]:
    at_ms = max(at_ms, state.turn_ms)
    held = replace(state, phase=LEFT, since_ms=0, seen=0, turn_ms=at_ms, is_vouched=False)
    return held, (Turn(False, at_ms, source, confidence),)


def _sureness(state: State, terms: Terms) -> Confidence:
    """High: as many fixes as are looked at said so."""
    return Confidence.high if state.seen >= terms.fixes_looked_at else Confidence.medium


def _claimed(state: State, claim: Claim, ground: Ground) -> tuple[State, tuple[Turn, ...]]:
    """Their word is taken at once. Evidence from before it no longer counts."""
    at_ms = max(claim.at_ms, state.turn_ms)
    is_edge = state.is_inside is not claim.is_enter
    held = State(
        fence_version=ground.fence_version,
        phase=INSIDE if claim.is_enter else LEFT,
        inside_ms=max(state.inside_ms, at_ms) if claim.is_enter else state.inside_ms,
        turn_ms=at_ms if is_edge else state.turn_ms,
        is_vouched=claim.is_enter,
        is_dismissed=not claim.is_enter,
        votes=(Vote(at_ms, 0, 0, 0, True),),
    )
    return held, (Turn(claim.is_enter, at_ms, claim.source, Confidence.high),) if is_edge else ()


def _anew(state: State, ground: Ground, now_ms: int) -> State:
    """Under another fence nothing counts, but that somebody went by hand, and that edges follow each other."""
    turn_ms = state.turn_ms
    for turn in _moved(state, ground, now_ms):
        turn_ms = turn.at_ms
    return State(
        fence_version=ground.fence_version,
        phase=LEFT if turn_ms else UNKNOWN,
        turn_ms=turn_ms,
        is_dismissed=state.is_dismissed,
    )


def _moved(state: State, ground: Ground, now_ms: int) -> tuple[Turn, ...]:
    """The end of a visit under an older fence."""
    if state.fence_version == ground.fence_version or not state.is_inside:
        return ()
    at_ms = max(min(now_ms, ground.until_ms), state.turn_ms)
    return (Turn(False, at_ms, Source.moved, Confidence.medium),)
