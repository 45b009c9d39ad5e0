"""Hubs, phones and a bus that loses, repeats and reorders, on one jumping clock and by one seed.

Owns what happens to them, and what must hold when all is quiet again. Must never help: hubs learn of a change by
the lanes, by their own writer, or from the slow reader.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from uuid import UUID

from muster.errors import unavailable
from muster.ids import CONTROL_ROOM, DeviceId, PersonId, RoomId
from muster.lane import LaneEntry, lane_of
from muster.op import Op, Outcome
from muster.permission import PRESENT, Relation, RoomKind
from muster.pointer import ReceivedMark
from realtime.batching import DEFAULT_PACE, Pace
from realtime.wiring import Assembled, Outside, assemble
from tests.sim.device import GENERATION, Device
from tests.sim.time import LoopClock, passing
from tests.sim.truth import SlowReader, TrueRoom, Truth

LANES = 4
PEOPLE = 6
QUIET_S = 8.0
"""A doubt within 1.5 s of every loss, then a read or two: promise 4 says 5 s after the commit."""

PACES = (DEFAULT_PACE, Pace(1.0, 0.01), Pace(1.0, 0.25))
"""Rooms that are seldom busy, and rooms that nearly always are, with windows in which much else happens."""


class Nothing:
    """Pointers and ephemera are not what is tried here."""

    async def received_marks(self, marks: Sequence[ReceivedMark]) -> None:
        raise unavailable(f"{len(marks)} marks")

    async def submit(self, op: Op) -> Outcome:
        raise unavailable(op.kind)

    async def publish(self, entries: Sequence[LaneEntry]) -> None:
        assert not entries


class Lanes:
    """What one hub reads of the bus."""

    def __init__(self, hub: Assembled, rng: random.Random) -> None:
        self._hub = hub
        self._rng = rng
        self.lose = 0.0
        self._unreadable: frozenset[int] = frozenset()

    def carry(self, entries: list[LaneEntry]) -> None:
        """These were published."""
        loop, rng = asyncio.get_running_loop(), self._rng
        for entry in entries:
            lane = lane_of(entry.room, LANES)
            if lane in self._unreadable:
                continue
            if rng.random() < self.lose:
                loop.call_later(1.5 * rng.random(), self._hub.hub.doubt, frozenset({lane}))
                continue
            for _ in range(2 if rng.random() < 0.1 else 1):
                late = 0.6 if rng.random() < 0.1 else 0.005
                loop.call_later(late * rng.random(), self._hub.hub.entries, [entry])

    def cut(self, lanes: frozenset[int]) -> None:
        """These cannot be read for a while."""
        if not lanes & self._unreadable:
            self._unreadable |= lanes
            self._hub.hub.readable(lanes, False)
            asyncio.get_running_loop().call_later(5 * self._rng.random(), self._mend, lanes)

    def _mend(self, lanes: frozenset[int]) -> None:
        self._unreadable -= lanes
        self._hub.hub.doubt(lanes)
        self._hub.hub.readable(lanes, True)


class World:
    """Two hubs, six people with two devices each, four rooms."""

    def __init__(self, seed: int, tasks: asyncio.TaskGroup) -> None:
        self.rng = random.Random(seed)
        self.tasks = tasks
        people = [PersonId(UUID(int=n)) for n in range(1, PEOPLE + 1)]
        self.truth = Truth(people, self._told)
        self.readers = [SlowReader(self.truth, self.rng) for _ in range(2)]
        self.hubs = [self._hub(reader, PACES[seed % len(PACES)]) for reader in self.readers]
        self.lanes = [Lanes(hub, self.rng) for hub in self.hubs]
        self.rooms = [
            TrueRoom(RoomId(UUID(int=100)), RoomKind.public, "all"),
            TrueRoom(RoomId(UUID(int=101)), RoomKind.group, "from_join"),
            TrueRoom(RoomId(UUID(int=102)), RoomKind.group, "from_join"),
            TrueRoom(RoomId(UUID(int=103)), RoomKind.event, "all", crowd=198),
        ]
        for room in self.rooms:
            self.truth.create(room)
        self.devices = [
            Device(person, DeviceId(UUID(int=person.int * 1000 + n)), self.truth)
            for person in people
            for n in range(2)
        ]
        for hub in self.hubs:
            hub.start(tasks, self.rng)

    def _hub(self, reader: SlowReader, pace: Pace) -> Assembled:
        nothing = Nothing()
        outside = Outside(reader, reader, nothing, nothing, lambda _: nothing, LoopClock(), pace)
        return assemble(outside, LANES, GENERATION, 900_000, None)

    def _told(self, entries: list[LaneEntry]) -> None:
        author = self.rng.randrange(len(self.hubs) * 2)
        for n, hub in enumerate(self.hubs):
            if n == author:
                hub.hub.entries(entries)  # committed by this hub's own writer
            self.lanes[n].carry(entries)

    # What happens

    async def step(self) -> None:
        """One thing, at random; then a little time, or none."""
        happening = self.rng.choices(
            (self._talk, self._move, self._block, self._device, self._congest, self._trouble),
            (30, 14, 3, 16, 10, 3),
        )
        happening[0]()
        for device in self.devices:
            device.catch_up_with_self(self.tasks)
        if self.rng.random() < 0.6:
            await passing(self.rng.choice((0.0, 0.001, 0.01, 0.01, 0.05, 0.3, 2.0)))

    def _talk(self) -> None:
        room = self.rng.choice(self.rooms)
        inside = [person for person in self.truth.people if room.has(person)]
        if not inside:
            return
        author = self.rng.choice(inside)
        if room.head and self.rng.random() < 0.15:
            target = room.entries[self.rng.randrange(max(0, room.head - 30), room.head)]
            if target.body.text:
                self.truth.delete(author, room, target.seq)
        else:
            burst = self.rng.choices((1, 3, 90, 1_200, 2_500), (40, 10, 3, 0.3, 0.3))
            self.truth.post(author, room, burst[0])

    def _move(self) -> None:
        person, room = self.rng.choice(self.truth.people), self.rng.choice(self.rooms)
        others = [other for other in self.truth.people if room.has(other) and other != person]
        if not room.has(person):
            self.truth.join(person, room)
        elif self.rng.random() < 0.2:
            self.truth.role(person, person, room, self.rng.choice(sorted(PRESENT)))
        elif others and self.rng.random() < 0.6:
            self.truth.dismiss(self.rng.choice(others), person, room)
        else:
            self.truth.dismiss(person, person, room)
        if self.rng.random() < 0.2:
            self._move()

    def _block(self) -> None:
        one, other = self.rng.sample(self.truth.people, 2)
        self.truth.block(one, other, on=self.rng.random() < 0.6)

    def _device(self) -> None:
        device = self.rng.choice(self.devices)
        if device.socket is None:
            device.connect(self.rng.choice(self.hubs), self.tasks)
        elif self.rng.random() < 0.4:
            device.drop()
        elif device.is_idle:
            rooms: dict[RoomId, int | None] = {}
            for room in self.rng.sample(self.rooms, self.rng.randrange(len(self.rooms) + 1)):
                rooms[room.id] = self.rng.choice((None, device.positions.get(room.id)))
            device.ask(rooms, self.tasks)

    def _congest(self) -> None:
        sockets = [device.socket for device in self.devices if device.socket is not None]
        if sockets:
            socket = self.rng.choice(sockets)
            if socket.congested:
                socket.drain()
            else:
                socket.thinned = socket.congested = True

    def _trouble(self) -> None:
        n = self.rng.randrange(len(self.hubs))
        self.lanes[n].lose = self.rng.choice((0.0, 0.1, 0.5))
        self.readers[n].failing = self.rng.choice((0.0, 0.0, 0.3))
        if self.rng.random() < 0.3:
            self.lanes[n].cut(frozenset({self.rng.randrange(LANES)}))
        if self.rng.random() < 0.2:
            reader = self.readers[n]
            reader.down = True
            asyncio.get_running_loop().call_later(2.0, setattr, reader, "down", False)

    # What must hold

    async def quiet(self) -> None:
        """Faults end, everybody drains; and some seconds pass."""
        for lanes, reader in zip(self.lanes, self.readers, strict=True):
            lanes.lose = reader.failing = 0.0
        await passing(5.0)
        for device in self.devices:
            if device.socket is not None and device.socket.congested:
                device.socket.drain()
        for _ in range(20):
            await passing(QUIET_S / 20)
            for device in self.devices:
                device.catch_up_with_self(self.tasks)

    def check(self) -> None:
        """Every device has everything of what it follows, and nothing else is kept."""
        for device in self.devices:
            if device.hub is None:
                continue
            for room_id in device.following:
                room, held = self.truth.rooms[room_id], device.positions[room_id]
                upto = room.spans[device.person][-1].upto or room.head
                # Put out in what a hub jumped over: the self log alone tells of it.
                jumped = device.hub.hub._counts.jumped and not room.has(device.person)
                # In again for a moment only, and out before it had anything of that: the same.
                spans = room.spans[device.person]
                is_out = held in (*(span.upto for span in spans), spans[-1].joined - 1)
                behind = held < upto and not jumped and not (is_out and not room.has(device.person))
                assert not behind, f"{device} has {held} of {upto} in {room_id.int}"
                assert held <= upto, f"{device} has {held} of {upto} in {room_id.int}"
            self._check_seat(device)

    def _check_seat(self, device: Device) -> None:
        assert device.hub is not None
        hub = device.hub.hub
        seated = {room.id: room for room in hub.rooms() if device.person in room.members}
        true = {
            room.id
            for room in self.truth.rooms.values()
            if room.has(device.person) and room.id != CONTROL_ROOM
        }
        assert set(seated) == true, f"{device} sits in {seated.keys()}, belongs in {true}"
        for room_id, room in seated.items():
            relation = self.truth.rooms[room_id].relations[device.person]
            assert room.members[device.person].relation is Relation(relation)
            assert room.members[device.person].from_seq == (
                self.truth.rooms[room_id].spans[device.person][-1].start
            )

    def check_empty(self) -> None:
        """Everybody has gone: nothing is left of them."""
        for hub in self.hubs:
            parts, fill = hub._parts, hub._fill
            assert not hub.hub.rooms()
            assert not len(parts.people)
            assert not len(parts.catchup)
            assert not parts.hidden._by_author
            assert not parts.hidden._by_blocker
            assert not parts.people._sessions
            assert not parts.catchup._wanted
            assert not fill._due
            assert not fill._heads
            assert not fill._unchecked
            assert not parts.admissions._pairs
