"""The hub: the rooms and people of one process, and the one loop that delivers.

    lanes, own commits -> entries() -> a room's order -> deliver() -> every live socket's outbox

Owns who gets what. Delivery is a plain loop over the room's live sockets: no await, no task. A socket that is
congested is not waited for, it is left to catch up (realtime/catchup.py). Must never touch a transport and never
read Postgres by itself.
"""

from __future__ import annotations

import logging
from uuid import UUID

from muster.ids import CONTROL_ROOM, PersonId, RoomId
from muster.lane import LaneEntry, lane_of, of_entry
from muster.membership import Found, Membership
from muster.permission import PRESENT, Relation
from muster.telemetry import get_logger
from muster.trail import trail
from proto.codec import MSGPACK
from proto.entry import Body, EntryKind
from proto.frames import Entry, Gap, Skip
from realtime.batching import Batching
from realtime.catchup import Catchup
from realtime.counts import HubCounts
from realtime.entrance import Wiring
from realtime.people import People
from realtime.prepared import Prepared, PreparedRun, Pushable
from realtime.pulse import Pulse
from realtime.room import Kept, LocalRoom
from realtime.seating import Seating
from realtime.socket import Socket
from realtime.visibility import LARGE_ROOM, is_for_all, is_visible

_MEMBERSHIP = frozenset({EntryKind.join, EntryKind.leave, EntryKind.kick, EntryKind.role})
_BLOCKS = frozenset({EntryKind.block, EntryKind.unblock})
_ABOUT_A_ROOM = frozenset({EntryKind.room_added, EntryKind.request})


class Hub:
    """Rooms and people of this process. Everything here runs in the loop and returns at once."""

    def __init__(
        self,
        lanes: int,
        people: People,
        seating: Seating,
        catchup: Catchup,
        pulse: Pulse,
        counts: HubCounts,
    ) -> None:
        self._lanes = lanes
        self._people = people
        self._seating = seating
        self._hidden = seating.hidden
        self._catchup = catchup
        self._pulse = pulse
        self._counts = counts
        self._unread_lanes: frozenset[int] = frozenset()
        self._log = get_logger()
        self._tracing = self._log.is_enabled_for(logging.DEBUG)
        self._wiring: Wiring
        self._batching: Batching

    def wire(self, wiring: Wiring, batching: Batching) -> None:
        """Connect the parts that need the hub to be there first. Before anything else is called."""
        self._wiring = wiring
        self._batching = batching

    def rooms(self) -> list[LocalRoom]:
        """All rooms with somebody here."""
        return list(self._seating.rooms.values())

    def unread_rooms(self) -> list[LocalRoom]:
        """Rooms on lanes that cannot be read just now."""
        return self._rooms_on(self._unread_lanes) if self._unread_lanes else []

    # What the tail tells (muster.bus.Listener)

    def entries(self, batch: list[LaneEntry]) -> None:
        """Entries from the lanes, or from this process's own writer."""
        rooms, batching = self._seating.rooms, self._batching
        self._counts.entries += len(batch)
        now = batching.now()
        for entry in batch:
            room = rooms.get(entry.room)
            if room is None:
                self._unknown(entry)
            elif not batching.waits(room, entry, now):
                self._arrive(room, entry)

    def arrive(self, room: LocalRoom, waited: list[LaneEntry]) -> None:
        """A busy room's window is over: the messages that are next are one push, everything else is as ever."""
        run: list[Kept] = []
        room_left = self._batching.run_bytes
        for entry in waited:
            next_post = entry.kind is EntryKind.post and entry.seq == room.position + 1
            kept = Kept(entry) if next_post and not (room.held or room.forgotten) else None
            joins = kept is not None and is_for_all(kept, room, self._hidden)
            if run and (not joins or room_left < len(entry.data)):
                self._push_run(room, run)
                run, room_left = [], self._batching.run_bytes
            if kept is not None and joins:
                room.advance(kept)
                run.append(kept)
                room_left -= len(entry.data)
            else:
                self._arrive(room, entry)
        self._push_run(room, run)

    def _arrive(self, room: LocalRoom, entry: LaneEntry) -> None:
        counts = self._counts
        if room.forgotten:
            self._unknown(entry)
        elif entry.seq == 0:
            self._pass_on(room, entry)
        elif room.offer(entry):
            self._deliver(room, Kept(entry))
            if room.held:
                self._release(room)
        elif entry.seq > room.position:
            counts.held += 1
            if entry.seq in room.held:
                self._wiring.hole(room)
            else:  # too many are held already: somebody must remember that there is this one
                self._wiring.behind(room, entry.seq)
        else:
            counts.old += 1

    def doubt(self, lanes: frozenset[int]) -> None:
        """These lanes may have lost something: compare heads."""
        self._counts.doubts += 1
        self._wiring.check(self._rooms_on(lanes))
        self._wiring.control(1 << 62)

    def readable(self, lanes: frozenset[int], yes: bool) -> None:
        """These lanes can, or cannot, be read just now."""
        self._unread_lanes = self._unread_lanes - lanes if yes else self._unread_lanes | lanes

    def _rooms_on(self, lanes: frozenset[int]) -> list[LocalRoom]:
        return [
            room for room in self._seating.rooms.values() if lane_of(room.key, self._lanes) in lanes
        ]

    # What was read from Postgres (realtime/fill.py)

    def filled(self, room: LocalRoom, found: list[Found]) -> None:
        """Entries the lanes did not bring, in order."""
        for one in found:
            if room.forgotten:
                self._unknown(of_entry(one.entry))
            elif one.entry.seq == room.position + 1:
                self._deliver(room, Kept(of_entry(one.entry), erased=one.erased))
        self._release(room)

    def jump(self, room: LocalRoom, standing: list[Membership]) -> None:
        """Too much is missing to be read: say so to everyone live, go on from where the members stand.

        `standing` is of all members, in one snapshot: joins and kicks are among what is not seen.
        """
        if room.forgotten or not standing or standing[0].head <= room.position:
            return
        self._counts.jumped += 1
        self._wiring.missed(room.id)
        for membership in standing:
            if membership.relation not in PRESENT:
                self._seating.remove(room, membership.person, room.position)
        if not room.members:
            return
        head, people = standing[0].head, standing[0].members
        gap = Prepared.of(Gap(0, room.id, room.position + 1, head))
        for socket in room.live:
            socket.push(gap)
        room.jump(head, standing[0].msg_no)
        room.people = people
        seen = {membership.person: membership for membership in standing}
        for person in list(room.members):
            if (stands := seen.get(person)) is not None:
                member = room.members[person]
                member.relation, member.from_seq = stands.relation, stands.from_seq
                member.as_of = head
            elif room.members[person].as_of < head:  # came in while we asked
                self._wiring.read_again(person, room.id)
        self._catchup.moved(room)
        self._pulse.moved(room)
        self._release(room)

    # Delivery

    def _release(self, room: LocalRoom) -> None:
        while not room.forgotten and (entry := room.next_held()) is not None:
            self._deliver(room, Kept(entry))
        if room.forgotten:
            # The last one here has gone: it is like any room that nobody here is in.
            for entry in room.held.values():
                self._unknown(entry)
            room.held.clear()
        elif room.held:
            for seq in [seq for seq in room.held if seq <= room.position]:
                del room.held[seq]
            if room.held:
                self._wiring.hole(room)

    def _deliver(self, room: LocalRoom, kept: Kept) -> None:
        """The one place where an entry becomes frames."""
        body = None
        if kept.kind is not EntryKind.post:
            body = self._before(room, kept)
        room.advance(kept)
        if is_for_all(kept, room, self._hidden):
            self._push(room, kept.prepared, [kept])
        else:
            slow: list[Socket] = []
            skip = Prepared.of(Skip(0, room.id, kept.seq, kept.seq))
            for socket in room.live:
                if socket.congested:
                    slow.append(socket)
                else:
                    seen = is_visible(kept, room, socket.person, self._hidden)
                    socket.push(kept.prepared if seen else skip)
            self._pushed(room, [kept], slow)
        if body is not None:
            self._after(room, kept, body)

    def _push_run(self, room: LocalRoom, run: list[Kept]) -> None:
        """Messages that are taken in already, for all."""
        pushed = [kept.prepared for kept in run]
        if run:
            self._push(room, pushed[0] if len(run) == 1 else PreparedRun(pushed), run)

    def _push(self, room: LocalRoom, pushed: Pushable, run: list[Kept]) -> None:
        slow: list[Socket] = []
        for socket in room.live:
            if socket.congested:
                slow.append(socket)
            else:
                socket.push(pushed)
        self._pushed(room, run, slow)

    def _pushed(self, room: LocalRoom, run: list[Kept], slow: list[Socket]) -> None:
        """`run` went to every live socket but these."""
        sockets = len(room.live) - len(slow)
        self._counts.delivered += sockets * len(run)
        if self._tracing:
            for kept in run:
                self._trace(room, kept, sockets)
        for socket in slow:
            attachment = room.live[socket]
            attachment.position = run[0].seq - 1
            self._catchup.start(attachment)
        if room.catching_up:
            self._catchup.moved(room)
        if room.watching or room.catching_up:
            self._pulse.moved(room)

    def _trace(self, room: LocalRoom, kept: Kept, sockets: int) -> None:
        entry = MSGPACK.decode_server(kept.prepared.payload)
        if isinstance(entry, Entry):
            self._log.debug(
                "delivered",
                entry=trail(entry.author, entry.client_id),
                room=str(room.id),
                seq=kept.seq,
                sockets=sockets,
            )

    def _pass_on(self, room: LocalRoom, entry: LaneEntry) -> None:
        """Typing or pointers: to whoever is live and has room for it, not to their own sender."""
        prepared = Prepared(entry.data)
        hidden_from = self._hidden.from_whom(entry.author)
        for socket in room.live:
            if socket.thinned or socket.person.bytes == entry.author:
                continue
            if hidden_from is None or socket.person not in hidden_from:
                socket.push(prepared)

    def _before(self, room: LocalRoom, kept: Kept) -> Body:
        """Who comes in sees their own join; erased words leave the window."""
        entry = MSGPACK.decode_server(kept.prepared.payload)
        body = entry.body if isinstance(entry, Entry) else Body()
        self._wiring.news(room, kept)
        if kept.kind in _MEMBERSHIP and kept.subject is not None:
            room.note_change(PersonId(UUID(bytes=kept.subject)), kept.seq)
        if body.members is not None:
            room.people = body.members
            if room.people > LARGE_ROOM:
                self._pulse.counted(room)
        if kept.kind in (EntryKind.edit, EntryKind.delete):
            room.forget_words(body.target)
        if kept.kind is EntryKind.delete:
            room.forget_before(kept.seq)
        elif kept.kind is EntryKind.settings and body.history is not None:
            room.history = body.history
        elif (
            kept.kind in _BLOCKS and kept.subject is not None and room.id == UUID(bytes=kept.author)
        ):
            # In force before any device of the blocker is told that it is.
            act = self._hidden.hide if kept.kind is EntryKind.block else self._hidden.show
            act(PersonId(room.id), PersonId(UUID(bytes=kept.subject)))
        elif kept.kind in (EntryKind.join, EntryKind.role):
            self._seat(room, kept, body)
        return body

    def _seat(self, room: LocalRoom, kept: Kept, body: Body) -> None:
        person = None if kept.subject is None else self._people.get(kept.subject)
        if person is None or not person.loaded or body.role is None:
            return
        member, came = room.members.get(person.id), kept.kind is EntryKind.join
        if came if member is None else kept.seq > member.as_of:
            from_seq = 1 if room.history == "all" else kept.seq
            if member is not None and not came:
                from_seq = member.from_seq
            self._seating.add(room, person, Relation(body.role), from_seq, kept.seq)

    def _after(self, room: LocalRoom, kept: Kept, body: Body) -> None:
        """Who goes has seen their own going, and nothing after it."""
        if kept.kind in (EntryKind.leave, EntryKind.kick) and kept.subject is not None:
            person = PersonId(UUID(bytes=kept.subject))
            member = room.members.get(person)
            if member is not None and kept.seq > member.as_of:
                self._seating.remove(room, person, kept.seq)
        elif kept.kind in _ABOUT_A_ROOM and body.room is not None:
            # The join itself may have been on a lane before anybody here was in that room.
            self._wiring.read_again(PersonId(room.id), RoomId(body.room))

    def _unknown(self, entry: LaneEntry) -> None:
        self._counts.skipped += 1
        if entry.seq == 0:
            return
        if entry.room == CONTROL_ROOM.bytes:
            self._wiring.control(entry.seq)
            return
        self._wiring.note(entry.room, entry.seq)
        if entry.subject is not None and entry.kind in _MEMBERSHIP:
            person = self._people.get(entry.subject)
            if person is not None:
                self._wiring.read_again(person.id, RoomId(UUID(bytes=entry.room)))
