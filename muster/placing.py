"""Placing: evidence of where somebody is comes in, is judged, written down and kept.

    fixes, crossings --near venues, leave--> trials --edges--> Postgres --what stands--> Redis, if nobody was quicker

Whoever was slower than another phone's hub judges again from what that one has put there. An edge is only ever judged
from what was just read, and is in Postgres before it is in Redis: whoever dies in between is made up for by the next
evidence, or by muster/restoring.py. Owns this walk and its bounds. Must never judge (muster/place.py), let a position
out of it, or write one anywhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from muster.attendance import Source
from muster.clock import Clock
from muster.edges import Edges, Trial, settled
from muster.errors import Refused
from muster.ground import Ground
from muster.ids import PersonId, RoomId
from muster.leaves import Leaves, lets
from muster.place import Claim, Crossing, Fix, Phase, Reason, State, judge, judge_all, unpack
from muster.place_counts import PlaceCounts
from muster.standing import NONE, Kept, Key, Lost, Standings, Unreachable
from muster.standing_shelf import StandingShelf
from muster.survey import Survey
from muster.terms import Terms
from muster.turns import Turns
from muster.venue import Leave
from proto import frames
from proto.codes import Code
from proto.place import Verdict

WITHIN_S: Final = 2.0
TRIES: Final = 5
"""So often somebody else may be quicker before a request is given up."""

PER_FIX: Final = 20
ROOMS_MOST: Final = 40
"""Venues that one fix, and all fixes of one call, are judged for."""

AGAIN_MS: Final = 1_000

Piece = Fix | Crossing
Pay = Callable[[PersonId, int], Awaitable[None]]
"""Somebody has sent so many pieces. Raises `Refused`: `too_many_requests`."""

_T = TypeVar("_T")


class Around(NamedTuple):
    """What placing works with."""

    standings: Standings
    edges: Edges
    survey: Survey
    leaves: Leaves
    clock: Clock
    counts: PlaceCounts


class _Found(NamedTuple):
    """What was made of all pieces with regard to one event."""

    phase: Phase
    reasons: list[Reason | None]


class Placing:
    """One process's."""

    def __init__(self, around: Around, terms: Terms, pay: Pay | None = None) -> None:
        """`pay`: for each piece; None: as often as they like."""
        self._around = around
        self._terms = terms
        self._pay = pay
        self._shelf = StandingShelf()
        self._turns = Turns()

    async def placed(self, person: PersonId, frame: frames.Placing) -> frames.Placed:
        """See `proto.frames.Fixes` and `Crossings`. Raises `Refused`: then all stands as it did, or is said again."""
        pieces: list[Piece]
        if isinstance(frame, frames.Fixes):
            pieces = [Fix(*_fields(fix)) for fix in frame.fixes]
        else:
            pieces = [Crossing(RoomId(c.room), c.is_enter, c.at_ms) for c in frame.crossings]
        verdicts, events = await self.judged(person, pieces)
        return frames.Placed(frame.id, verdicts, events)

    async def judged(
        self, person: PersonId, pieces: Sequence[Piece]
    ) -> tuple[list[Verdict], list[frames.EventPlace]]:
        """A verdict on each, in the order given, and what follows for which events. Raises `Refused` likewise."""
        found = await self._within(person, self._judged(person, pieces))
        verdicts = [_verdict(piece, i, found) for i, piece in enumerate(pieces)]
        self._around.counts.verdicts.update(verdicts)
        events = [
            frames.EventPlace(room, one.phase.name)  # type: ignore[arg-type]  # a PlacePhase
            for room, one in found.items()
            if one.phase is not Phase.unknown
        ]
        return verdicts, events

    async def marked(
        self, room: RoomId, person: PersonId, is_inside: bool, source: Source, at_ms: int
    ) -> None:
        """They checked in or out by a deed, and it stands in Postgres. Raises `Refused`: `unavailable`."""
        claim = Claim(is_inside, at_ms, source)
        await self._within(person, self._claimed(Key(person, room), claim))

    # Bounds

    async def _within(self, person: PersonId, work: Coroutine[Any, Any, _T]) -> _T:
        """In this person's turn, and within the deadline."""
        try:
            async with asyncio.timeout(WITHIN_S), self._turns.of(person):
                return await work
        except (TimeoutError, Unreachable, Lost):
            self._around.counts.unreachable += 1
            raise _unknown() from None
        finally:
            work.close()

    # The walk

    async def _judged(self, person: PersonId, pieces: Sequence[Piece]) -> dict[RoomId, _Found]:
        around = self._around
        if self._pay is not None:
            await self._pay(
                person, len(pieces)
            )  # in their turn, so that nobody overtakes themselves
        leave = await around.leaves.of(person)
        near = self._near(pieces, leave)
        found: dict[RoomId, _Found] = {}
        stands: dict[Key, bool] = {}
        kept = self._shelf.of(person, around.clock.monotonic())
        is_fresh = kept is None
        for _ in range(TRIES):
            if kept is None:
                kept = await self._load(person)
                # After it: whoever wrote down another edge meanwhile has moved already, or is to lose.
                for key in stands:
                    stands[key] = await around.edges.is_open(key)
            now_ms = around.clock.now_ms()
            trials = []
            reasons = {}
            for ground in self._grounds(pieces, near, kept, leave):
                if ground.room not in found:
                    trial, reasons[ground.room] = self._trial(
                        Key(person, ground.room), kept, ground, pieces, now_ms
                    )
                    trials.append(trial)
            edges = [edge for trial in trials for edge in trial.edges]
            if not is_fresh and (edges or not trials):
                # Also before it is said that nothing is judged: another process may know that they are at an event.
                kept, is_fresh = None, True
                continue
            stands |= await around.edges.record(edges)
            lost = await self._move(person, kept, trials, stands, now_ms)
            for trial in trials:
                room = trial.key.room
                if room not in lost:
                    found[room] = _Found(self._phase(trial, stands), reasons[room])
            if not lost:
                return found
            around.counts.conflicts += len(lost)
            kept, is_fresh = None, True
        raise _unknown()

    async def _claimed(self, key: Key, claim: Claim) -> None:
        around = self._around
        for _ in range(TRIES):
            ground = await around.survey.find(key.room)
            if ground is None:
                return
            try:
                kept = await self._load(key.person)
            except Lost:
                return  # what is put back will say so
            now_ms = around.clock.now_ms()
            judgement = judge(_state(kept, key), claim, ground, self._terms, now_ms)
            if judgement.reason is not None:
                return
            trial = Trial(key, kept.get(key.room, NONE), ground, judgement)
            if not await self._move(key.person, kept, [trial], {}, now_ms):
                return
            around.counts.conflicts += 1
        raise _unknown()

    async def _load(self, person: PersonId) -> dict[RoomId, Kept]:
        kept = (await self._around.standings.load([person]))[person]
        self._shelf.put(person, kept, self._around.clock.monotonic())
        return kept

    async def _move(
        self,
        person: PersonId,
        kept: dict[RoomId, Kept],
        trials: Sequence[Trial],
        stands: dict[Key, bool],
        now_ms: int,
    ) -> set[RoomId]:
        """Put there what was judged; the rooms for which somebody else was quicker."""
        moves = [
            move
            for trial in trials
            if (move := settled(trial, stands.get(trial.key), self._terms, now_ms)) is not None
        ]
        if not moves:
            return set()
        read_at = self._shelf.drop(person)  # whatever happens now, it is not as it was
        versions = await self._around.standings.move(moves)
        lost = {m.key.room for m, v in zip(moves, versions, strict=True) if v == 0}
        if not lost:
            held = dict(kept)
            for move, version in zip(moves, versions, strict=True):
                held[move.key.room] = Kept(version, move.state)
            now = self._around.clock.monotonic()
            self._shelf.put(person, held, now if read_at is None else read_at)
        return lost

    # What is judged

    def _near(self, pieces: Sequence[Piece], leave: Leave) -> dict[RoomId, Ground]:
        venues, now_ms = self._around.survey.venues, self._around.clock.now_ms()
        near: dict[RoomId, Ground] = {}
        for piece in pieces:
            if isinstance(piece, Crossing):
                ground = venues.get(piece.room)
                grounds = [] if ground is None or not lets(leave, ground.venue) else [ground]
            elif _is_somewhere(piece):
                grounds = venues.candidates(piece.lat, piece.lon, now_ms, leave)[:PER_FIX]
            else:
                grounds = []
            for ground in grounds:
                if len(near) < ROOMS_MOST:
                    near[ground.room] = ground
        return near

    def _grounds(
        self,
        pieces: Sequence[Piece],
        near: dict[RoomId, Ground],
        kept: dict[RoomId, Kept],
        leave: Leave,
    ) -> list[Ground]:
        """Those near, and those somebody is at, or about to be: of these a fix far away says that they have gone."""
        venues = self._around.survey.venues
        grounds = dict(near)
        if any(isinstance(piece, Fix) for piece in pieces):
            for room, one in kept.items():
                ground = venues.get(room)
                if ground is None or room in near or not lets(leave, ground.venue):
                    continue
                if _is_at(unpack(one.state)):
                    grounds[room] = ground
        return list(grounds.values())

    def _trial(
        self,
        key: Key,
        kept: dict[RoomId, Kept],
        ground: Ground,
        pieces: Sequence[Piece],
        now_ms: int,
    ) -> tuple[Trial, list[Reason | None]]:
        mine = [
            i for i, p in enumerate(pieces) if not isinstance(p, Crossing) or p.room == ground.room
        ]
        judgement, given = judge_all(
            _state(kept, key), [pieces[i] for i in mine], ground, self._terms, now_ms
        )
        reasons: list[Reason | None] = [Reason.closed] * len(pieces)
        for i, reason in zip(mine, given, strict=True):
            reasons[i] = reason
        return Trial(key, kept.get(key.room, NONE), ground, judgement), reasons

    def _phase(self, trial: Trial, stands: dict[Key, bool]) -> Phase:
        state = trial.judgement.state
        is_open = stands.get(trial.key)
        if is_open is None or is_open is state.is_inside:
            return state.phase
        return Phase.inside if is_open else Phase.left


def _fields(fix: frames.PhoneFix) -> tuple[float, float, float, int, float | None, bool]:
    return fix.lat, fix.lon, fix.accuracy_m, fix.at_ms, fix.speed_mps, fix.mock


def _state(kept: dict[RoomId, Kept], key: Key) -> State:
    return unpack(kept.get(key.room, NONE).state)


def _is_at(state: State) -> bool:
    return state.is_inside or state.is_dismissed or state.phase is Phase.pending_in


def _is_somewhere(fix: Fix) -> bool:
    return -90.0 <= fix.lat <= 90.0 and -180.0 <= fix.lon <= 180.0  # not so of NaN


def _verdict(piece: Piece, index: int, found: dict[RoomId, _Found]) -> Verdict:
    """Judged if it counted for any event; else why not for the first."""
    reasons = [one.reasons[index] for one in found.values()]
    if None in reasons:
        return "judged"
    told = [reason for reason in reasons if reason is not None and reason is not Reason.closed]
    if told:
        return told[0].value  # type: ignore[return-value]  # a Verdict
    return "malformed" if isinstance(piece, Fix) and not _is_somewhere(piece) else "no_event"


def _unknown() -> Refused:
    return Refused(
        Code.unavailable,
        "where people are cannot be kept just now; send the same again",
        retry_after_ms=AGAIN_MS,
    )
