"""Voting: what a piece of evidence says of one fence, and what the last few pieces say together.

Owns votes: making one, believing it after those before it, counting them. Must never know of phases and edges.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from muster.evidence import Crossing, Fix, Reason
from muster.ground import Ground
from muster.terms import Terms
from muster.whereabouts import STEP_M, STEPS_MOST, Sure, Vote

_SLACK_M: Final = 30.0 + STEP_M
"""What two fixes may differ by whatever accuracy they claim: phones are surer of themselves than they may be, and how
far they were is known by steps."""

_VAGUE_M: Final = 65_535
"""No accuracy is kept as worse."""

_NOT, _LIKELY, _SURELY = (int(sure) for sure in Sure)

_STAYING_MPS: Final = 4.0
"""Who moves faster while coming in may be driving through: silence then tells nothing of their staying."""

_STRIDE_MPS: Final = 10.0
"""How much faster than a phone says somebody may have moved between two fixes."""


def vote_of(evidence: Fix | Crossing, ground: Ground, terms: Terms) -> Vote:
    """What it says of this fence; the point is a valid one."""
    if isinstance(evidence, Crossing):
        says = -1 if evidence.is_enter else 1
        return Vote(evidence.at_ms, says, 0, 0, True, _SURELY if says < 0 else _NOT)
    fence = ground.fence
    accuracy_m = evidence.accuracy_m
    away_m = fence.distance_m(evidence.lat, evidence.lon)
    kept_m = int(accuracy_m) if accuracy_m < _VAGUE_M else _VAGUE_M
    sure = _NOT
    if away_m <= 0.0:
        says = -1
        sure = _surely(away_m, kept_m)
    else:
        # A visit ends only by fixes that could not well be inside: false edges are worse than late ones.
        margin_m = max(terms.exit_share * fence.size_m, terms.exit_least_m, accuracy_m)
        says = 1 if away_m > margin_m else 0
    away = max(-STEPS_MOST, min(STEPS_MOST, round(away_m / STEP_M)))
    return Vote(evidence.at_ms, says, away, kept_m, False, sure)


def _surely(away_m: float, accuracy_m: int) -> int:
    """By the distance as it is, of which only the step is kept."""
    if -away_m < 0.5 * accuracy_m:
        return _NOT
    return _SURELY if -away_m >= accuracy_m else _LIKELY


def misfit(
    votes: tuple[Vote, ...], vote: Vote, evidence: Fix | Crossing, terms: Terms
) -> Reason | None:
    """What is wrong with it where the border is, and after what came before: late, or too far away.

    It need fit only one of the last few: one wrong fix that was believed does not lock out the right ones.
    """
    if votes and vote.at_ms <= votes[-1].at_ms:
        return Reason.out_of_order
    if vote.is_blind or isinstance(evidence, Crossing):
        return None
    # However vague, it says something if the border is far from all that it may mean.
    is_vague = evidence.accuracy_m > terms.accuracy_m
    if is_vague and STEP_M * abs(vote.away) < 2 * evidence.accuracy_m:
        return Reason.inaccurate
    reason = None
    for before in reversed(votes):
        if before.is_blind:
            continue
        moved_m = float(STEP_M * abs(vote.away - before.away))
        moved_m -= _SLACK_M + vote.accuracy_m + before.accuracy_m
        if moved_m <= 0.0:  # most have hardly moved
            return None
        seconds = (vote.at_ms - before.at_ms) / 1000
        if moved_m <= _stride_mps(evidence, terms) * seconds:
            return None
        is_possible = moved_m <= terms.speed_most_mps * seconds
        reason = Reason.jump if is_possible else Reason.too_fast
    return reason


def _stride_mps(fix: Fix, terms: Terms) -> float:
    """How fast somebody may have moved, as their phone says how fast they are."""
    most_mps, speed_mps = terms.speed_most_mps, fix.speed_mps
    if speed_mps is None or not speed_mps >= 0.0:
        return most_mps
    return min(most_mps, 2.0 * speed_mps + _STRIDE_MPS)


def joined(votes: tuple[Vote, ...], vote: Vote, terms: Terms) -> tuple[Vote, ...]:
    """One vote more; those that are too old or too many fall away."""
    surplus = len(votes) + 1 - terms.fixes_looked_at
    votes = (*votes[surplus:], vote) if surplus > 0 else (*votes, vote)
    oldest = vote.at_ms - terms.silence_ms
    while votes[0].at_ms < oldest:
        votes = votes[1:]
    return votes


def majority(votes: tuple[Vote, ...], side: int, terms: Terms) -> int | None:
    """Since when enough of the last votes say so, one of them at least by a fix; None: not enough do.

    Since the first after the last vote to the contrary: nothing is dated back to where there was no evidence.
    """
    count = 0
    is_fixed = False
    since = None
    for vote in votes:
        if vote.says == side:
            count += 1
            is_fixed = is_fixed or not vote.is_blind
            since = since or vote.at_ms
        elif vote.says:
            since = None
    if count < terms.fixes_needed or not is_fixed:
        return None
    return since or votes[-1].at_ms


def is_sure(vote: Vote) -> bool:
    """Whether a vote for inside is so even if the fix is off by as much as it claims it may be."""
    return vote.says < 0 and vote.sure == _SURELY


def likely_ms(votes: tuple[Vote, ...], came_ms: int) -> int:
    """Since when somebody is likely inside: half as far as a fix may be off; with no such vote, since the newest."""
    for vote in votes:
        if vote.sure and vote.says < 0 and vote.at_ms >= came_ms:
            return vote.at_ms
    return votes[-1].at_ms


def agree(votes: tuple[Vote, ...], side: int) -> bool:
    """Whether the last two say so, or the only one."""
    return votes[-1].says == side and (len(votes) < 2 or votes[-2].says == side)


def stays(votes: tuple[Vote, ...]) -> bool:
    """Whether no two of them, one after the other, show somebody who may be driving through."""
    for before, vote in pairwise(votes):
        if not (before.is_blind or vote.is_blind):
            # Who walks from one ring into the next within seconds may count as driving: late is better than false.
            moved_m = STEP_M * abs(vote.away - before.away)
            if moved_m * 1000 >= _STAYING_MPS * (vote.at_ms - before.at_ms):
                return False
    return True
