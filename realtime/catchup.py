"""Bringing sockets from where they are to where their room is.

One mechanism for a socket that resumes, one that turned a room live, and one that was too slow to be sent to as
things happened: it has a position, it gets what follows from the room's window as fast as it takes it, and then
it is live again. What the window does not reach is read from Postgres once per room, however many sockets wait.
Owns the sockets that are not live yet. Must never keep more than the window per room, and no bytes per socket.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import islice
from typing import Final

from muster.errors import Refused
from muster.ids import RoomId
from muster.lane import of_entry
from muster.membership import HubReader, Wanted
from muster.telemetry import get_logger
from proto.frames import Gap, Skip
from realtime.room import REPLAY_ENTRIES, Attachment, Kept, LocalRoom
from realtime.socket import Socket
from realtime.visibility import Hidden, is_visible

ENTRIES_PER_STEP: Final = 100
"""Looked at for one socket at a time."""

SOCKETS_PER_TICK: Final = 50
"""Brought further before the loop looks at anything else: 10 ms at most, each taking what fills its share."""

ENTRIES_PER_QUERY: Final = 5_000
RETRY_S: Final = 0.3


class Catchup:
    """The sockets that are behind, and the reading for them."""

    def __init__(
        self,
        reader: HubReader,
        hidden: Hidden,
        soon: Callable[[Callable[[], None]], object],
        left: Callable[[LocalRoom], None],
    ) -> None:
        """`soon` is the loop's call_soon: an answer pushed in this tick leaves before what follows from it.

        `left` is told a room that somebody who is out of it has been given the last entries of.
        """
        self._reader = reader
        self._hidden = hidden
        self._soon = soon
        self._left = left
        self._behind: dict[Socket, dict[RoomId, Attachment]] = {}
        self._due: dict[Socket, None] = {}
        self._pumping = False
        self._wanted: dict[RoomId, LocalRoom] = {}
        self._woken = asyncio.Event()
        self._log = get_logger()

    def __len__(self) -> int:
        return len(self._behind)

    def start(self, attachment: Attachment) -> None:
        """This socket is at `attachment.position` in this room; bring it to where the room is."""
        socket, room = attachment.socket, attachment.room
        room.live.pop(socket, None)
        room.catching_up[socket] = attachment
        self._behind.setdefault(socket, {})[room.id] = attachment
        self.go_on(socket)

    def go_on(self, socket: Socket) -> None:
        """Something changed for this socket: it has drained, or a room of its has moved."""
        if socket in self._behind and not socket.congested:
            self._due[socket] = None
            if not self._pumping:
                self._pumping = True
                self._soon(self._pump)

    def moved(self, room: LocalRoom) -> None:
        """The room's head or window has moved."""
        for socket in room.catching_up:
            self.go_on(socket)

    def stop(self, socket: Socket, room: LocalRoom) -> None:
        """This socket is no longer to be brought up in this room."""
        _forget(room, socket)
        rooms = self._behind.get(socket)
        if rooms is not None:
            rooms.pop(room.id, None)
            if not rooms:
                del self._behind[socket]
        room.trim()

    def let_go(self, socket: Socket, room_id: RoomId) -> None:
        """This socket was told that it is out of this room: what it was still owed of it ends here."""
        attachment = self._behind.get(socket, {}).get(room_id)
        if attachment is not None:
            self.stop(socket, attachment.room)
            self._left(attachment.room)

    def drop(self, socket: Socket) -> list[LocalRoom]:
        """This socket is gone; the rooms in which it was behind."""
        rooms = [attachment.room for attachment in self._behind.pop(socket, {}).values()]
        self._due.pop(socket, None)
        for room in rooms:
            _forget(room, socket)
            room.trim()
        return rooms

    async def run(self) -> None:
        """Read what windows do not reach, until cancelled."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            while self._wanted:
                try:
                    await self._extend()
                except Refused as refused:
                    self._log.warning("catchup_unread", code=refused.code.name)
                    await asyncio.sleep(RETRY_S)

    def _pump(self) -> None:
        """Bring a slice of those who are due further: a crowd that comes back keeps nobody else waiting."""
        now = list(islice(self._due, SOCKETS_PER_TICK))
        for socket in now:
            del self._due[socket]
        self._pumping = bool(self._due)
        if self._pumping:  # before anything can go wrong with one of them
            self._soon(self._pump)
        for socket in now:
            for attachment in list(self._behind.get(socket, {}).values()):
                self._advance(attachment)
                if socket.congested:
                    break

    def _advance(self, attachment: Attachment) -> None:
        """Push what the window has until the socket is live, congested, or the window does not reach."""
        room, socket = attachment.room, attachment.socket
        while not socket.congested:
            limit = room.position if attachment.until is None else attachment.until
            since = _since(attachment)
            if attachment.position < since - 1:
                # Before they came in: nothing for them, or of a time when they were in before.
                self._gap(attachment, since - 1)
                continue
            if attachment.position >= limit:
                self._arrive(attachment)
                return
            if room.position - attachment.position > REPLAY_ENTRIES:
                self._gap(attachment, limit)
                continue
            following = room.after(attachment.position, ENTRIES_PER_STEP)
            if not following:
                self._wanted[room.id] = room
                self._woken.set()
                return
            self._push(attachment, [kept for kept in following if kept.seq <= limit])

    def _gap(self, attachment: Attachment, upto: int) -> None:
        attachment.socket.send(Gap(0, attachment.room.id, attachment.position + 1, upto))
        attachment.position = upto

    def _arrive(self, attachment: Attachment) -> None:
        """Nothing is missing; a socket ahead of its room stays until the room is there too."""
        room, socket = attachment.room, attachment.socket
        if attachment.until is not None:
            self.stop(socket, room)
            self._left(room)
        elif attachment.position == room.position:
            self.stop(socket, room)
            room.live[socket] = attachment

    def _push(self, attachment: Attachment, entries: list[Kept]) -> None:
        room, socket = attachment.room, attachment.socket
        skip_from: int | None = None
        for kept in entries:
            if is_visible(kept, room, socket.person, self._hidden):
                if skip_from is not None:
                    socket.send(Skip(0, room.id, skip_from, kept.seq - 1))
                    skip_from = None
                socket.push(kept.prepared)
                if socket.congested:  # long messages: a whole step of them would be over its bound
                    attachment.position = kept.seq
                    return
            elif skip_from is None:
                skip_from = kept.seq
        attachment.position = entries[-1].seq
        if skip_from is not None:
            socket.send(Skip(0, room.id, skip_from, attachment.position))

    async def _extend(self) -> None:
        """One query for all rooms whose windows do not reach far enough, up to a bound."""
        wanted: dict[RoomId, tuple[LocalRoom, Wanted]] = {}
        asked_at: dict[RoomId, int] = {}
        budget = ENTRIES_PER_QUERY
        for room_id, room in list(self._wanted.items()):
            if budget <= 0:
                break
            del self._wanted[room_id]
            after = min((a.position for a in room.catching_up.values()), default=room.position)
            # A socket further behind than a replay reaches is told `gap` when its turn comes.
            after = max(after, room.position - REPLAY_ENTRIES)
            if after < room.window_from - 1:
                wanted[room_id] = (room, Wanted(room_id, after, room.window_from - 1))
                asked_at[room_id] = room.position
                budget -= room.window_from - 1 - after
            else:
                self.moved(room)
        try:
            found = await self._reader.entries(
                [want for _, want in wanted.values()], REPLAY_ENTRIES
            )
        except Refused:
            self._wanted.update({room_id: room for room_id, (room, _) in wanted.items()})
            raise
        older: dict[RoomId, list[Kept]] = {}
        for one in found:
            kept = Kept(of_entry(one.entry), erased=one.erased)
            older.setdefault(RoomId(one.entry.room), []).append(kept)
        for room_id, (room, want) in wanted.items():
            before = room.window_from
            if room.erased_at <= asked_at[room_id]:  # else the words read may be gone by now
                room.extend(older.get(room_id, []))
                if room.window_from == before and before == want.upto + 1:
                    self._give_up(room)
                room.trim()
            self.moved(room)

    def _give_up(self, room: LocalRoom) -> None:
        """What the window does not reach is not in Postgres either (retention): say so, go on from the window."""
        reached = room.window_from - 1
        for attachment in room.catching_up.values():
            upto = reached if attachment.until is None else min(reached, attachment.until)
            if attachment.position < upto:
                self._gap(attachment, upto)


def _forget(room: LocalRoom, socket: Socket) -> None:
    room.catching_up.pop(socket, None)
    if not room.catching_up:
        room.catching_up.clear()  # an emptied dict keeps its table, and every room is caught up with once


def _since(attachment: Attachment) -> int:
    """The first seq this socket's person may see."""
    if attachment.until is not None:
        return attachment.since
    member = attachment.room.members.get(attachment.socket.person)
    return attachment.since if member is None else member.from_seq
