"""Presence, as the hub and its connections see it: who came, who went, who looks, who watches.

    sockets --> devices --> rollcall <--> the roll
                               |
    sockets <-- watching <-- view

Owns how its parts are put together. Must never decide anything: devices, tenure, view and watchers do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final, Protocol

from prometheus_client import CollectorRegistry

from muster.devices import IDLE_AFTER_S, Devices, Here, Key
from muster.ids import PersonId, RoomId
from muster.presence import Attention
from muster.view import View
from proto import frames
from proto.entry import EntryKind
from proto.frames import Presences, Watch
from realtime.people import People
from realtime.presence_counts import PresenceCounts
from realtime.rollcall import Outside, RollCall
from realtime.room import Kept, LocalRoom
from realtime.rosters import Rosters
from realtime.socket import Socket
from realtime.watching import Watching
from realtime.wheel import Wheel

_RELATIONS: Final = frozenset(
    {
        EntryKind.contact,
        EntryKind.block,
        EntryKind.unblock,
        EntryKind.room_added,
        EntryKind.room_removed,
    }
)
_GOING: Final = frozenset({EntryKind.leave, EntryKind.kick})


class Presence(Protocol):
    """What the hub tells presence. Everything returns at once but `watch`, which raises `Refused`."""

    def came(self, socket: Socket) -> None: ...

    def gone(self, socket: Socket, *, clean: bool) -> None:
        """The socket ends, or will; `clean`: its person is not coming back with it."""
        ...

    def look(self, socket: Socket, frame: frames.Attention) -> None: ...
    async def watch(self, socket: Socket, frame: Watch) -> Presences: ...

    def related(self, people: Iterable[PersonId]) -> None:
        """Who may see whom has changed for these people."""
        ...

    def news(self, room: LocalRoom, kept: Kept) -> None:
        """An entry that is no message is about to be delivered."""
        ...

    def missed(self, room: RoomId) -> None:
        """Entries of this room were jumped over."""
        ...

    def start(self, tasks: asyncio.TaskGroup) -> None: ...


class Unknown:
    """The presence of a hub that has no roll: nothing is known of anybody."""

    def came(self, socket: Socket) -> None:
        """Nobody is told."""

    def gone(self, socket: Socket, *, clean: bool) -> None:
        """Nobody is told."""

    def look(self, socket: Socket, frame: frames.Attention) -> None:
        """Nobody is told."""

    async def watch(self, socket: Socket, frame: Watch) -> Presences:  # noqa: ARG002  # part of the contract
        return Presences(frame.id, [], whole=True, known=False)

    def related(self, people: Iterable[PersonId]) -> None:
        """Nobody watches."""

    def news(self, room: LocalRoom, kept: Kept) -> None:
        """Nobody watches."""

    def missed(self, room: RoomId) -> None:
        """Nobody watches."""

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Nothing runs."""


class RolledPresence:
    """See `Presence`: by the roll."""

    def __init__(
        self,
        outside: Outside,
        wheel: Wheel,
        people: People,
        registry: CollectorRegistry | None,
    ) -> None:
        counts = PresenceCounts(registry)
        self._clock = outside.clock
        self._wheel = wheel
        self._devices = Devices(outside.grace_s)
        view = View()
        self._call = RollCall(outside, self._devices, view, counts)
        self._rosters = Rosters(outside.reader, people, view, outside.clock)
        self._watching = Watching(outside.reader, people, view, self._rosters, self._call, counts)
        self._call.wire(self._watching.tell)

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Call the roll, and tell, for as long as the hub runs."""
        tasks.create_task(self._call.run())
        tasks.create_task(self._watching.run())

    # Sockets

    def came(self, socket: Socket) -> None:
        now = self._clock.monotonic()
        here = self._devices.came(_key(socket), socket, self._call.stamp_ms(), now)
        self._wheel.schedule(here, here.next_at)

    def gone(self, socket: Socket, *, clean: bool) -> None:
        self._watching.drop(socket)
        now = self._clock.monotonic()
        self._look_at(self._devices.gone(_key(socket), socket, clean=clean, now=now))

    def look(self, socket: Socket, frame: frames.Attention) -> None:
        now = self._clock.monotonic()
        room = None if frame.room is None else frame.room.bytes
        attention = Attention[frame.state]
        here = self._devices.looked(_key(socket), socket, attention, room, now)
        if here is not None:
            self._wheel.schedule(here, now + IDLE_AFTER_S)
        self._look_at(here)

    def _look_at(self, here: Here | None) -> None:
        if here is not None and here.next_at != float("inf"):
            self._wheel.schedule(here, here.next_at)

    async def watch(self, socket: Socket, frame: Watch) -> Presences:
        return await self._watching.watch(socket, frame)

    # The hub

    def related(self, people: Iterable[PersonId]) -> None:
        for person in people:
            self._watching.related(person.bytes)

    def news(self, room: LocalRoom, kept: Kept) -> None:
        if kept.kind is EntryKind.join and kept.subject is not None:
            self._rosters.joined(room.id, kept.subject)
        elif kept.kind in _GOING and kept.subject is not None:
            self._rosters.left(room.id, kept.subject)
        elif kept.kind in _RELATIONS:
            self._watching.related(room.key)
        elif kept.kind is EntryKind.privacy:
            self._devices.read_again([room.key])

    def missed(self, room: RoomId) -> None:
        self._rosters.missed(room)
        # In a self log: contacts, blocks and settings may have changed unseen.
        self._watching.related(room.bytes)
        self._devices.read_again([room.bytes])


def _key(socket: Socket) -> Key:
    return Key(socket.person.bytes, socket.device.bytes)
