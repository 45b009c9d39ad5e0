"""The people connected to this hub: their sockets and their rooms.

Owns who is here. Must never read Postgres (realtime/admission.py) or send anything.
"""

from __future__ import annotations

from muster.ids import DeviceId, PersonId, RoomId, SessionId
from realtime.room import LocalRoom
from realtime.socket import Socket


class LocalPerson:
    """One person with at least one socket here. `loaded` once their memberships are in place.

    `seated`: those of the sockets that are in the rooms; the others still wait for being let in.
    """

    __slots__ = ("id", "loaded", "rooms", "seated", "sockets")

    def __init__(self, person: PersonId) -> None:
        self.id = person
        self.loaded = False
        # Tuples: most people have one socket, and a set of one is four times a tuple of one.
        self.sockets: tuple[Socket, ...] = ()
        self.seated: tuple[Socket, ...] = ()
        self.rooms: dict[RoomId, LocalRoom] = {}


class People:
    """Everybody connected here, by person and by session."""

    def __init__(self) -> None:
        self._by_key: dict[bytes, LocalPerson] = {}
        self._sessions: dict[SessionId, tuple[Socket, ...]] = {}

    def __len__(self) -> int:
        return len(self._by_key)

    def get(self, key: bytes) -> LocalPerson | None:
        """By the bytes of the person's id."""
        return self._by_key.get(key)

    def enter(self, socket: Socket) -> LocalPerson:
        """A socket of this person has come."""
        person = self._by_key.get(socket.person.bytes)
        if person is None:
            person = self._by_key[socket.person.bytes] = LocalPerson(socket.person)
        if socket not in person.sockets:
            person.sockets += (socket,)
            self._sessions[socket.session] = (*self._sessions.get(socket.session, ()), socket)
        return person

    def leave(self, socket: Socket) -> LocalPerson | None:
        """A socket has gone; the person is still returned, without it. None if it was not here."""
        person = self._by_key.get(socket.person.bytes)
        if person is None or socket not in person.sockets:
            return None
        person.sockets = without(person.sockets, socket)
        person.seated = without(person.seated, socket)
        sockets = without(self._sessions.pop(socket.session, ()), socket)
        if sockets:
            self._sessions[socket.session] = sockets
        if not person.sockets:
            del self._by_key[socket.person.bytes]
        return person

    def of_session(self, session: SessionId) -> list[Socket]:
        """The sockets of one session."""
        return list(self._sessions.get(session, ()))

    def others_of_device(self, socket: Socket, device: DeviceId) -> list[Socket]:
        """Older sockets of the same device."""
        person = self._by_key.get(socket.person.bytes)
        return (
            [s for s in person.sockets if s.device == device and s is not socket] if person else []
        )


def without(sockets: tuple[Socket, ...], gone: Socket) -> tuple[Socket, ...]:
    """The others."""
    return tuple([socket for socket in sockets if socket is not gone])
