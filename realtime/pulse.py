"""What the hub sends at a pace rather than as it happens: heads of rooms that are not live, counts of large rooms.

A room that a congested socket follows is as good as not live for it: it gets heads until it catches up. Owns what is
due. Must never send the same head twice to a socket that has not moved, nor more than a slow one takes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from itertools import chain
from typing import Final

from proto import limits
from proto.codec import MSGPACK
from proto.frames import Count, Entry, Head, Preview
from realtime.prepared import Prepared
from realtime.room import Kept, LocalRoom
from realtime.socket import Socket
from realtime.visibility import Hidden

HEADS_S: Final = 1.0
COUNTS_EVERY: Final = 2
"""Counts go out with every second beat: one count frame per 2 s."""


class Pulse:
    """Rooms whose watchers, or whose count, have something to hear."""

    def __init__(self, hidden: Hidden) -> None:
        self._hidden = hidden
        self._moved: dict[LocalRoom, None] = {}
        self._counted: dict[LocalRoom, None] = {}
        self._owed: dict[LocalRoom, set[Socket]] = {}  # who watches, and could not be told

    def moved(self, room: LocalRoom) -> None:
        """The room has a new head and sockets that only want to know that."""
        self._moved[room] = None

    def counted(self, room: LocalRoom) -> None:
        """The number of members of a large room has changed."""
        self._counted[room] = None

    async def run(self) -> None:
        """Beat until cancelled."""
        beat = 0
        while True:
            await asyncio.sleep(HEADS_S)
            beat += 1
            self._send_heads()
            if beat % COUNTS_EVERY == 0:
                self._send_counts()

    def _send_heads(self) -> None:
        moved, self._moved = self._moved, {}
        owed, self._owed = self._owed, {}
        for room in moved:
            owed.pop(room, None)
            slow = _slow(room)
            if room.watching or slow:
                self._tell(room, chain(room.watching, slow))
        for room, sockets in owed.items():
            if still := sockets & room.watching.keys():
                self._tell(room, still)

    def _tell(self, room: LocalRoom, sockets: Iterable[Socket]) -> None:
        last = room.last_post
        bare = Prepared.of(Head(0, room.id, room.position, room.msg_no, None))
        told = bare
        hidden_from = None
        if last is not None:
            told = Prepared.of(Head(0, room.id, room.position, room.msg_no, preview_of(last)))
            hidden_from = self._hidden.from_whom(last.author)
        for socket in sockets:
            if socket.congested and not socket.takes_heads:
                if socket in room.watching:  # others hear of it when they catch up
                    self._owed.setdefault(room, set()).add(socket)
                continue
            member = room.members.get(socket.person)
            seen = (
                last is not None
                and member is not None
                and last.seq >= member.from_seq
                and not (hidden_from and socket.person in hidden_from)
            )
            socket.push(told if seen else bare)

    def _send_counts(self) -> None:
        counted, self._counted = self._counted, {}
        for room in counted:
            count = Prepared.of(Count(0, room.id, room.people))
            for socket in room.live:
                if not socket.thinned:
                    socket.push(count)


def _slow(room: LocalRoom) -> list[Socket]:
    """Who follows the room and is too slow for its entries; not those who are out, nor a person of their self log."""
    return [
        socket
        for socket, attachment in room.catching_up.items()
        if socket.congested and attachment.until is None and room.id != socket.person
    ]


def preview_of(kept: Kept) -> Preview | None:
    """The beginning of a message, for a list of rooms."""
    entry = MSGPACK.decode_server(kept.prepared.payload)
    if not isinstance(entry, Entry) or kept.erased:
        return None
    text = (entry.body.text or "")[: limits.PREVIEW_CHARS]
    return Preview(entry.author, entry.kind, text, entry.at_ms)
