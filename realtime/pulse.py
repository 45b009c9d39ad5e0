"""What the hub sends at a pace rather than as it happens: heads of rooms that are not live, counts of large rooms.

Owns what is due. Must never send the same head twice to a socket that has not moved.
"""

from __future__ import annotations

import asyncio
from typing import Final

from proto import limits
from proto.codec import MSGPACK
from proto.frames import Count, Entry, Head, Preview
from realtime.prepared import Prepared
from realtime.room import Kept, LocalRoom
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
        for room in moved:
            if not room.watching:
                continue
            last = room.last_post
            bare = Prepared.of(Head(0, room.id, room.position, room.msg_no, None))
            told = bare
            hidden_from = None
            if last is not None:
                told = Prepared.of(Head(0, room.id, room.position, room.msg_no, preview_of(last)))
                hidden_from = self._hidden.from_whom(last.author)
            for socket in room.watching:
                if not socket.congested:
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
                if not socket.congested:
                    socket.push(count)


def preview_of(kept: Kept) -> Preview | None:
    """The beginning of a message, for a list of rooms."""
    entry = MSGPACK.decode_server(kept.prepared.payload)
    if not isinstance(entry, Entry) or kept.erased:
        return None
    text = (entry.body.text or "")[: limits.PREVIEW_CHARS]
    return Preview(entry.author, entry.kind, text, entry.at_ms)
