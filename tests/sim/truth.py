"""The log of a simulation: what Postgres would hold, and what every device is measured against.

    Truth       rooms, spans, blocks; each change numbered as commit_batch_v1 does it
    SlowReader  muster.membership.HubReader over it: answers are snapshots of some moment, or do not come

Owns the rules of who may see what, written a second time and plainly. Must never ask the product.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence
from uuid import UUID

from msgspec.structs import replace

from muster.errors import unavailable
from muster.ids import CONTROL_ROOM, PersonId, RoomId
from muster.lane import LaneEntry, of_entry
from muster.membership import Found, Membership, People, Wanted
from muster.permission import PRESENT, Relation, RoomKind
from proto.entry import Body, EntryKind
from proto.frames import Entry
from realtime.visibility import LARGE_ROOM
from tests.sim.time import passing

_WORDS = (EntryKind.post, EntryKind.edit, EntryKind.react, EntryKind.unreact, EntryKind.delete)
_TRAFFIC = (EntryKind.join, EntryKind.leave)


class Span:
    """A stretch of one room's log that one person may see; `upto` is None while they are in."""

    def __init__(self, start: int, joined: int) -> None:
        self.start = start
        self.joined = joined
        self.upto: int | None = None

    def covers(self, seq: int) -> bool:
        return self.start <= seq and (self.upto is None or seq <= self.upto)


class TrueRoom:
    """One room's log."""

    def __init__(self, room: RoomId, kind: RoomKind, history: str, crowd: int = 0) -> None:
        self.id = room
        self.kind = kind
        self.history = history
        self.entries: list[Entry] = []
        self.erased: set[int] = set()
        self.relations: dict[PersonId, Relation] = {}
        self.spans: dict[PersonId, list[Span]] = {}
        self.crowd = crowd
        self.msg_no = 0

    @property
    def head(self) -> int:
        return len(self.entries)

    @property
    def members(self) -> int:
        return self.crowd + sum(relation in PRESENT for relation in self.relations.values())

    def has(self, person: PersonId) -> bool:
        return self.relations.get(person) in PRESENT

    def was_out_by(self, person: PersonId) -> int:
        """The last seq of this person's spans that are over."""
        return max((span.upto or 0 for span in self.spans.get(person, ())), default=0)

    def sees(self, person: PersonId, seq: int) -> bool:
        return any(span.covers(seq) for span in self.spans.get(person, ()))


class Truth:
    """Everything that is committed. `told` gets each change's entries, in the order of the log."""

    def __init__(self, people: Sequence[PersonId], told: Callable[[list[LaneEntry]], None]) -> None:
        self.people = people
        self.rooms: dict[RoomId, TrueRoom] = {}
        self.blocks: set[tuple[PersonId, PersonId]] = set()
        self.ever_blocked: set[tuple[PersonId, PersonId]] = set()
        self._told = told
        self._new: list[LaneEntry] = []
        for person in people:
            own = self.rooms[RoomId(person)] = TrueRoom(RoomId(person), RoomKind.self_, "all")
            own.relations[person] = Relation.owner
            own.spans[person] = [Span(1, 0)]
        self.rooms[CONTROL_ROOM] = TrueRoom(CONTROL_ROOM, RoomKind.control, "all")

    def create(self, room: TrueRoom) -> None:
        self.rooms[room.id] = room

    def post(self, author: PersonId, room: TrueRoom, count: int = 1) -> None:
        for _ in range(count):
            room.msg_no += 1
            self._append(room, EntryKind.post, author, None, Body(text=f"{room.head + 1}"))
        self._publish()

    def delete(self, author: PersonId, room: TrueRoom, target: int) -> None:
        room.entries[target - 1] = replace(room.entries[target - 1], body=Body())
        room.erased.add(target)
        self._append(room, EntryKind.delete, author, None, Body(target=target))
        self._publish()

    def join(self, person: PersonId, room: TrueRoom) -> None:
        room.relations[person] = Relation.member
        body = Body(role="member", members=room.members)
        seq = self._append(room, EntryKind.join, person, person, body)
        room.spans.setdefault(person, []).append(Span(1 if room.history == "all" else seq, seq))
        own = self.rooms[RoomId(person)]
        added = Body(room=room.id, at_seq=seq, role="member")
        self._append(own, EntryKind.room_added, person, person, added)
        self._publish()

    def dismiss(self, author: PersonId, person: PersonId, room: TrueRoom) -> None:
        kicked = author != person
        room.relations[person] = Relation.kicked if kicked else Relation.left
        kind = EntryKind.kick if kicked else EntryKind.leave
        seq = self._append(room, kind, author, person, Body(members=room.members))
        room.spans[person][-1].upto = seq
        own = self.rooms[RoomId(person)]
        self._append(own, EntryKind.room_removed, author, person, Body(room=room.id, at_seq=seq))
        self._publish()

    def role(self, author: PersonId, person: PersonId, room: TrueRoom, to: Relation) -> None:
        room.relations[person] = to
        self._append(room, EntryKind.role, author, person, Body(role=to.value))
        self._publish()

    def block(self, one: PersonId, other: PersonId, *, on: bool) -> None:
        if ((one, other) in self.blocks) == on:
            return
        (self.blocks.add if on else self.blocks.remove)((one, other))
        self.ever_blocked.add((one, other))
        kind = EntryKind.block if on else EntryKind.unblock
        self._append(self.rooms[CONTROL_ROOM], kind, one, other, Body())
        self._append(self.rooms[RoomId(one)], kind, one, other, Body())
        self._publish()

    def may_be_skipped(self, person: PersonId, room: TrueRoom, seq: int) -> bool:
        """Whether `skip` is a true thing to say of this entry to this person."""
        entry = room.entries[seq - 1]
        if seq in room.erased or not room.sees(person, seq):
            return True
        if entry.kind in _TRAFFIC and room.crowd + len(self.people) > LARGE_ROOM:
            return entry.subject != person
        return entry.kind in _WORDS and (person, PersonId(entry.author)) in self.ever_blocked

    def _append(
        self, room: TrueRoom, kind: EntryKind, author: PersonId, subject: UUID | None, body: Body
    ) -> int:
        seq = room.head + 1
        entry = Entry(0, room.id, seq, room.msg_no, kind, author, subject, f"c{seq}", 0, body)
        room.entries.append(entry)
        self._new.append(of_entry(entry))
        return seq

    def _publish(self) -> None:
        new, self._new = self._new, []
        self._told(new)


class SlowReader:
    """Answers after a while with what stood there at some moment meanwhile. `down`: not at all."""

    def __init__(self, truth: Truth, rng: random.Random) -> None:
        self._truth = truth
        self._rng = rng
        self.down = False
        self.failing = 0.0

    async def people(self, people: Collection[PersonId]) -> People:
        await self._pause()
        found = [self._membership(p, room) for p in people for room in self._truth.rooms.values()]
        memberships = [m for m in found if m is not None and m.relation in PRESENT]
        await self._pause()
        blocks = [pair for pair in self._truth.blocks if pair[0] in people]
        await self._pause(last=True)
        return People(memberships, blocks)

    async def memberships(self, pairs: Collection[tuple[PersonId, RoomId]]) -> list[Membership]:
        await self._pause()
        rooms = self._truth.rooms
        found = [self._membership(p, rooms[room]) for p, room in pairs if room in rooms]
        await self._pause(last=True)
        return [membership for membership in found if membership is not None]

    async def heads(self, rooms: Collection[RoomId]) -> dict[RoomId, tuple[int, int]]:
        await self._pause()
        heads = {r: (self._truth.rooms[r].head, self._truth.rooms[r].msg_no) for r in rooms}
        await self._pause(last=True)
        return heads

    async def entries(self, wanted: Sequence[Wanted], limit: int) -> list[Found]:
        await self._pause()
        found = []
        for want in wanted:
            room = self._truth.rooms[want.room]
            entries = room.entries[want.after : min(want.upto, want.after + limit)]
            found += [Found(entry, entry.seq in room.erased) for entry in entries]
        await self._pause(last=True)
        return found

    # muster.control.ControlReader

    async def recent(self, max_age_ms: int) -> tuple[int, list[Entry]]:  # contract
        return 0, []

    async def after(self, seq: int, limit: int) -> list[Entry]:
        await self._pause()
        return self._truth.rooms[CONTROL_ROOM].entries[seq : seq + limit]

    def _membership(self, person: PersonId, room: TrueRoom) -> Membership | None:
        relation = room.relations.get(person)
        if relation is None:
            return None
        start, history, kind = room.spans[person][-1].start, room.history, room.kind
        head, msg_no = room.head, room.msg_no
        return Membership(
            person, room.id, kind, history, relation, start, head, msg_no, room.members, False
        )

    async def _pause(self, *, last: bool = False) -> None:  # for who opens a gate by it
        slow = self._rng.random() < 0.1
        await passing(self._rng.random() * (0.4 if slow else 0.01))
        if self.down or self._rng.random() < self.failing:
            raise unavailable("the database")
