"""A device of the model and the hub behind it: what it is sent is always right, and told to the history as it comes.

Owns positions and the order of frames. Must never import the checker.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from loadtest.torture import history as h
from proto.entry import EntryKind
from tests.loadtest.checker.rooms import ModelRoom

REPLAY: Final = 8
PAGE: Final = 5
GENERATION: Final = UUID(int=7)


@dataclass(slots=True)
class Debt:
    """A gap that has to be fetched; `held` is where the device stood before it."""

    room: ModelRoom
    low: int
    high: int
    held: int


class Phone:
    """`tick` gives the time of the next record; `hidden` whom its person hides by now."""

    def __init__(
        self,
        device: UUID,
        person: UUID,
        rooms: dict[UUID, ModelRoom],
        write: Callable[[h.AnyRecord], None],
        tick: Callable[[], int],
    ) -> None:
        self.device = device
        self.person = person
        self.hidden: set[UUID] = set()
        self.connection: str | None = None
        self.positions: dict[UUID, int] = {}
        self.following: dict[UUID, int] = {}
        """Room -> the seq of the join of the membership it follows."""
        self.debts: list[Debt] = []
        self._rooms = rooms
        self._write = write
        self._tick = tick
        self._sockets = 0
        write(h.Device(t=tick(), device=device, person=person))

    # Sockets

    def connect(self, hub: str) -> None:
        """Come in, resume what it holds, attend what is new."""
        self._sockets += 1
        self.connection = f"{self.device.int}-{self._sockets}"
        self._write(
            h.Connected(
                t=self._tick(), device=self.device, connection=self.connection, hub=hub, generation=GENERATION,
            )
        )  # fmt: skip
        own = self._rooms[self.person]
        self._resume(own, self.positions.get(own.id))
        for room in self._rooms.values():
            if room.kind == "self":
                continue
            if room.id in self.positions and self.person in room.roles:
                self._resume(room, self.positions[room.id])
            elif room.id in self.positions:
                self._state(room, "removed", 0, self.positions.pop(room.id))
                self._forget_debts(room)
            elif self.person in room.roles:
                self._state(room, "joined", 0, None)
                joined = room.spans[self.person][-1].joined
                self._resume(room, 0 if room.history == "all" else joined - 1)

    def disconnect(self, *, clean: bool, code: int | None = None) -> None:
        """The socket ends; positions stay."""
        if self.connection is not None:
            self._write(
                h.Disconnected(
                    t=self._tick(), device=self.device, connection=self.connection, code=code, clean=clean,
                )
            )  # fmt: skip
        self.connection = None
        self.following.clear()

    def _state(self, room: ModelRoom, status: h.Status, from_seq: int, asked: int | None) -> None:
        assert self.connection is not None
        self._write(
            h.Resumed(
                t=self._tick(), device=self.device, connection=self.connection, room=room.id, status=status,
                from_seq=from_seq, head=room.head if from_seq else 0, msg_no=room.msg_no, asked=asked,
            )
        )  # fmt: skip

    def _resume(self, room: ModelRoom, asked: int | None) -> None:
        at = room.head if asked is None else asked
        self.following[room.id] = room.spans[self.person][-1].joined
        if room.head - at > REPLAY:
            self.debts.append(Debt(room, at + 1, room.head, at))
            self._state(room, "gap", room.head + 1, asked)
            at = room.head
        else:
            self._state(room, "live", at + 1, asked)
        self.positions[room.id] = at

    # Frames

    def pump(self, room: ModelRoom, most: int) -> None:
        """Up to `most` of what follows in this room, as the hub brings it."""
        if self.connection is None or room.id not in self.following:
            return
        span = next(s for s in room.spans[self.person] if s.joined == self.following[room.id])
        at = self.positions[room.id]
        if at < span.from_seq - 1:  # before they came in, or of a time when they were in before
            self._frame(h.Gap, room, at + 1, span.from_seq - 1)
            self.debts.append(Debt(room, at + 1, span.from_seq - 1, at))
            at = span.from_seq - 1
        limit = room.head if span.to_seq is None else span.to_seq
        if most > REPLAY and limit - at > REPLAY:  # too slow to be sent all of it
            self._frame(h.Gap, room, at + 1, limit)
            self.debts.append(Debt(room, at + 1, limit, at))
            at = limit
        upto = min(at + most, limit)
        skip_from: int | None = None
        for seq in range(at + 1, upto + 1):
            if not room.is_shown(self.person, seq, self.hidden):
                skip_from = seq if skip_from is None else skip_from
                continue
            if skip_from is not None:
                self._frame(h.Skip, room, skip_from, seq - 1)
                skip_from = None
            self._deliver(room, seq)
        if skip_from is not None:
            self._frame(h.Skip, room, skip_from, upto)
        self.positions[room.id] = max(at, upto)
        if self.positions[room.id] == span.to_seq:
            self._leave(room)

    def _leave(self, room: ModelRoom) -> None:
        """Their going was the last they got; if they are back already, follow on from their coming."""
        del self.following[room.id], self.positions[room.id]
        self._forget_debts(room)
        if self.person in room.roles:
            self._resume(room, room.spans[self.person][-1].joined - 1)

    def _deliver(self, room: ModelRoom, seq: int) -> None:
        row = room.rows[seq - 1]
        assert self.connection is not None
        self._write(
            h.Deliver(
                t=self._tick(), device=self.device, connection=self.connection, room=room.id, seq=seq,
                msg_no=row.msg_no, kind=row.kind, author=row.author, subject=row.subject,
                client_id=row.client_id or "", body=row.body,
            )
        )  # fmt: skip
        self._hear_of_room(row)

    def _hear_of_room(self, row: h.SqlEntry | h.Item) -> None:
        """The self log, live or fetched, says that a room came: follow it, if it is so still."""
        if row.kind is EntryKind.room_added and row.body.room is not None and self.connection:
            added = self._rooms[row.body.room]
            if (
                added.id not in self.following
                and self.person in added.roles
                and added.spans[self.person][-1].joined == row.body.at_seq
            ):
                self._resume(added, (row.body.at_seq or 1) - 1)

    def _frame(self, kind: type[h.Skip | h.Gap], room: ModelRoom, low: int, high: int) -> None:
        assert self.connection is not None
        self._write(
            kind(
                t=self._tick(), device=self.device, connection=self.connection, room=room.id, from_seq=low, to_seq=high,
            )
        )  # fmt: skip

    # REST

    def back_before_gaps(self) -> None:
        """Resume from before the gaps that were not fetched yet, instead of fetching them."""
        for debt in reversed(self.debts):
            self.positions[debt.room.id] = debt.held
        self.debts.clear()

    def _forget_debts(self, room: ModelRoom) -> None:
        self.debts = [debt for debt in self.debts if debt.room is not room]

    def fetch(self) -> None:
        """Pay every debt: pages up to the end of the gap, and how what it held reads now."""
        debts, self.debts = self.debts, []
        for debt in debts:
            room, low = debt.room, debt.low
            if self.person not in room.roles and room.kind != "self":
                self.debts.append(debt)  # a room one is out of is not read on
                continue
            while low <= debt.high:
                items = room.items(self.person, low, debt.high, self.hidden)[:PAGE]
                high = items[-1].seq if len(items) == PAGE else debt.high
                self._write(
                    h.Fetched(
                        t=self._tick(), device=self.device, room=room.id, from_seq=low, to_seq=high,
                        head=room.head, items=items,
                    )
                )  # fmt: skip
                for item in items:
                    self._hear_of_room(item)
                low = high + 1
            changed = {row.body.target for row in room.rows[debt.held :] if row.body.target}
            old = [
                room.item(seq, self.hidden)
                for seq in sorted(changed)
                if seq <= debt.held
                and room.sees(self.person, seq)
                and room.rows[seq - 1].author not in self.hidden
            ]
            if old:
                self._write(
                    h.Changed(
                        t=self._tick(), device=self.device, room=room.id, from_seq=debt.held + 1,
                        to_seq=room.head, head=room.head, items=old,
                    )
                )  # fmt: skip
