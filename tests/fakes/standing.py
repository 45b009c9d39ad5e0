"""Standings in memory, by the words of muster/standing.py.

It passes tests/contracts/test_standing.py, as the ones over Redis do. Several objects may be over the same `Held`, as
several processes are over one Redis; its clock is the test's to move, `lose` is what FLUSHALL does.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from muster.ids import PersonId, RoomId
from muster.standing import (
    HAND_S,
    Due,
    Health,
    Kept,
    Key,
    Lost,
    Move,
    Rebuilding,
    Unreachable,
)


@dataclass
class Held:
    """What Redis would hold; one bucket."""

    now_ms: int = 1_000_000_000
    away: bool = False
    epoch: bytes | None = None
    marks: int = 0
    failovers: int = 0
    kept: dict[Key, tuple[Kept, int]] = field(default_factory=dict)
    due: dict[Key, int] = field(default_factory=dict)

    def lose(self) -> None:
        """Everything is gone."""
        self.epoch = None
        self.kept.clear()
        self.due.clear()


class FakeStandings:
    """See `muster.standing.Standings`."""

    def __init__(self, held: Held) -> None:
        self.held = held
        self._failovers: int | None = None

    async def load(
        self, people: Collection[PersonId], *, closed: bool = False
    ) -> dict[PersonId, dict[RoomId, Kept]]:
        self._reached()
        self._opened(closed=closed)
        found: dict[PersonId, dict[RoomId, Kept]] = {person: {} for person in people}
        for key, (kept, until_ms) in self.held.kept.items():
            if key.person in found and until_ms > self.held.now_ms:
                found[key.person][key.room] = kept
        return found

    async def move(self, moves: Sequence[Move], *, closed: bool = False) -> list[int]:
        self._reached()
        self._opened(closed=closed)
        return [self._move(move) for move in moves]

    def _move(self, move: Move) -> int:
        held = self.held
        for key in [k for k, (_, until_ms) in held.kept.items() if until_ms <= held.now_ms]:
            del held.kept[key]
            held.due.pop(key, None)
        version = held.kept[move.key][0].version if move.key in held.kept else 0
        if version != move.version:
            return 0
        held.due.pop(move.key, None)
        if not move.state:
            held.kept.pop(move.key, None)
            return -1
        new = max(version + 1, held.now_ms)
        held.kept[move.key] = Kept(new, move.state), move.keep_until_ms
        if move.due_ms is not None:
            held.due[move.key] = move.due_ms
        return new

    async def take_due(self, most: int) -> Due:
        self._reached()
        held = self.held
        if held.epoch is None or held.epoch[:1] != b"!":
            return Due([], 0)
        ready = sorted((at, key) for key, at in held.due.items() if at <= held.now_ms)[:most]
        for _, key in ready:
            held.due[key] = held.now_ms + int(HAND_S * 1000)
        return Due([key for _, key in ready], held.now_ms - ready[0][0] if ready else 0)

    async def look(self) -> Health:
        self._reached()
        before, self._failovers = self._failovers, self.held.failovers
        epoch = self.held.epoch
        return Health(epoch is None or epoch[:1] != b"!", before != self._failovers)

    async def begin(self) -> Rebuilding:
        self._reached()
        if self.held.epoch is None:
            self.held.marks += 1
            self.held.epoch = b"?%d" % self.held.marks
        return {0: self.held.epoch}

    async def finish(self, rebuilding: Rebuilding) -> None:
        self._reached()
        if self.held.epoch == rebuilding[0] and self.held.epoch[:1] == b"?":
            self.held.epoch = b"!" + self.held.epoch[1:]

    def _reached(self) -> None:
        if self.held.away:
            raise Unreachable

    def _opened(self, *, closed: bool) -> None:
        if not closed and (self.held.epoch is None or self.held.epoch[:1] != b"!"):
            raise Lost
