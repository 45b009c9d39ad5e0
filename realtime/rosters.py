"""The rooms whose presence somebody here watches, and what is told of each as a whole.

Owns one roster per room, kept by joins and goings, and the samples and counts of large rooms. Must never tell of one
member's change: realtime/watching.py does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from uuid import UUID

from muster.acquaintance import AcquaintanceReader
from muster.clock import Clock
from muster.errors import Refused
from muster.ids import RoomId
from muster.presence import OFFLINE, Told
from muster.view import View
from proto.frames import PersonPresence, RoomPresence
from realtime.people import People
from realtime.roster import Roster
from realtime.socket import Socket
from realtime.watcher import Watcher


class Rosters:
    """All rosters of one hub; every member is watched in the view."""

    def __init__(
        self, reader: AcquaintanceReader, people: People, view: View, clock: Clock
    ) -> None:
        self._reader = reader
        self._people = people
        self._view = view
        self._clock = clock
        self._all: dict[RoomId, Roster] = {}
        self._reload: dict[RoomId, None] = {}

    async def of(self, socket: Socket, room: UUID) -> Roster | None:
        """The roster of a room that its person is in, as far as this hub knows; else None, as if there were none."""
        person = self._people.get(socket.person.bytes)
        here = None if person is None else person.rooms.get(RoomId(room))
        if here is None or here.id == socket.person:
            return None
        roster = self._all.get(here.id)
        if roster is None:
            members = await self._reader.roster(here.id)
            # Nobody watches it yet; `enter` sees to it that there is one roster of each room.
            roster = self._all.get(here.id) or Roster(here.id, here.kind, members)
        return roster

    def enter(self, watcher: Watcher, found: Roster) -> None:
        """This watcher hears of the room from now on."""
        roster = self._all.get(found.room)
        if roster is None:
            roster = self._all[found.room] = found
            for member in roster.members or ():
                self._view.watch(member)
        roster.watchers.add(watcher)
        roster.dirty = True
        if roster not in watcher.rosters:
            watcher.rosters.append(roster)

    def leave(self, watcher: Watcher, roster: Roster) -> None:
        """This watcher hears of the room no longer; with the last one it is forgotten."""
        roster.watchers.discard(watcher)
        if roster in watcher.rosters:
            watcher.rosters.remove(roster)
        if not roster.watchers and self._all.get(roster.room) is roster:
            del self._all[roster.room]
            for member in roster.members or ():
                self._view.unwatch(member)

    def holding(self, person: bytes) -> Iterator[Roster]:
        """The watched rooms that this person is in."""
        return (roster for roster in self._all.values() if roster.has(person))

    # Who comes and goes

    def joined(self, room: RoomId, person: bytes) -> None:
        """Somebody has come into a room."""
        roster = self._all.get(room)
        if roster is not None and roster.members is not None and person not in roster.members:
            roster.members.add(person)
            self._view.watch(person)
            self._reformed(roster)

    def left(self, room: RoomId, person: bytes) -> None:
        """Somebody has gone from a room: nobody there hears of them by it, nor do they of the room."""
        roster = self._all.get(room)
        if roster is None:
            return
        for watcher in [w for w in roster.watchers if w.me == person]:
            watcher.stale = True
            self.leave(watcher, roster)
        if self._all.get(room) is roster and roster.has(person):
            assert roster.members is not None
            self._withdraw(roster, person)
            roster.members.discard(person)
            self._view.unwatch(person)
            self._reformed(roster)

    def _withdraw(self, roster: Roster, person: bytes) -> None:
        """Who heard of this person by the room alone is told that they are no longer there."""
        for watcher in roster.watchers:
            watcher.stale = watcher.stale or roster.tells(
                person, contact=person in watcher.known.contacts
            )

    def _reformed(self, roster: Roster) -> None:
        roster.dirty = True
        if roster.form != roster.told_form:
            for watcher in roster.watchers:
                watcher.stale = True

    def missed(self, room: RoomId) -> None:
        """Entries of this room were jumped over: who is in it is read again."""
        if room in self._all:
            self._reload[room] = None

    async def read_again(self) -> None:
        """Read who is in rooms of which entries were missed. Raises `Refused`."""
        for room in list(self._reload):
            del self._reload[room]  # what is missed while it is read has it read again
            try:
                await self._read(room)
            except Refused:
                self._reload[room] = None
                raise

    async def _read(self, room: RoomId) -> None:
        members = await self._reader.roster(room)
        roster = self._all.get(room)
        if roster is None or roster.members is None or members is None:
            return
        for person in members - roster.members:
            self.joined(room, person)
        for person in roster.members - members:
            self.left(room, person)

    # What is told of a room as a whole

    def send_all(self) -> None:
        for roster in self._all.values():
            if roster.dirty:
                roster.dirty = False
                if roster.form != "names" or roster.form != roster.told_form:
                    self.send(roster, roster.watchers)
                roster.told_form = roster.form

    def send(self, roster: Roster, watchers: Iterable[Watcher]) -> None:
        now_ms = self._clock.now_ms()
        online = None if roster.form == "names" else roster.online(self._view.told)
        sample = roster.sample(self._view.told)
        for watcher in watchers:
            if watcher.socket.congested:
                roster.dirty = True
                continue
            seen = [(p, watcher.sees(p, self._view.told(p), now_ms)[0]) for p in sample]
            people = [presence_of(p, told, None) for p, told in seen if told != OFFLINE]
            watcher.socket.send(RoomPresence(0, roster.room, roster.form, online, people))


def presence_of(person: bytes, told: Told, room: bytes | None) -> PersonPresence:
    """As it is sent."""
    return PersonPresence(
        UUID(bytes=person),
        told.state,  # type: ignore[arg-type]  # a PresenceState
        told.busy_until_ms,
        told.text,
        told.emoji,
        told.text_until_ms,
        None if room is None else UUID(bytes=room),
    )
