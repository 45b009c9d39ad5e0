"""Edges, from a judgement to what is kept: first the visit in Postgres, then the standing in Redis.

    judgement --turns--> VisitStore.record --what stands--> aligned state --> Move

Owns that order, how long a standing is kept and when it is looked at again. What Postgres holds wins: a standing that
says otherwise is brought in line with it. Must never judge (muster/place.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from muster.attendance import Edge, Source, Visit, VisitStore
from muster.clock import Clock
from muster.ground import Ground
from muster.place import Judgement, Phase, State, due_ms, pack
from muster.place_counts import PlaceCounts
from muster.standing import Kept, Key, Move
from muster.terms import Terms

LINGER_MS: Final = 60_000
"""A standing outlives what it is good for by so long: clocks differ, and sweeps are late."""

BY_DEED: Final = frozenset({Source.hand, Source.qr, Source.host})
"""Somebody has said so: silence does not end such a visit."""

_PENDING: Final = frozenset({Phase.pending_in, Phase.pending_out})


class Trial(NamedTuple):
    """One standing, and what is to become of it."""

    key: Key
    kept: Kept
    ground: Ground
    judgement: Judgement

    @property
    def edges(self) -> list[Edge]:
        """What has to be written down."""
        room, person = self.ground.room, self.key.person
        return [Edge(room, person, *turn) for turn in self.judgement.turns]


class Edges:
    """Writes edges down."""

    def __init__(self, visits: VisitStore, clock: Clock, counts: PlaceCounts) -> None:
        self._visits = visits
        self._clock = clock
        self._counts = counts

    async def record(self, edges: Sequence[Edge]) -> dict[Key, bool]:
        """Whether a visit lasts now, of each whose edges these are. Raises `Refused`: `unavailable`."""
        if not edges:
            return {}
        recorded = await self._visits.record(edges)
        now_ms = self._clock.now_ms()
        for one in recorded:
            if one.is_fresh:
                self._counts.edge(one.edge, now_ms)
        return {Key(one.edge.person, one.edge.room): one.is_open for one in recorded}

    async def is_open(self, key: Key) -> bool:
        """Whether a visit lasts, as it stands now. Raises `Refused`: `unavailable`."""
        visit = await self._visits.last(key.room, key.person)
        return visit is not None and visit.left_ms is None


def settled(trial: Trial, is_open: bool | None, terms: Terms, now_ms: int) -> Move | None:
    """How the standing is moved; `is_open`: a visit lasts, as Postgres knows since; None: nothing was asked of it."""
    state = trial.judgement.state
    if is_open is not None and is_open is not state.is_inside:
        state = aligned(state, is_open, trial.ground, now_ms)
    state = _bared(state, terms, now_ms)
    packed = pack(state)
    if packed == trial.kept.state:
        return None
    return move_to(trial.key, trial.kept, state, trial.ground, terms, now_ms)


def move_to(key: Key, kept: Kept, state: State, ground: Ground, terms: Terms, now_ms: int) -> Move:
    """The move that puts this state there."""
    due = due_of(state, ground, terms)
    keep_ms = max(now_ms + terms.ancient_ms, due or 0)
    if state.is_vouched or state.is_dismissed:
        keep_ms = max(keep_ms, ground.until_ms)
    return Move(key, kept.version, pack(state), keep_ms + LINGER_MS, due)


def due_of(state: State, ground: Ground, terms: Terms) -> int | None:
    """When it has to be looked at: when time changes something, or when its votes have served."""
    due = due_ms(state, ground, terms)
    if not state.votes or state.phase in _PENDING or not (state.is_inside or state.is_dismissed):
        return due  # what is pending needs them, and anything else is forgotten before
    served = state.votes[-1].at_ms + terms.ancient_ms
    return served if due is None else min(due, served)


def _bared(state: State, terms: Terms, now_ms: int) -> State:
    """Without votes that nothing that comes can be compared with any more: how far somebody was from a fence is kept
    for minutes."""
    if not state.votes or state.phase in _PENDING:
        return state
    return replace(state, votes=()) if state.votes[-1].at_ms + terms.ancient_ms <= now_ms else state


def aligned(state: State, is_open: bool, ground: Ground, now_ms: int) -> State:
    """The same, but inside or out as Postgres has it."""
    turn_ms = state.turn_ms or now_ms
    if is_open:
        return replace(
            state,
            fence_version=ground.fence_version,
            phase=Phase.inside,
            since_ms=0,
            seen=0,
            inside_ms=max(state.inside_ms, now_ms),
            turn_ms=turn_ms,
        )
    return replace(state, phase=Phase.left, since_ms=0, seen=0, turn_ms=turn_ms, is_vouched=False)


def visiting(visit: Visit, ground: Ground, now_ms: int) -> State:
    """The state of somebody of whom nothing is known but that their visit lasts."""
    return State(
        fence_version=ground.fence_version,
        phase=Phase.inside,
        inside_ms=now_ms,
        turn_ms=visit.entered_ms,
        is_vouched=visit.source in BY_DEED,
    )
