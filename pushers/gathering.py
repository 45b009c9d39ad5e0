"""New messages, and notices of events in self logs, as lanes bring them, put together by room until somebody asks who
is owed a push of them.

Owns what waits, and its bound. Pure. Must never lose a message silently: what does not fit is said by `overflowed`, and
then everything that is owed is looked for in Postgres (pushers/rebuild.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from muster.lane import LaneEntry
from muster.owed import URGENT_NEWS, Fresh
from proto.codec import MSGPACK, BadFrame
from proto.entry import EntryKind
from proto.frames import Entry

ROOMS: Final = 10_000
"""Rooms with new messages that may wait; at 10,000 posts/s in as many rooms that is a second."""

_RINGING: Final = frozenset({EntryKind.post, EntryKind.notice})


class Gathering:
    """What is new by room."""

    def __init__(self) -> None:
        self._rooms: dict[bytes, Fresh] = {}
        self._overflowed = False

    def __len__(self) -> int:
        return len(self._rooms)

    def add(self, entries: Iterable[LaneEntry]) -> None:
        """Messages and notices among these are new; seq 0 is no entry."""
        for entry in entries:
            if entry.kind not in _RINGING or not entry.seq:
                continue
            message = _read(entry)
            if message is None:
                self._overflowed = True
                continue
            self._add(entry, message)

    def back(self, fresh: Iterable[Fresh]) -> None:
        """These could not be asked about; they wait again."""
        for one in fresh:
            self._join(one)

    def take(self, most: int) -> list[Fresh]:
        """Some rooms, those that have waited longest first."""
        taken = [fresh for _, fresh in zip(range(most), self._rooms.values(), strict=False)]
        for fresh in taken:
            del self._rooms[fresh.room]
        return taken

    def overflowed(self) -> bool:
        """Whether something was left out since this was last asked."""
        was, self._overflowed = self._overflowed, False
        return was

    def _add(self, entry: LaneEntry, message: Entry) -> None:
        if entry.kind is EntryKind.notice:
            named = frozenset((entry.room,) if message.body.state in URGENT_NEWS else ())
        else:
            named = frozenset(person.bytes for person in message.body.mentions or ())
        here = bool(message.body.here)
        author = frozenset((entry.author,))
        self._join(Fresh(entry.room, entry.seq, entry.seq, author, named, here))

    def _join(self, new: Fresh) -> None:
        there = self._rooms.get(new.room)
        if there is None:
            if len(self._rooms) >= ROOMS:
                self._overflowed = True
                return
            self._rooms[new.room] = new
            return
        self._rooms[new.room] = Fresh(
            new.room,
            min(there.from_seq, new.from_seq),
            max(there.to_seq, new.to_seq),
            there.authors | new.authors,
            there.named | new.named,
            there.here or new.here,
        )


def _read(entry: LaneEntry) -> Entry | None:
    """The message itself; None for one that a newer release wrote in a way we cannot read."""
    try:
        frame = MSGPACK.decode_server(entry.data)
    except BadFrame:
        return None
    return frame if isinstance(frame, Entry) else None
