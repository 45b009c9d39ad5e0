"""What this device holds of each room: everything up to a position, and what arrived above it.

Owns the rule that entries reach the app once, in order, without holes. Something that breaks the
server's promise is put right where it can be, and always reported as a `Fault`. Must never fetch
anything itself: it names the range that is missing.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from proto.frames import Entry


class Fault(StrEnum):
    """A promise of the server's that did not hold."""

    duplicate = "duplicate"
    hole = "hole"
    stranger = "stranger"


class Range(NamedTuple):
    """Seqs of a room to fetch by REST, both ends included."""

    room: UUID
    from_seq: int
    to_seq: int


class Arrival(NamedTuple):
    """What follows from something that arrived: entries for the app, a range to fetch, a fault."""

    deliver: tuple[Entry, ...] = ()
    fetch: Range | None = None
    fault: Fault | None = None


class _Held(NamedTuple):
    from_seq: int
    to_seq: int
    entry: Entry | None


class _Room:
    def __init__(self, room: UUID, at: int) -> None:
        self._room = room
        self.at = at
        self._held: list[_Held] = []
        self._fetching_to = 0

    def take(self, from_seq: int, to_seq: int, entry: Entry | None) -> Arrival:
        if to_seq <= self.at or any(held[:2] == (from_seq, to_seq) for held in self._held):
            return Arrival(fault=Fault.duplicate)
        covered = self._covered()
        heapq.heappush(self._held, _Held(from_seq, to_seq, entry))
        delivered = self._drain()
        if from_seq <= covered + 1:
            return Arrival(delivered)
        self._fetching_to = from_seq - 1
        return Arrival(delivered, Range(self._room, covered + 1, from_seq - 1), Fault.hole)

    def gap(self, to_seq: int) -> Arrival:
        covered = self._covered()
        if to_seq <= covered:
            return Arrival()
        self._fetching_to = to_seq
        return Arrival(fetch=Range(self._room, covered + 1, to_seq))

    def fetched(self, to_seq: int, entries: Iterable[Entry]) -> Arrival:
        fresh = [entry for entry in entries if self.at < entry.seq <= to_seq]
        self.at = max(self.at, to_seq)
        return Arrival((*fresh, *self._drain()))

    def _covered(self) -> int:
        """Up to where nothing is missing that is neither held nor being fetched."""
        covered = max(self.at, self._fetching_to)
        for held in sorted(self._held):
            if held.from_seq > covered + 1:
                break
            covered = max(covered, held.to_seq)
        return covered

    def _drain(self) -> tuple[Entry, ...]:
        delivered = []
        while self._held and self._held[0].from_seq <= self.at + 1:
            held = heapq.heappop(self._held)
            if held.to_seq > self.at:
                self.at = held.to_seq
                if held.entry is not None:
                    delivered.append(held.entry)
        return tuple(delivered)


class Positions:
    """All rooms of one device. `faults` counts what the server did wrong."""

    def __init__(self, faults: Counter[Fault] | None = None) -> None:
        self._rooms: dict[UUID, _Room] = {}
        self.faults: Counter[Fault] = Counter() if faults is None else faults

    def begin(self, room: UUID, at: int) -> None:
        """Hold `room` up to `at` from now on; what was held of it before is forgotten."""
        self._rooms[room] = _Room(room, at)

    def forget(self, room: UUID) -> None:
        """Hold nothing of `room` any more."""
        self._rooms.pop(room, None)

    def at(self, room: UUID) -> int | None:
        """The highest seq up to which `room` is held without holes; None if it is not held."""
        held = self._rooms.get(room)
        return None if held is None else held.at

    def all(self) -> list[tuple[UUID, int]]:
        """Every room's position, as a resume frame names them."""
        return [(room, held.at) for room, held in self._rooms.items()]

    def entry(self, entry: Entry) -> Arrival:
        """An entry came over the socket."""
        return self._take(entry.room, entry.seq, entry.seq, entry)

    def skip(self, room: UUID, from_seq: int, to_seq: int) -> Arrival:
        """These seqs are not for this device."""
        return self._take(room, from_seq, to_seq, None)

    def gap(self, room: UUID, to_seq: int) -> Arrival:
        """The server says that everything up to `to_seq` is to be fetched."""
        held = self._rooms.get(room)
        return self._count(held.gap(to_seq) if held else Arrival(fault=Fault.stranger))

    def fetched(self, room: UUID, to_seq: int, entries: Iterable[Entry]) -> Arrival:
        """A page that covers everything from the position up to `to_seq`: ranges are fetched in the order asked for."""
        held = self._rooms.get(room)
        return held.fetched(to_seq, entries) if held else Arrival()

    def _take(self, room: UUID, from_seq: int, to_seq: int, entry: Entry | None) -> Arrival:
        held = self._rooms.get(room)
        if held is None:
            return self._count(Arrival(fault=Fault.stranger))
        return self._count(held.take(from_seq, to_seq, entry))

    def _count(self, arrival: Arrival) -> Arrival:
        if arrival.fault is not None:
            self.faults[arrival.fault] += 1
        return arrival
