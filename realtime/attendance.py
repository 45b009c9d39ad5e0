"""What a connection asks of the hub: to come in, to resume, to attend, to type, to point, and to leave.

Owns the answers, and what the control log means for people who are connected. Must never believe a client about
its rooms: what the hub does not know of is read before it is denied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from msgspec import structs

from muster.control import ControlView
from muster.ids import PersonId, RoomId, SessionId, self_room
from muster.lane import LaneEntry, of_ephemeral
from muster.permission import Action, may
from proto.codes import Close
from proto.entry import EntryKind
from proto.frames import (
    Attend,
    Attention,
    Entry,
    Presences,
    Resume,
    RoomState,
    RoomStates,
    TypingNow,
    Watch,
)
from realtime.admission import Admissions
from realtime.catchup import Catchup
from realtime.counts import HubCounts
from realtime.entrance import Entrance
from realtime.people import LocalPerson, People
from realtime.pointers import TOLD_UP_TO, Pointers
from realtime.presence import Presence
from realtime.room import REPLAY_ENTRIES, Attachment, LocalRoom
from realtime.seating import Seating
from realtime.socket import Socket
from realtime.visibility import Hidden


class Admitted(NamedTuple):
    """See `realtime.socket.Admission`."""

    generation: UUID


class Parts(NamedTuple):
    """The parts of the hub that attendance puts to use."""

    entrance: Entrance
    seating: Seating
    people: People
    hidden: Hidden
    catchup: Catchup
    admissions: Admissions
    pointers: Pointers
    counts: HubCounts
    presence: Presence


class Attendance:
    """See `realtime.socket.Rooms`."""

    def __init__(
        self,
        parts: Parts,
        control: ControlView,
        generation: UUID,
        ephemeral: Callable[[LaneEntry], None],
    ) -> None:
        self._parts = parts
        self._control = control
        self._generation = generation
        self._ephemeral = ephemeral

    async def admit(self, socket: Socket) -> Admitted:
        """Register the socket and put its person's rooms in place. Raises `Refused`."""
        parts = self._parts
        person = parts.people.enter(socket)
        socket.on_drained = parts.catchup.go_on
        for older in parts.people.others_of_device(socket, socket.device):
            older.close(Close.replaced, "this device opened a newer socket")
        if not person.loaded:
            await parts.admissions.admitted(person.id)
        if socket in person.sockets:
            # Not before: nothing may reach it ahead of the answer that it is in.
            parts.seating.attach(person, socket)
            parts.presence.came(socket)
        return Admitted(self._generation)

    def drop(self, socket: Socket, clean: bool) -> None:
        """The socket is gone. `clean`: the person said they go."""
        self._parts.presence.gone(socket, clean=clean)
        person = self._parts.people.leave(socket)
        if person is not None:
            self._parts.seating.detach(person, socket, gone=not person.sockets)

    async def resume(self, socket: Socket, frame: Resume) -> RoomStates:
        """See `proto.frames.Resume`. Raises `Refused`."""
        live = {room for room, _ in frame.positions} if frame.live is None else set(frame.live)
        same = frame.generation is None or frame.generation == self._generation
        wanted = {RoomId(room): seq for room, seq in frame.positions}
        person, heads = await self._known(socket, wanted)
        # Nothing is waited for from here on: the answer leaves before what follows from it.
        states = [self._self_state(person, socket, wanted.get(self_room(person.id)), heads, same)]
        for room_id, seq in wanted.items():
            room = person.rooms.get(room_id)
            if room_id == person.id:
                continue
            if room is None:
                states.append(self._removed(socket, room_id))
            elif room_id in live:
                states.append(self._follow(room, socket, seq, heads, same))
            else:
                states.append(self._watch(room, socket, "head"))
        states += [
            RoomState(room.id, "joined", room.position + 1, room.position, room.msg_no)
            for room in person.rooms.values()
            if room.id not in wanted and room.id != person.id
        ]
        self._parts.counts.resumes += 1
        self._parts.counts.resumed.update(state.status for state in states)
        return RoomStates(frame.id, self._generation, states)

    async def attend(self, socket: Socket, frame: Attend) -> RoomStates:
        """See `proto.frames.Attend`. Raises `Refused`."""
        wanted = {RoomId(room): seq for room, seq in frame.rooms}
        person, heads = await self._known(socket, wanted)
        # Nothing is waited for from here on: the answer leaves before what follows from it.
        for room in person.rooms.values():
            if room.id not in wanted and room.id != person.id:
                self._watch(room, socket, "head")
        states = [self._self_state(person, socket, None, heads, same=True)]
        for room_id, seq in wanted.items():
            attended = person.rooms.get(room_id)
            if room_id == person.id:
                continue
            if attended is None:
                states.append(self._removed(socket, room_id))
            elif seq is None and (following := self._following(attended, socket)) is not None:
                states.append(_state(attended, "live", following + 1))
            else:
                at = attended.position if seq is None else seq
                states.append(self._follow(attended, socket, at, heads, same=True))
        return RoomStates(frame.id, self._generation, states)

    async def watch(self, socket: Socket, frame: Watch) -> Presences:
        """See `proto.frames.Watch`. Raises `Refused`."""
        return await self._parts.presence.watch(socket, frame)

    def look(self, socket: Socket, frame: Attention) -> None:
        """Somebody looks at the app, or no longer does. A room they are not in is none to look at."""
        if frame.room is not None and self._member_room(socket, RoomId(frame.room)) is None:
            frame = structs.replace(frame, room=None)
        self._parts.presence.look(socket, frame)

    def typing(self, socket: Socket, room: RoomId) -> None:
        """Tell the room, if this person may type there; otherwise nothing happens, and nothing is said."""
        here = self._member_room(socket, room)
        if here is None or here.requested == socket.person:
            return
        if may(Action.typing, here.kind, here.members[socket.person].relation):
            frame = TypingNow(0, room, socket.person)
            self._ephemeral(of_ephemeral(room, socket.person, frame))

    def received(self, socket: Socket, positions: Sequence[tuple[UUID, int]]) -> None:
        """This device holds everything up to these positions."""
        for room, seq in positions:
            here = self._member_room(socket, RoomId(room))
            if here is not None:
                told = here.id != socket.person and _told(here, socket)
                self._parts.pointers.received(
                    socket.person, socket.device, here.id, min(seq, here.position), told=told
                )

    def read(self, socket: Socket, positions: Sequence[tuple[UUID, int]]) -> None:
        """The person has read up to these positions."""
        for room, seq in positions:
            here = self._member_room(socket, RoomId(room))
            if here is not None and here.id != socket.person:
                told = _told(here, socket)
                self._parts.pointers.read(
                    socket.person, here.id, min(seq, here.position), told=told
                )

    def revoked(self, session: SessionId) -> bool:
        """Whether this session is over although its token is not."""
        return self._control.revoked(session)

    def banned(self, person: PersonId) -> bool:
        """Whether this person is shut out although their token is valid."""
        return self._control.banned(person)

    def control(self, entry: Entry) -> None:
        """An entry of the control log: act on whoever of it is connected here."""
        subject = None if entry.subject is None else self._parts.people.get(entry.subject.bytes)
        match entry.kind:
            case EntryKind.revoke if entry.body.session is not None:
                sockets = self._parts.people.of_session(SessionId(entry.body.session))
                self._end(sockets, Close.revoked, "this session was ended")
            case EntryKind.ban if subject is not None:
                self._end(subject.sockets, Close.banned, "this account is banned")
            case EntryKind.block | EntryKind.unblock if entry.subject is not None:
                self._parts.presence.related((PersonId(entry.author), PersonId(entry.subject)))
                blocker = self._parts.people.get(entry.author.bytes)
                if blocker is not None:
                    act = (
                        self._parts.hidden.hide
                        if entry.kind is EntryKind.block
                        else self._parts.hidden.show
                    )
                    act(blocker.id, PersonId(entry.subject))

    def _end(self, sockets: Iterable[Socket], code: Close, reason: str) -> None:
        for socket in list(sockets):
            self._parts.presence.gone(socket, clean=True)  # they are not coming back
            socket.close(code, reason)

    # One room of one socket

    async def _known(
        self, socket: Socket, wanted: Mapping[RoomId, int | None]
    ) -> tuple[LocalPerson, dict[RoomId, int]]:
        """The socket's person, and the heads of rooms that had to be read.

        These are rooms that the hub does not have them in, and rooms in which the client is ahead of the hub: it
        may have been put out and come in again meanwhile.
        """
        person = self._parts.people.get(socket.person.bytes) or LocalPerson(socket.person)
        unsure = [
            (person.id, room_id)
            for room_id, seq in wanted.items()
            if (room := person.rooms.get(room_id)) is None or (seq or 0) > room.position
        ]
        if not unsure:
            return person, {}
        # A join that another process has just acknowledged may not have come by yet.
        read = self._parts.admissions.memberships
        memberships = await read(unsure)
        while any(self._parts.seating.is_old_news(m.room.bytes, m.head) for m in memberships):
            memberships = await read(unsure)  # within the request's deadline
        self._parts.entrance.joined(unsure, memberships, None)
        return person, {membership.room: membership.head for membership in memberships}

    def _member_room(self, socket: Socket, room: RoomId) -> LocalRoom | None:
        person = self._parts.people.get(socket.person.bytes)
        return None if person is None else person.rooms.get(room)

    def _self_state(
        self,
        person: LocalPerson,
        socket: Socket,
        seq: int | None,
        heads: dict[RoomId, int],
        same: bool,
    ) -> RoomState:
        room = person.rooms.get(self_room(person.id))
        if room is None:
            return RoomState(self_room(person.id), "removed", 0, 0, 0)
        if seq is None:
            following = self._following(room, socket)
            if following is None:
                return self._start(room, socket, room.position, "live")
            return _state(room, "live", following + 1)
        return self._follow(room, socket, seq, heads, same)

    def _follow(
        self,
        room: LocalRoom,
        socket: Socket,
        seq: int,
        heads: dict[RoomId, int],
        same: bool,
    ) -> RoomState:
        """Entries after `seq` follow, or the answer says why not: a position beyond the log is of another log."""
        head = max(room.position, heads.get(room.id, 0))
        if not same or seq > head or room.position - seq > REPLAY_ENTRIES:
            return self._start(room, socket, room.position, "gap")
        return self._start(room, socket, seq, "live")

    def _removed(self, socket: Socket, room: RoomId) -> RoomState:
        self._parts.catchup.let_go(socket, room)
        return RoomState(room, "removed", 0, 0, 0)

    def _start(self, room: LocalRoom, socket: Socket, seq: int, status: str) -> RoomState:
        room.watching.pop(socket, None)
        self._parts.catchup.start(Attachment(socket, room, seq))
        return _state(room, status, seq + 1)

    def _watch(self, room: LocalRoom, socket: Socket, status: str) -> RoomState:
        room.live.pop(socket, None)
        if socket in room.catching_up:
            self._parts.catchup.stop(socket, room)
        room.watching[socket] = None
        return _state(room, status, room.position + 1)

    def _following(self, room: LocalRoom, socket: Socket) -> int | None:
        """The position of a socket that follows this room already."""
        if socket in room.live:
            return room.position
        behind = room.catching_up.get(socket)
        return None if behind is None else behind.position


def _state(room: LocalRoom, status: str, from_seq: int) -> RoomState:
    return RoomState(room.id, status, from_seq, room.position, room.msg_no)  # type: ignore[arg-type]  # a RoomStatus


def _told(room: LocalRoom, socket: Socket) -> bool:
    """Whether others are told of this person's pointers: not in a crowd, and not before they answered."""
    return room.people <= TOLD_UP_TO and room.requested != socket.person
