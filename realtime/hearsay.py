"""What placing hears of the logs that pass through a hub: events that change, and people whose leave may have.

Owns which entries say so. Must never read anything: who hears of it does.
"""

from __future__ import annotations

from typing import Final

from muster.ids import PersonId, RoomId
from muster.leaves import Leaves
from muster.survey import Survey
from proto.entry import EntryKind
from proto.frames import Entry
from realtime.room import Kept, LocalRoom

_LEAVE: Final = frozenset(
    {
        EntryKind.event,
        EntryKind.notice,
        EntryKind.privacy,
        EntryKind.room_added,
        EntryKind.room_removed,
    }
)
"""In somebody's self log."""


class Hears:
    """Who hears; this one passes everything by."""

    def control(self, entry: Entry) -> None:
        """An entry of the control log."""

    def news(self, room: LocalRoom, kept: Kept) -> None:
        """An entry that is no message is about to be delivered."""

    def missed(self, room: RoomId) -> None:
        """Entries of this room were jumped over."""


class Hearsay(Hears):
    """For placing."""

    def __init__(self, survey: Survey, leaves: Leaves) -> None:
        self._survey = survey
        self._leaves = leaves

    def control(self, entry: Entry) -> None:
        self._survey.control(entry)

    def news(self, room: LocalRoom, kept: Kept) -> None:
        if kept.kind in _LEAVE:
            self._leaves.drop(PersonId(room.id))

    def missed(self, room: RoomId) -> None:
        self._leaves.drop(PersonId(room))
