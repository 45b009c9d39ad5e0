"""How the parts of a hub are put together: by hand, here, once per process.

Owns the construction and the list of what runs. Must never open a connection: what speaks to Postgres and Redis
is passed in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from prometheus_client import CollectorRegistry

from muster.bus import Publisher
from muster.clock import Clock
from muster.control import ControlLog, ControlReader, ControlView
from muster.ids import PersonId, Random, RoomId, SystemRandom
from muster.lane import LaneEntry, of_ephemeral
from muster.membership import HubReader
from proto.frames import Entry, Pointer
from realtime.admission import Admissions
from realtime.attendance import Attendance, Parts
from realtime.batching import DEFAULT_PACE, Batching, Pace
from realtime.catchup import Catchup
from realtime.counts import HubCounts
from realtime.entrance import Entrance, Wiring
from realtime.ephemera import Ephemera
from realtime.fill import Fill
from realtime.hearsay import Hears
from realtime.hub import Hub
from realtime.people import People
from realtime.pointers import Pointers, PointerStore, Submitter
from realtime.presence import Presence, Unknown
from realtime.pulse import Pulse
from realtime.room import Kept, LocalRoom
from realtime.seating import Seating
from realtime.visibility import Hidden

TOKEN_LEEWAY_MS = 120_000
"""A revoked session is remembered so much longer than its last token lives: clocks differ."""


_DEAF: Final = Hears()
MakePresence = Callable[[People, CollectorRegistry | None], Presence]


def _unknown(_people: People, _registry: CollectorRegistry | None) -> Presence:
    return Unknown()


@dataclass(frozen=True, slots=True)
class Outside:
    """What a hub needs of the world. `presence` makes its own from the hub's people."""

    reader: HubReader
    control: ControlReader
    pointers: PointerStore
    publisher: Publisher
    make_writer: Callable[[Callable[[list[LaneEntry]], None]], Submitter]
    clock: Clock
    pace: Pace = DEFAULT_PACE
    presence: MakePresence = _unknown
    hears: Hears = _DEAF


@dataclass(frozen=True, slots=True)
class Assembled:
    """A hub that only needs to run. `hub` listens to the tail, `attendance` serves connections."""

    hub: Hub
    attendance: Attendance
    control: ControlLog
    writer: Submitter
    _parts: Parts
    _fill: Fill
    _pulse: Pulse
    _ephemera: Ephemera

    def start(self, tasks: asyncio.TaskGroup, random: Random | None = None) -> None:
        """Everything that runs for as long as the hub does. `random` spreads what hubs would do in step."""
        tasks.create_task(self._parts.admissions.run())
        tasks.create_task(self._parts.catchup.run())
        tasks.create_task(self._parts.pointers.run())
        tasks.create_task(self._fill.run())
        tasks.create_task(self._fill.run_checks(random or SystemRandom(), self.hub.unread_rooms))
        tasks.create_task(self._pulse.run())
        tasks.create_task(self._ephemera.run())
        tasks.create_task(self.control.run())
        self._parts.presence.start(tasks)


def assemble(
    outside: Outside,
    lanes: int,
    generation: UUID,
    token_ms: int,
    registry: CollectorRegistry | None,
) -> Assembled:
    """Put a hub together. Must be called in the loop it will run in."""
    loop = asyncio.get_running_loop()
    people, hidden, counts = People(), Hidden(), HubCounts(registry)
    pulse = Pulse(hidden)

    def left(room: LocalRoom) -> None:
        seating.forget_if_empty(room)

    def forgotten(key: bytes, seq: int) -> None:
        admissions.note(key, seq)

    catchup = Catchup(outside.reader, hidden, loop.call_soon, left)
    seating = Seating(people, hidden, catchup, forgotten)
    counts.gauge("muster_people", "People with a socket here", lambda: len(people))
    counts.gauge("muster_rooms", "Rooms with a member here", lambda: len(seating.rooms))
    counts.gauge(
        "muster_sockets_catching_up", "Sockets that are behind in a room", lambda: len(catchup)
    )
    hub = Hub(lanes, people, seating, catchup, pulse, counts)
    entrance = Entrance(people, seating, counts)
    admissions = Admissions(outside.reader, entrance.admit, entrance.joined)
    fill = Fill(outside.reader, hub.rooms, hub.filled, hub.jump, outside.clock, counts)
    ephemera = Ephemera(outside.publisher, counts)
    writer = outside.make_writer(hub.entries)
    view = ControlView(token_ms + TOKEN_LEEWAY_MS)

    def tell(room: RoomId, person: PersonId, pointer: Pointer) -> None:
        ephemera.put(of_ephemeral(room, person, pointer))

    pointers = Pointers(outside.pointers, writer, tell)
    presence = outside.presence(people, registry)
    parts = Parts(
        entrance, seating, people, hidden, catchup, admissions, pointers, counts, presence
    )
    attendance = Attendance(parts, view, generation, ephemera.put)

    def controlled(entry: Entry) -> None:
        attendance.control(entry)
        outside.hears.control(entry)

    def news(room: LocalRoom, kept: Kept) -> None:
        presence.news(room, kept)
        outside.hears.news(room, kept)

    def missed(room: RoomId) -> None:
        presence.missed(room)
        outside.hears.missed(room)

    control = ControlLog(outside.control, view, outside.clock, controlled)
    told = Wiring(
        hole=fill.hole,
        behind=fill.behind,
        check=fill.check,
        read_again=admissions.read_again,
        note=admissions.note,
        control=control.seen,
        news=news,
        missed=missed,
    )
    hub.wire(told, Batching(outside.pace, outside.clock, loop.call_later, hub.arrive))
    entrance.wire(told)
    return Assembled(hub, attendance, control, writer, parts, fill, pulse, ephemera)
