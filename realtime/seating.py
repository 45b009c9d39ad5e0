"""Who sits in which room: members who are connected here, and how each of their sockets follows the room.

Owns the rooms of this process and the coming and going of people in them. Must never deliver or read anything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from muster.ids import PersonId
from muster.permission import Relation
from realtime.catchup import Catchup
from realtime.people import LocalPerson, People
from realtime.room import Attachment, LocalRoom, Member
from realtime.socket import Socket
from realtime.visibility import Hidden

LEFT_KEPT: Final = 10_000
"""Rooms lately forgotten; how far they had come matters only while a query of then is under way."""


class Seating:
    """Rooms with somebody here, by the bytes of their ids."""

    def __init__(
        self,
        people: People,
        hidden: Hidden,
        catchup: Catchup,
        forgotten: Callable[[bytes, int], None],
    ) -> None:
        """`forgotten` is told a room that is forgotten, and how far its log is known to go."""
        self.rooms: dict[bytes, LocalRoom] = {}
        self._people = people
        self.hidden = hidden
        self._catchup = catchup
        self._forgotten = forgotten
        self._left_at: dict[bytes, int] = {}

    def add(
        self, room: LocalRoom, person: LocalPerson, relation: Relation, from_seq: int, as_of: int
    ) -> None:
        """This person is in the room; so it was at seq `as_of`."""
        member = room.members.get(person.id)
        if member is not None:
            member.relation, member.from_seq, member.as_of = relation, from_seq, as_of
            if from_seq > room.position + 1:
                # They were out meanwhile: what comes before they were in again is not for them.
                for socket in room.live.keys() & person.seated:
                    self._catchup.start(Attachment(socket, room, room.position))
            return
        room.members[person.id] = Member(relation, from_seq, as_of)
        person.rooms[room.id] = room
        for socket in person.seated:
            self._place(room, person, socket)

    def attach(self, person: LocalPerson, socket: Socket) -> None:
        """A socket of somebody whose rooms are in place is let in."""
        person.seated += (socket,)
        for room in person.rooms.values():
            self._place(room, person, socket)

    def _place(self, room: LocalRoom, person: LocalPerson, socket: Socket) -> None:
        """A new socket hears of rooms that they moved, until it asks for more.

        Of its self log it hears when it resumes: before, what comes might not begin where the device stands.
        """
        if room.id != person.id:
            room.watching[socket] = None

    def remove(self, room: LocalRoom, person_id: PersonId, until: int) -> None:
        """This person is out of the room since `until`, the last seq they may get."""
        member = room.members.pop(person_id, None)
        if member is None:
            return
        person = self._people.get(person_id.bytes)
        if person is not None:
            person.rooms.pop(room.id, None)
            for socket in person.sockets:
                room.live.pop(socket, None)
                room.watching.pop(socket, None)
                behind = room.catching_up.get(socket)
                # One that was out before, and came back, is still owed what it was owed then.
                if behind is not None and behind.until is None:
                    behind.since, behind.until = member.from_seq, until
                    self._catchup.go_on(socket)
        self.forget_if_empty(room)

    def detach(self, person: LocalPerson, socket: Socket, *, gone: bool) -> None:
        """A socket has left; with the last one its person leaves too."""
        for room in list(person.rooms.values()):
            room.live.pop(socket, None)
            room.watching.pop(socket, None)
            if gone:
                room.members.pop(person.id, None)
                self.forget_if_empty(room)
        if gone:
            self.hidden.replace(person.id, ())
        for room in self._catchup.drop(socket):
            self.forget_if_empty(room)

    def is_old_news(self, room: bytes, head: int) -> bool:
        """Whether what was read of a room as of `head` is older than what was seen of it before it was forgotten."""
        return room not in self.rooms and head < self._left_at.get(room, 0)

    def forget_if_empty(self, room: LocalRoom) -> None:
        """Nobody is here for this room any more: its entries are skipped from now on."""
        if room.is_empty and not room.forgotten:
            room.forgotten = True
            del self.rooms[room.key]
            self._forgotten(room.key, max(room.position, max(room.held, default=0)))
            self._left_at.pop(room.key, None)
            self._left_at[room.key] = room.position
            if len(self._left_at) > LEFT_KEPT:
                del self._left_at[next(iter(self._left_at))]
