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
from math import inf
from typing import Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from muster.attendance import Confidence, Source
from muster.ground import Ground
from muster.ids import RoomId
from muster.terms import Terms
from muster.whereabouts import NOWHERE, Phase, State, Vote, pack, unpack

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

_VAGUE_M: Final = 65_535
"""No accuracy is kept as worse."""

_OUTSIDE: Final = (Phase.near, Phase.left, Phase.unknown)

_BETWEEN_MS: Final = 120_000
"""Fixes further apart tell nothing of when in between a border was crossed."""

_STAYING_MPS: Final = 4.0
"""Who moves faster while coming in may be driving through: silence then tells nothing of their staying."""

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
        return _judged(held, turns + turn, ground, terms)
    vote = _vote(evidence, ground, terms)
    reason = _misfit(held.votes, vote, evidence, terms)
    if reason is not None:
        return Judgement(state, (), reason, due_ms(state, ground, terms))
    if held is state and _is_so_already(held, vote, terms):
        return _judged(_repeated(held, vote, terms), (), ground, terms)
    turns = _moved(state, ground, now_ms)
    held, passed = _elapse(held, ground, terms, vote.at_ms - 1)
    held, turn = _counted(held, vote, ground, terms)
    return _judged(held, turns + passed + turn, ground, terms)


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


def is_stale(kept: State, state: State, terms: Terms) -> bool:
    """Whether what is kept elsewhere must make way for `state`: more changed than that the same was said again,
    or that was said too long ago. So not every fix of ten thousand people costs a write."""
    if kept is state:
        return False
    one, other = kept.votes, state.votes
    if (
        not (one and other)
        or len(one) != len(other)
        or [v.says for v in one] != [v.says for v in other]
    ):
        return True
    if other[-1].at_ms - one[-1].at_ms >= terms.rest_ms:
        return True
    return replace(kept, votes=(), inside_ms=0) != replace(state, votes=(), inside_ms=0)


def due_ms(state: State, ground: Ground, terms: Terms) -> int | None:
    """When time alone would change something."""
    phase = state.phase
    if phase in _OUTSIDE:
        return None
    if state.fence_version != ground.fence_version:
        return 0 if state.is_inside else None
    if phase is Phase.pending_in:
        return _over_ms(state, ground, terms) if _stays(state.votes) else None
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
        if evidence.mock:
            return Reason.mocked
        # Comparisons with NaN are false.
        if not (-90.0 <= evidence.lat <= 90.0 and -180.0 <= evidence.lon <= 180.0):
            return Reason.malformed
        if not 0.0 <= evidence.accuracy_m < inf:
            return Reason.malformed
        speed_mps = evidence.speed_mps
        if speed_mps is not None and not speed_mps <= terms.speed_most_mps:
            return Reason.too_fast if speed_mps < inf else Reason.malformed
        return None
    if isinstance(evidence, Crossing) and evidence.room != ground.room:
        return Reason.malformed
    return None


def _vote(evidence: Fix | Crossing, ground: Ground, terms: Terms) -> Vote:
    if isinstance(evidence, Crossing):
        return Vote(evidence.at_ms, -1 if evidence.is_enter else 1, 0, 0, True)
    fence = ground.fence
    away_m = fence.distance_m(evidence.lat, evidence.lon)
    # A visit ends only by fixes that could not well be inside: false edges are worse than late ones.
    margin_m = max(terms.exit_share * fence.size_m, terms.exit_least_m, evidence.accuracy_m)
    says = -1 if away_m <= 0.0 else 1 if away_m > margin_m else 0
    return Vote(evidence.at_ms, says, int(10.0 * away_m), min(_VAGUE_M, int(evidence.accuracy_m)))


def _misfit(
    votes: tuple[Vote, ...], vote: Vote, evidence: Fix | Crossing, terms: Terms
) -> Reason | None:
    """What is wrong with it where the border is, and after what came before: late, or too far away.

    It need fit only one of the last few: one wrong fix that was believed does not lock out the right ones.
    """
    if votes and vote.at_ms <= votes[-1].at_ms:
        return Reason.out_of_order
    if vote.by_region or isinstance(evidence, Crossing):
        return None
    # However vague, it says something if the border is far from all that it may mean.
    if evidence.accuracy_m > terms.accuracy_m and abs(vote.away_dm) < 20 * evidence.accuracy_m:
        return Reason.inaccurate
    most_mps = stride_mps = terms.speed_most_mps
    if evidence.speed_mps is not None and evidence.speed_mps >= 0.0:
        stride_mps = min(most_mps, 2.0 * evidence.speed_mps + _STRIDE_MPS)
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


def _is_so_already(state: State, vote: Vote, terms: Terms) -> bool:
    """Whether a vote only says again what is so, and nothing fell due before it: it can begin and end nothing."""
    phase = state.phase
    if phase is Phase.inside:
        is_silent = vote.at_ms - state.inside_ms > terms.silence_ms
        return vote.says <= 0 and (state.is_vouched or not is_silent)
    return vote.says >= 0 and not state.is_dismissed and phase in _OUTSIDE


def _repeated(state: State, vote: Vote, terms: Terms) -> State:
    """The same with one vote more. Spelt out: this is what becomes of nearly every fix."""
    phase = state.phase
    return State(
        state.fence_version,
        Phase.near if phase is Phase.unknown else phase,
        0,
        vote.at_ms if phase is Phase.inside else state.inside_ms,
        state.turn_ms,
        0,
        state.is_vouched,
        state.is_dismissed,
        _joined(state.votes, vote, terms),
    )


def _joined(votes: tuple[Vote, ...], vote: Vote, terms: Terms) -> tuple[Vote, ...]:
    """One vote more; those that are too old or too many fall away."""
    votes = (*votes, vote)[-terms.fixes_looked_at :]
    oldest = vote.at_ms - terms.silence_ms
    while votes[0].at_ms < oldest:
        votes = votes[1:]
    return votes


def _counted(
    state: State, vote: Vote, ground: Ground, terms: Terms
) -> tuple[State, tuple[Turn, ...]]:
    """What the votes say now."""
    votes = _joined(state.votes, vote, terms)
    if state.is_inside:
        side, pending, phase = 1, Phase.pending_out, Phase.inside
        is_dismissed = False
    else:
        side, pending = -1, Phase.pending_in
        phase = Phase.left if state.turn_ms else Phase.near
        is_dismissed = state.is_dismissed and _majority(votes, 1, terms) is None
    since_ms = None if is_dismissed else _majority(votes, side, terms)
    seen = 0
    if since_ms is not None:
        phase, since_ms, seen = pending, *_seen(state, pending, side, since_ms, votes)
    held = State(
        state.fence_version,
        phase,
        since_ms or 0,
        vote.at_ms if side > 0 and vote.says <= 0 else state.inside_ms,
        state.turn_ms,
        seen,
        state.is_vouched,
        is_dismissed,
        votes,
    )
    if since_ms is None or vote.says != side or vote.at_ms - since_ms < _dwell_ms(ground, terms):
        return held, ()
    if side < 0:
        return _entered(held, terms)
    return _left(held, since_ms, Source.gps, _sureness(held, terms))


def _seen(
    state: State, pending: Phase, side: int, since_ms: int, votes: tuple[Vote, ...]
) -> tuple[int, int]:
    """Since when it is pending, and by how many fixes: begun now, or going on."""
    if state.phase is pending:
        since_ms, votes = state.since_ms, votes[-1:]
        seen = state.seen
    else:
        seen = 0
    seen += sum(vote.says == side and not vote.by_region for vote in votes)
    return since_ms, min(255, seen)


def _majority(votes: tuple[Vote, ...], side: int, terms: Terms) -> int | None:
    """Since when enough of the last votes say so, one of them at least by a fix; None: not enough do.

    Since the border was crossed after the last vote to the contrary, as far as that lies between two fixes.
    """
    count = 0
    is_fixed = False
    before = since = None
    for vote in votes:
        if vote.says == side:
            count += 1
            is_fixed = is_fixed or not vote.by_region
            if since is None:
                since = _crossed_ms(before, vote)
        elif vote.says:
            since = None
        before = vote
    if count < terms.fixes_needed or not is_fixed:
        return None
    return votes[-1].at_ms if since is None else since


def _crossed_ms(before: Vote | None, vote: Vote) -> int:
    """When somebody who moved straight from one vote to the next met the border; with nothing to go by, the next."""
    if before is None or before.by_region or vote.by_region:
        return vote.at_ms
    if before.away_dm * vote.away_dm >= 0 or vote.at_ms - before.at_ms > _BETWEEN_MS:
        return vote.at_ms
    share = before.away_dm / (before.away_dm - vote.away_dm)
    return before.at_ms + int((vote.at_ms - before.at_ms) * share)


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
    """When a dwell is over by the clock alone: a whole one after the last vote, since the next may say otherwise."""
    return state.votes[-1].at_ms + _dwell_ms(ground, terms)


def _stays(votes: tuple[Vote, ...]) -> bool:
    """Whether the last vote says inside and does not show somebody who is driving through."""
    last = votes[-1]
    if last.says >= 0:
        return False
    for before in reversed(votes[:-1]):
        if not (before.by_region or last.by_region):
            moved_m = abs(last.away_dm - before.away_dm) / 10
            return moved_m * 1000 < _STAYING_MPS * (last.at_ms - before.at_ms)
    return True


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
