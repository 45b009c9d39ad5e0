"""What one device knows of its rooms, and what follows from each frame about them.

    the app      entries once and in order, rooms opened and closed
    REST         ranges to fetch
    the socket   rooms to attend, because they are new

Owns the reading of RoomStates, of the self log and of entries, skips and gaps. Pure. Must never
wait or send: the phone does what `take` returns.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from loadtest.client.positions import Arrival, Positions, Range
from proto.entry import EntryKind
from proto.frames import Entry, Gap, Ready, RoomState, RoomStates, Skip


@dataclass(slots=True)
class Todo:
    """What follows, in order within each list; a closed room with the position it had."""

    deliver: list[Entry] = field(default_factory=list)
    fetch: list[Range] = field(default_factory=list)
    opened: list[UUID] = field(default_factory=list)
    closed: list[tuple[UUID, int]] = field(default_factory=list)
    attend: bool = False


class Rooms:
    """Positions by room, kept across sockets."""

    def __init__(self) -> None:
        self.positions = Positions()
        self.heads: dict[UUID, int] = {}
        self.generation: UUID | None = None
        self._todo = Todo()
        self._self_room: UUID | None = None
        self._live: set[UUID] = set()
        self._known_to: dict[UUID, int] = {}
        self._ending: dict[UUID, int] = {}
        self._reopening: dict[UUID, int] = {}
        self._returned: set[UUID] = set()

    def ready(self, ready: Ready) -> None:
        """A socket authenticated. Positions of another generation mean nothing any more."""
        self._self_room = ready.self_room
        self._live.clear()
        self._known_to.clear()
        if self.generation != ready.generation:
            self.positions = Positions(self.positions.faults)
            self.heads.clear()
            self._ending.clear()
            self._reopening.clear()
            self._returned.clear()
        self.generation = ready.generation

    def take(self) -> Todo:
        """What follows from all that came since the last call."""
        todo, self._todo = self._todo, Todo()
        return todo

    def wanted(self) -> list[tuple[UUID, int | None]]:
        """Every room of mine, as an attend frame names them: the position of those not live yet.

        For a live one null keeps it as it is; its position is behind what is already on its way.
        """
        return [
            (room, None if room in self._live else at)
            for room, at in self.positions.all()
            if room != self._self_room
        ]

    def states(self, frame: RoomStates) -> None:
        """The answer to a resume or attend."""
        # What came while we were away is in the self log too, with the seq at which it came.
        told = any(
            state.room == self._self_room and state.status == "live" for state in frame.rooms
        ) and (self._self_room is not None and self.positions.at(self._self_room) is not None)
        for state in frame.rooms:
            if state.status != "joined" or not told:
                self._state(state)

    def _state(self, state: RoomState) -> None:
        room, held = state.room, self.positions.at(state.room)
        self.heads[room] = max(state.head, self.heads.get(room, 0))
        if state.status in ("live", "gap"):
            self._live.add(room)
        else:
            self._live.discard(room)
        self._known_to[room] = state.head
        if state.status in ("live", "gap") and self._ending.get(room, state.head + 1) <= state.head:
            # We went and are in again: what ends there goes on with our own coming.
            del self._ending[room]
            self._reopening.pop(room, None)
            self._returned.add(room)
        match state.status:
            case "removed":
                if room not in self._reopening:
                    self._close(room)
            case "joined" if held is None:
                self._open(room, state.head)
            case "head" if held is None:
                self._open(room, state.head)
            case "live" | "gap" if held is None:
                self._open(room, state.from_seq - 1, attend=False)
            case "live" | "gap":
                self._follow(self.positions.gap(room, state.from_seq - 1))
            case _:
                pass

    def entry(self, entry: Entry) -> None:
        """An entry came over the socket."""
        if entry.room in self._returned and _is_coming_of(entry, self._self_room):
            self._begin_again(entry.room, entry.seq - 1)
        self._follow(self.positions.entry(entry))
        self._end_if_reached(entry.room)

    def skip(self, skip: Skip) -> None:
        """Seqs that are not for us."""
        self._follow(self.positions.skip(skip.room, skip.from_seq, skip.to_seq))
        self._end_if_reached(skip.room)

    def gap(self, gap: Gap) -> None:
        """Seqs to fetch."""
        self._follow(self.positions.gap(gap.room, gap.to_seq))

    def fetched(self, room: UUID, to_seq: int, entries: Iterable[Entry]) -> None:
        """A page of history that covers everything up to `to_seq`."""
        self._follow(self.positions.fetched(room, to_seq, entries))
        self._end_if_reached(room)

    def lost(self, room: UUID) -> None:
        """REST says that the room is not ours (any more)."""
        self._close(room)

    def _follow(self, arrival: Arrival) -> None:
        if arrival.fetch is not None:
            self._todo.fetch.append(arrival.fetch)
        for entry in arrival.deliver:
            self.heads[entry.room] = max(entry.seq, self.heads.get(entry.room, 0))
            self._todo.deliver.append(entry)
            if entry.room == self._self_room:
                self._own(entry)

    def _own(self, entry: Entry) -> None:
        """My self log says that a room came or went."""
        room, at_seq = entry.body.room, entry.body.at_seq
        if room is None or at_seq is None or at_seq <= self._known_to.get(room, -1):
            return  # nothing about a room, or older than what the hub said of it since
        if entry.kind is EntryKind.room_added:
            if self.positions.at(room) is None:
                self._open(room, at_seq - 1)
            elif room in self._ending:
                self._reopening[room] = at_seq - 1
        elif entry.kind is EntryKind.room_removed and self.positions.at(room) is not None:
            # What is held ends where it was first said to; later comings and goings are of memberships not begun here.
            self._ending.setdefault(room, at_seq)
            self._reopening.pop(room, None)
            self._end_if_reached(room)

    def _end_if_reached(self, room: UUID) -> None:
        """The two logs are not ordered against each other: the room's last entry may come later."""
        last = self._ending.get(room)
        if last is not None and (self.positions.at(room) or 0) >= last:
            reopen_at = self._reopening.get(room)
            self._close(room)
            if reopen_at is not None:
                self._open(room, reopen_at)

    def _begin_again(self, room: UUID, at: int) -> None:
        """The membership that was is over, another begins, and the socket follows it already."""
        self._returned.discard(room)
        held = self.positions.at(room)
        if held is not None and held < at:
            self._todo.closed.append((room, held))
            self.positions.begin(room, at)
            self._todo.opened.append(room)

    def _open(self, room: UUID, at: int, *, attend: bool = True) -> None:
        self.positions.begin(room, at)
        if room != self._self_room:
            self._todo.opened.append(room)
            self._todo.attend = self._todo.attend or attend

    def _close(self, room: UUID) -> None:
        self._ending.pop(room, None)
        self._reopening.pop(room, None)
        self._live.discard(room)
        self._returned.discard(room)
        self.heads.pop(room, None)
        at = self.positions.at(room)
        if at is not None:
            self.positions.forget(room)
            self._todo.closed.append((room, at))


def _is_coming_of(entry: Entry, person: UUID | None) -> bool:
    return entry.kind is EntryKind.join and entry.subject == person
