"""Who has read in which room, as the lanes bring it, until somebody asks what their phones show of it.

Owns what waits, and its bound. Pure. Must never lose a reading silently: what does not fit is said by `overflowed`, and
then all that is shown and was read is looked for in Postgres (pushers/rebuild.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from muster.lane import LaneEntry
from muster.owed import Key
from proto.codec import MSGPACK, BadFrame
from proto.entry import EntryKind
from proto.frames import Entry

MOST: Final = 20_000


class Readings:
    """Each person and room once, whoever read first first."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._keys: dict[Key, None] = {}
        self._overflowed = False

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, entries: Iterable[LaneEntry]) -> None:
        """Self logs among these say that somebody's read pointer has moved."""
        for entry in entries:
            if entry.kind is EntryKind.read and entry.seq:
                self._add(entry)

    def take(self, most: int) -> list[Key]:
        """Some, those that have waited longest first."""
        taken = [key for _, key in zip(range(most), self._keys, strict=False)]
        for key in taken:
            del self._keys[key]
        return taken

    def back(self, keys: Iterable[Key]) -> None:
        """These could not be asked about; they wait again."""
        for key in keys:
            self._keep(key)

    def overflowed(self) -> bool:
        """Whether something was left out since this was last asked."""
        was, self._overflowed = self._overflowed, False
        return was

    def _add(self, entry: LaneEntry) -> None:
        try:
            frame = MSGPACK.decode_server(entry.data)
        except BadFrame:
            frame = None
        if not isinstance(frame, Entry) or frame.body.room is None:
            self._overflowed = True
            return
        self._keep(Key(entry.room, frame.body.room.bytes))

    def _keep(self, key: Key) -> None:
        if key not in self._keys and len(self._keys) >= self._most:
            self._overflowed = True
            return
        self._keys[key] = None
