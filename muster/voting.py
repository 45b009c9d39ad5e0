"""Voting: what a piece of evidence says of one fence, and what the last few pieces say together.

Owns votes: making one, believing it after those before it, counting them. Must never know of phases and edges.
"""

from __future__ import annotations

from typing import Final

from muster.evidence import Crossing, Fix, Reason
from muster.ground import Ground
from muster.terms import Terms
from muster.whereabouts import Vote

_SLACK_M: Final = 30.0
"""What two fixes may differ by whatever accuracy they claim: phones are surer of themselves than they may be."""

_VAGUE_M: Final = 65_535
"""No accuracy is kept as worse."""

_BETWEEN_MS: Final = 120_000
"""Fixes further apart tell nothing of when in between a border was crossed."""

_STAYING_MPS: Final = 4.0
"""Who moves faster while coming in may be driving through: silence then tells nothing of their staying."""

_STRIDE_MPS: Final = 10.0
"""How much faster than a phone says somebody may have moved between two fixes."""


def vote_of(evidence: Fix | Crossing, ground: Ground, terms: Terms) -> Vote:
    if isinstance(evidence, Crossing):
        return Vote(evidence.at_ms, -1 if evidence.is_enter else 1, 0, 0, True)
    fence = ground.fence
    away_m = fence.distance_m(evidence.lat, evidence.lon)
    # A visit ends only by fixes that could not well be inside: false edges are worse than late ones.
    margin_m = max(terms.exit_share * fence.size_m, terms.exit_least_m, evidence.accuracy_m)
    says = -1 if away_m <= 0.0 else 1 if away_m > margin_m else 0
    return Vote(evidence.at_ms, says, int(10.0 * away_m), min(_VAGUE_M, int(evidence.accuracy_m)))


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
    if evidence.accuracy_m > terms.accuracy_m and abs(vote.away_dm) < 20 * evidence.accuracy_m:
        return Reason.inaccurate
    most_mps = stride_mps = terms.speed_most_mps
    if evidence.speed_mps is not None and evidence.speed_mps >= 0.0:
        stride_mps = min(most_mps, 2.0 * evidence.speed_mps + _STRIDE_MPS)
    reason = None
    for before in reversed(votes):
        if before.is_blind:
            continue
        moved_m = abs(vote.away_dm - before.away_dm) / 10
        moved_m -= _SLACK_M + vote.accuracy_m + before.accuracy_m
        seconds = (vote.at_ms - before.at_ms) / 1000
        if moved_m <= stride_mps * seconds:
            return None
        reason = Reason.jump if moved_m <= most_mps * seconds else Reason.too_fast
    return reason


def joined(votes: tuple[Vote, ...], vote: Vote, terms: Terms) -> tuple[Vote, ...]:
    """One vote more; those that are too old or too many fall away."""
    votes = (*votes, vote)[-terms.fixes_looked_at :]
    oldest = vote.at_ms - terms.silence_ms
    while votes[0].at_ms < oldest:
        votes = votes[1:]
    return votes


def majority(votes: tuple[Vote, ...], side: int, terms: Terms) -> int | None:
    """Since when enough of the last votes say so, one of them at least by a fix; None: not enough do.

    Since the border was crossed after the last vote to the contrary, as far as that lies between two fixes.
    """
    count = 0
    is_fixed = False
    before = since = None
    for vote in votes:
        if vote.says == side:
            count += 1
            is_fixed = is_fixed or not vote.is_blind
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
    if before is None or before.is_blind or vote.is_blind:
        return vote.at_ms
    if before.away_dm * vote.away_dm >= 0 or vote.at_ms - before.at_ms > _BETWEEN_MS:
        return vote.at_ms
    share = before.away_dm / (before.away_dm - vote.away_dm)
    return before.at_ms + int((vote.at_ms - before.at_ms) * share)


def stays(votes: tuple[Vote, ...]) -> bool:
    """Whether the last vote says inside and does not show somebody who is driving through."""
    last = votes[-1]
    if last.says >= 0:
        return False
    for before in reversed(votes[:-1]):
        if not (before.is_blind or last.is_blind):
            moved_m = abs(last.away_dm - before.away_dm) / 10
            return moved_m * 1000 < _STAYING_MPS * (last.at_ms - before.at_ms)
    return True
