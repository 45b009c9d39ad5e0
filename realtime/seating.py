"""Who sits in which room: members who are connected here, and how each of their sockets follows the room.

Owns the rooms of this process and the coming and going of people in them. Must never deliver or read anything.
"""

from __future__ import annotations

from muster.ids import PersonId
from muster.permission import Relation
from realtime.catchup import Catchup
from realtime.people import LocalPerson, People
from realtime.room import Attachment, LocalRoom, Member
from realtime.socket import Socket
from realtime.visibility import Hidden


class Seating:
    """Rooms with somebody here, by the bytes of their ids."""

    def __init__(self, people: People, hidden: Hidden, catchup: Catchup) -> None:
        self.rooms: dict[bytes, LocalRoom] = {}
        self._people = people
        self.hidden = hidden
        self._catchup = catchup

    def add(self, room: LocalRoom, person: LocalPerson, relation: Relation, from_seq: int) -> None:
        member = room.members.get(person.id)
        if member is not None:
            member.relation, member.from_seq = relation, from_seq
            return
        room.members[person.id] = Member(relation, from_seq)
        person.rooms[room.id] = room
        for socket in person.sockets:
            self._place(room, person, socket)

    def attach(self, person: LocalPerson, socket: Socket) -> None:
        """One more socket of somebody whose rooms are in place already."""
        for room in person.rooms.values():
            self._place(room, person, socket)

    def _place(self, room: LocalRoom, person: LocalPerson, socket: Socket) -> None:
        """A new socket hears its self log, and of other rooms that they moved, until it asks for more."""
        if room.id == person.id:
            room.live[socket] = Attachment(socket, room, room.position)
        else:
            room.watching.add(socket)

    def remove(self, room: LocalRoom, person_id: PersonId, until: int) -> None:
        """This person is out of the room since `until`, the last seq they may get."""
        if room.members.pop(person_id, None) is None:
            return
        person = self._people.get(person_id.bytes)
        if person is not None:
            person.rooms.pop(room.id, None)
            for socket in person.sockets:
                room.live.pop(socket, None)
                room.watching.discard(socket)
                if (behind := room.catching_up.get(socket)) is not None:
                    behind.until = until
                    self._catchup.go_on(socket)
        self.forget_if_empty(room)

    def detach(self, person: LocalPerson, socket: Socket, *, gone: bool) -> None:
        """A socket has left; with the last one its person leaves too."""
        for room in list(person.rooms.values()):
            room.live.pop(socket, None)
            room.watching.discard(socket)
            if gone:
                room.members.pop(person.id, None)
                self.forget_if_empty(room)
        if gone:
            self.hidden.replace(person.id, ())
        for room in self._catchup.drop(socket):
            self.forget_if_empty(room)

    def forget_if_empty(self, room: LocalRoom) -> None:
        """Nobody is here for this room any more: its entries are skipped from now on."""
        if room.is_empty:
            self.rooms.pop(room.key, None)
