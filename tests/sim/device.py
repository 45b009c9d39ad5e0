"""A phone in a simulation: it follows docs/protocol.md to the letter and believes nothing.

Owns what the device holds of each room and the check of every frame it gets. Must never forgive: the first frame
that breaks a promise fails the run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from uuid import UUID

from muster.errors import Refused
from muster.ids import DeviceId, PersonId, RoomId, SessionId
from proto.codec import MSGPACK
from proto.codes import Close
from proto.entry import EntryKind
from proto.frames import Attend, Entry, Gap, Head, Resume, RoomStates, Server, ServerFrame, Skip
from realtime.prepared import Prepared, Pushable
from realtime.socket import Socket
from realtime.wiring import Assembled
from tests.sim.truth import Truth

GENERATION = UUID(int=7)


class SimSocket:
    """See `realtime.socket.Socket`; what is pushed goes to its device at once."""

    def __init__(self, device: Device) -> None:
        self.person = device.person
        self.device = device.id
        self.session = SessionId(UUID(int=device.id.int + 1))
        self.attention = "active"
        self.backlog = 0
        self.thinned = self.congested = False
        self.takes_heads = True
        self.on_drained: Callable[[Socket], None] = lambda _: None
        self.open = True
        self._owner = device

    def push(self, prepared: Pushable) -> None:
        assert self.open, f"{self._owner}: something is still attached to a socket that is gone"
        for payload in prepared.payloads:
            self._owner.take(MSGPACK.decode_server(payload))

    def send(self, frame: Server) -> None:
        self.push(Prepared.of(frame))

    def close(self, code: Close, reason: str, retry_after_ms: int | None = None) -> None:
        raise AssertionError(
            f"nobody here gives cause to be closed: {code} {reason} {retry_after_ms}"
        )

    def drain(self) -> None:
        self.thinned = self.congested = False
        self.on_drained(self)


class Device:
    """One device; `positions` outlive its sockets."""

    def __init__(self, person: PersonId, device: DeviceId, truth: Truth) -> None:
        self.person = person
        self.id = device
        self.positions: dict[RoomId, int] = {}
        self.following: set[RoomId] = set()
        self.wants: set[RoomId] = set()
        self.socket: SimSocket | None = None
        self.hub: Assembled | None = None
        self.errand: asyncio.Task[None] | None = None
        self.taken: list[ServerFrame] = []
        self.gaps = 0
        self._truth = truth
        self._admitted = False
        self._answered = False
        self._asked: set[RoomId] = set()
        self._owed: set[RoomId] = set()
        self._added: dict[RoomId, int] = {}

    def __str__(self) -> str:
        return f"device {self.id.int} of person {self.person.int}"

    # What it does

    def connect(self, hub: Assembled, tasks: asyncio.TaskGroup) -> None:
        """Come in, and resume everything this device holds."""
        self.socket, self.hub = self.socket_of(), hub
        self._admitted = self._answered = False
        self.following = set()
        self.wants.clear()
        self._asked.clear()
        self._owed.clear()
        self.errand = tasks.create_task(self._come_in(self.socket, hub))

    def socket_of(self) -> SimSocket:
        """The socket of a new connection."""
        return SimSocket(self)

    def drop(self) -> None:
        """As Connection.lost: what is under way ends, and the hub is told."""
        if self.socket is not None and self.hub is not None:
            if self.errand is not None:
                self.errand.cancel()
            self.hub.attendance.drop(self.socket, clean=False)
            self.socket.open = False
        self.socket = self.hub = self.errand = None

    def ask(self, rooms: dict[RoomId, int | None], tasks: asyncio.TaskGroup) -> None:
        """Attend these rooms and no others; one request at a time, as a connection does it."""
        if self.socket is not None and self.hub is not None and self.is_idle:
            # What was not counted, because an answer did not come, is asked for again.
            for room in self._asked & rooms.keys():
                rooms[room] = self.positions[room]
            # What comes of these before the answer will come again: it is not counted.
            self._asked |= {room for room, seq in rooms.items() if seq is not None}
            self.errand = tasks.create_task(self._attend(self.socket, self.hub, rooms))

    @property
    def is_idle(self) -> bool:
        """In, and waiting for no answer."""
        return self._answered and (self.errand is None or self.errand.done())

    def catch_up_with_self(self, tasks: asyncio.TaskGroup) -> None:
        """On room_added, attend [room, at_seq - 1] besides what is live already."""
        if self.wants and self.is_idle:
            rooms: dict[RoomId, int | None] = {r: None for r in self.following if r != self.person}
            rooms |= {room: self.positions[room] for room in self.wants}
            self.wants.clear()
            self.ask(rooms, tasks)

    async def _come_in(self, socket: SimSocket, hub: Assembled) -> None:
        try:
            await hub.attendance.admit(socket)
            self._admitted = True
            positions: list[tuple[UUID, int]] = [*self.positions.items()]
            states = await hub.attendance.resume(socket, Resume(1, GENERATION, positions))
        except Refused:
            self.errand = None
            self.drop()
        else:
            self._learn(states, set(self.positions))

    async def _attend(
        self, socket: SimSocket, hub: Assembled, rooms: dict[RoomId, int | None]
    ) -> None:
        try:
            states = await hub.attendance.attend(socket, Attend(2, [*rooms.items()]))
        except Refused:
            self.wants |= {room for room, seq in rooms.items() if seq is not None}
        else:
            self._learn(states, {room for room, seq in rooms.items() if seq is not None})

    def _learn(self, states: RoomStates, told: set[RoomId]) -> None:
        before, self.following = self.following, set()
        # Of a room it is out of, a device that was slow still gets what it was owed, up to its going.
        self._owed |= before
        for state in states.rooms:
            room = RoomId(state.room)
            if state.status == "gap":
                self.positions[room] = state.from_seq - 1
            elif state.status == "live" and (room in told or room == self.person):
                held = self.positions.setdefault(room, state.from_seq - 1)
                assert state.from_seq == held + 1, f"{self}: asked from {held}, answered {state}"
            elif state.status == "live":
                # Named with null: as it was, or from now on if it was not live (any more).
                held, came = self.positions.get(room, 0), self._truth.rooms[room].spans[self.person]
                assert room not in before or state.from_seq == held + 1 or held < came[-1].joined, (
                    f"{self}: was at {held}, answered {state}"
                )
                self.positions[room] = state.from_seq - 1
            if state.status in ("live", "gap"):
                self.following.add(room)
            self._owed.discard(room)
        self._answered = True
        self._asked.clear()

    # What it gets

    def take(self, frame: ServerFrame) -> None:
        """Check one frame against the truth."""
        self.taken = [*self.taken[-20:], frame]
        assert self._admitted, f"{self}: {frame} came before Ready"
        match frame:
            case Entry():
                self._take_entry(frame)
            case Skip():
                if self._follows(RoomId(frame.room), frame.from_seq):
                    self._take_skip(frame)
            case Gap():
                self.gaps += 1
                if self._follows(RoomId(frame.room), frame.from_seq):
                    self.positions[RoomId(frame.room)] = frame.to_seq
            case Head():
                room = self._truth.rooms[RoomId(frame.room)]
                if frame.preview is not None and frame.preview.text:
                    seq = int(frame.preview.text)
                    assert room.sees(self.person, seq), f"{self}: {frame} previews what it may not"
            case _:
                pass

    def _take_entry(self, entry: Entry) -> None:
        room = RoomId(entry.room)
        if not self._follows(room, entry.seq):
            return
        true = self._truth.rooms[room]
        assert true.sees(self.person, entry.seq), f"{self} may not see {entry}"
        self.positions[room] = entry.seq
        is_going = entry.kind in (EntryKind.kick, EntryKind.leave) and entry.subject == self.person
        if is_going and self._added.get(room, 0) > entry.seq:
            self.wants.add(room)  # the self log was quicker: it is in again
        if room == self.person and entry.kind is EntryKind.room_added and entry.body.room:
            added, at_seq = RoomId(entry.body.room), entry.body.at_seq or 0
            self._added[added] = at_seq
            if added not in self.following and added not in self._asked:
                self.positions[added] = max(at_seq - 1, self.positions.get(added, 0))
            if added not in self.following or self.positions[added] < at_seq:
                self.wants.add(added)

    def _take_skip(self, skip: Skip) -> None:
        true = self._truth.rooms[RoomId(skip.room)]
        for seq in range(skip.from_seq, skip.to_seq + 1):
            assert self._truth.may_be_skipped(self.person, true, seq), (
                f"{self}: {skip} hides {true.entries[seq - 1]}"
            )
        self.positions[RoomId(skip.room)] = skip.to_seq

    def _follows(self, room: RoomId, seq: int) -> bool:
        """Whether this is the next of a room it follows; what comes before the first answer is not counted."""
        if room in self._asked or (not self._answered and room == self.person):
            return False
        if room in self._owed and room not in self.following:
            assert seq <= self._truth.rooms[room].was_out_by(self.person), (
                f"{self}: {seq} of {room}"
            )
            return False
        assert room in self.following, f"{self}: seq {seq} of {room.int}, not asked for"
        held = self.positions[room]
        assert seq == held + 1, f"{self}: seq {seq} of {room.int} after {held}"
        return True
