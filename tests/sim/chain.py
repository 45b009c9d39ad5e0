"""The whole way of an entry in one simulation: writers, outlets, leases, a bus that loses and reorders, hubs, outboxes.

    phone -> Writer (RoomQueues) -> Database -> Outlet -> Wire (lossy) -> Hub -> Catchup -> Outbox -> phone
                                       ^  leases  -> Republisher -> Wire

Everything between Database and phone is the product's own. Owns processes and what happens to them. Must never help.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from uuid import UUID

from prometheus_client import CollectorRegistry

from muster.bus import Unpublished
from muster.errors import Refused
from muster.ids import DeviceId, PersonId, RoomId
from muster.lane import LaneEntry, lane_of
from muster.metrics import WriterMetrics
from muster.op import Op
from muster.outlet import Local, Outlet
from muster.permission import RoomKind
from muster.republish import Republisher
from muster.writer import Writer
from realtime.batching import Pace
from realtime.wiring import Outside, assemble
from tests.sim.database import Batches, Database, TruthLeases
from tests.sim.device import GENERATION
from tests.sim.ladder import BOUND, LadderDevice, LadderSocket
from tests.sim.time import LoopClock, passing
from tests.sim.truth import SlowReader, TrueRoom
from tests.sim.world import LANES, Nothing

PEOPLE = 3
TICKS = 50
"""In one turn at most: a hub sends as fast as a reader takes it."""

QUIET_S = 12.0
"""A lease is 2 s, a look at leases 1.25 s, a doubt 1.5 s, a submission 1.9 s, and then there are retries."""

PACE = Pace(run_bytes=BOUND // 16)
"""As a hub makes it of its sockets' bound."""


class Wire:
    """The bus: from any process to all that live; it loses, repeats and reorders, and casts doubt in time."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.ends: list[Process] = []
        self.carried: set[tuple[bytes, int]] = set()
        self.lose = 0.0
        self.refuse = 0.0

    async def publish(self, entries: Sequence[LaneEntry]) -> None:
        """See `muster.bus.Publisher`."""
        await passing(0.002 * self._rng.random())
        if self._rng.random() < self.refuse:
            self._carry(entries[: len(entries) // 2])
            raise Unpublished
        self._carry(entries)
        self.carried.update((entry.room, entry.seq) for entry in entries)

    def _carry(self, entries: Sequence[LaneEntry]) -> None:
        loop, rng = asyncio.get_running_loop(), self._rng
        for process in self.ends:
            for entry in entries:
                if rng.random() < self.lose:
                    lane = frozenset({lane_of(entry.room, LANES)})
                    loop.call_later(1.5 * rng.random(), process.doubt, lane)
                    continue
                for _ in range(2 if rng.random() < 0.1 else 1):
                    late = 0.4 if rng.random() < 0.1 else 0.004
                    loop.call_later(late * rng.random(), process.entries, [entry])


class Process:
    """One hub with its writer, and a part in looking after leases."""

    def __init__(
        self, database: Database, wire: Wire, rng: random.Random, tasks: asyncio.TaskGroup
    ) -> None:
        self._rng = rng
        self.reader = SlowReader(database.truth, rng)
        self.batches = [Batches(database, rng) for _ in range(2)]
        self.dead = False
        clock, nothing = LoopClock(), Nothing()

        def make_writer(local: Local) -> Writer:
            return Writer(
                self.batches[:1],
                self.batches[1],
                lambda: Outlet(wire, lambda: UUID(int=rng.getrandbits(128)), local),
                clock,
                WriterMetrics(CollectorRegistry()),
            )

        reader = self.reader
        outside = Outside(reader, reader, nothing, nothing, make_writer, clock, PACE)
        self.hub = assemble(outside, LANES, GENERATION, 900_000, None)
        self._republisher = Republisher(
            TruthLeases(database), wire, CollectorRegistry(), random.Random(rng.random())
        )
        self._life = tasks.create_task(self._live())
        wire.ends.append(self)
        self._wire = wire

    async def _live(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            self.hub.start(tasks, self._rng)
            assert isinstance(self.hub.writer, Writer)
            tasks.create_task(self.hub.writer.run())
            tasks.create_task(self._republisher.run())

    def entries(self, batch: list[LaneEntry]) -> None:
        if not self.dead:
            self.hub.hub.entries(batch)

    def doubt(self, lanes: frozenset[int]) -> None:
        if not self.dead:
            self.hub.hub.doubt(lanes)

    def kill(self) -> None:
        """It is gone, whatever it was about to do."""
        self.dead = True
        self._wire.ends.remove(self)
        self._life.cancel()


class Chain:
    """Two processes, three people with two devices each, two rooms."""

    def __init__(self, seed: int, tasks: asyncio.TaskGroup) -> None:
        """`tasks` owns what runs; nobody waits for its end, for a step of the machine comes and goes."""
        self._group = tasks
        self.rng = random.Random(seed)
        people = [PersonId(UUID(int=n)) for n in range(1, PEOPLE + 1)]
        self.database = Database(people)
        self.truth = self.database.truth
        self.wire = Wire(self.rng)
        self.processes = [
            Process(self.database, self.wire, self.rng, self._group) for _ in range(2)
        ]
        self.rooms = [
            TrueRoom(RoomId(UUID(int=100)), RoomKind.public, "all"),
            TrueRoom(RoomId(UUID(int=101)), RoomKind.group, "from_join"),
        ]
        for room in self.rooms:
            self.truth.create(room)
        self.devices = [
            LadderDevice(person, DeviceId(UUID(int=person.int * 1000 + n)), self.truth)
            for person in people
            for n in range(2)
        ]
        self.acked: dict[tuple[RoomId, PersonId, str], int] = {}
        self.unsure: list[Op] = []
        self._said = 0

    # What happens, one thing each

    def say(self, n: int) -> None:
        """Somebody posts by the writer of some process; or repeats what they had no answer to."""
        again = self.unsure and n % 3 == 0
        self._submit(self.unsure.pop(0) if again else self._op("post", n), n)

    def move(self, n: int) -> None:
        """Somebody comes, goes, or is put out."""
        person, room = self.truth.people[n % PEOPLE], self.rooms[n % len(self.rooms)]
        if not room.has(person):
            self._submit(self._op("join", n), n)
        else:
            self._submit(self._op("kick", n, self.truth.people[n // 7 % PEOPLE]), n)

    def _op(self, kind: str, n: int, subject: PersonId | None = None) -> Op:
        self._said += 1
        person, room = self.truth.people[n % PEOPLE], self.rooms[n % len(self.rooms)]
        return Op(kind, room.id, person, f"c{self._said}", 0, subject=subject)

    def _submit(self, op: Op, n: int) -> None:
        process = self.processes[n // 2 % len(self.processes)]
        self._group.create_task(self._ask(process, op))

    async def _ask(self, process: Process, op: Op) -> None:
        key = (op.room, op.author, op.client_id)
        try:
            outcome = await process.hub.writer.submit(op)
        except Refused as refused:
            if refused.temporary:
                self.unsure.append(op)
            else:
                assert key not in self.database.known, f"{op} was refused, and is in the log"
            return
        assert self.database.known.get(key) == outcome.seq, f"{op} was acked as {outcome.seq}"
        assert self.acked.setdefault(key, outcome.seq) == outcome.seq, f"{op} was acked twice"

    def come_or_go(self, n: int) -> None:
        """A device connects, breaks off, or asks for a room from where it is."""
        device = self.devices[n % len(self.devices)]
        if device.socket is None:
            self._connect(device, n)
        elif n % 5 == 0:
            device.drop()
        elif device.is_idle:
            self._attend(device)

    def _connect(self, device: LadderDevice, n: int) -> None:
        process = self.processes[n // 3 % len(self.processes)]
        device.connect(process.hub, self._group)

    def _attend(self, device: LadderDevice) -> None:
        rooms: dict[RoomId, int | None] = {}
        for room in self.rooms:
            live = room.id in device.following
            rooms[room.id] = None if live else device.positions.get(room.id)
        device.ask(rooms, self._group)

    def stall(self, n: int) -> None:
        """A reader stops, or reads on."""
        socket = self.devices[n % len(self.devices)].socket
        if isinstance(socket, LadderSocket):
            (socket.read_on if socket.blocked else socket.stall)()

    def trouble(self, n: int) -> None:
        """Bus, database and readers get worse, or better."""
        self.wire.lose = (0.0, 0.0, 0.2, 0.6)[n % 4]
        self.wire.refuse = (0.0, 0.0, 0.5, 1.0)[n // 4 % 4]
        for process in self.processes:
            for batches in process.batches:
                batches.trouble = (0.0, 0.2, 0.7)[n // 16 % 3]
            process.reader.failing = (0.0, 0.3)[n // 48 % 2]

    def kill(self, n: int) -> None:
        """A process dies between any two steps; another takes its place at once."""
        gone = self.processes.pop(n % len(self.processes))
        for device in self.devices:
            if device.hub is gone.hub and device.socket is not None:
                if device.errand is not None:
                    device.errand.cancel()
                assert isinstance(device.socket, LadderSocket)
                device.socket.over = True  # whatever it still does reaches nobody
                device.socket = device.hub = device.errand = None
        gone.kill()
        self.processes.append(Process(self.database, self.wire, self.rng, self._group))

    async def turn(self, seconds: float) -> None:
        """Some time passes; at the end of each tick sockets are written, and who is over the bound is closed."""
        await passing(seconds)
        for _ in range(TICKS):
            if not self._written():
                break
            await passing(0.0)  # who has drained is brought further, and that is written too
        for device in self.devices:
            device.catch_up_with_self(self._group)

    def _written(self) -> bool:
        """Whether anybody was sent anything."""
        written = False
        for device in self.devices:
            socket = device.socket
            if isinstance(socket, LadderSocket):
                written = socket.flush() or written
                assert socket.outbox.queued < BOUND + 400, f"{device}: an outbox without a bound"
                if socket.over:
                    device.drop()
        return written

    # What must hold

    async def quiet(self) -> None:
        """Trouble ends, everybody comes back and reads; unanswered posts are repeated."""
        self.trouble(0)
        for device in self.devices:
            if isinstance(device.socket, LadderSocket) and device.socket.blocked:
                device.socket.read_on()
            if device.socket is None:
                self._connect(device, self.rng.randrange(100))
        unsure, self.unsure = self.unsure, []
        for op in unsure:
            self._submit(op, self.rng.randrange(100))
        for n in range(24):
            await self.turn(QUIET_S / 24)
            if n == 6:
                for device in self.devices:
                    if device.socket is None:
                        self._connect(device, n)
                    elif device.is_idle:
                        self._attend(device)
        await self._last_words()

    async def _last_words(self) -> None:
        """The last entry of each room is lost on the bus, and nothing ever follows it."""
        self.wire.lose = 1.0
        for n, room in enumerate(self.rooms):
            inside = [person for person in self.truth.people if room.has(person)]
            if inside:
                self._said += 1
                self._submit(Op("post", room.id, inside[0], f"c{self._said}", 0), n)
        for n in range(12):
            await self.turn(0.5)
            if n == 0:
                self.wire.lose = 0.0

    def check(self) -> None:
        """All is published, no lease is left over, and every device that follows has everything."""
        now = asyncio.get_running_loop().time()
        late = [ranges for until, ranges in self.database.leases.values() if until < now - 4]
        assert not late, f"leases that nobody looks after: {late}"
        for room in self.truth.rooms.values():
            unsaid = [
                e.seq for e in room.entries if (room.id.bytes, e.seq) not in self.wire.carried
            ]
            assert not unsaid, f"{unsaid} of room {room.id.int} were never on the bus"
        for device in self.devices:
            for room_id in device.following if device.socket is not None else ():
                room, held = self.truth.rooms[room_id], device.positions[room_id]
                upto = room.spans[device.person][-1].upto or room.head
                out = held in [span.upto for span in room.spans[device.person]]
                assert held == upto or out, f"{device} has {held} of {upto} in {room_id.int}"

    async def end(self) -> None:
        """Everything stops."""
        for device in self.devices:
            device.drop()
        for process in self.processes:
            process.kill()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
