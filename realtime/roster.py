"""One room whose presence somebody here watches: its members, who hears of it, and in which form.

Owns the sizes at which the form changes. Pure. Must never send (realtime/watching.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from muster.ids import RoomId
from muster.permission import RoomKind
from muster.presence import Attention, Record, counts
from muster.privacy import PrivacyCircle
from proto.frames import PresenceForm

if TYPE_CHECKING:
    from realtime.watcher import Watcher

NAMES_UP_TO: Final = 200
"""Rooms up to this size tell who is there, and every change."""

SAMPLE_UP_TO: Final = 5_000
"""Rooms up to this size tell of one's contacts, and a few others; larger ones only how many are there."""

SAMPLE: Final = 20

_MATES: Final = frozenset({RoomKind.group})
"""Rooms that make their members room-mates: those that not just anybody may join. Which events are such, a hub does not
know; the table that judges pairs does (makes_mates_v1)."""


class Roster:
    """The members of one room. `members` is None where they are too many to be held."""

    __slots__ = ("dirty", "members", "room", "told_form", "watchers", "with_mates")

    def __init__(self, room: RoomId, kind: RoomKind, members: frozenset[bytes] | None) -> None:
        self.room = room
        self.with_mates = kind in _MATES
        self.members: set[bytes] | None = None if members is None else set(members)
        self.watchers: set[Watcher] = set()
        self.dirty = True
        self.told_form = self.form

    @property
    def form(self) -> PresenceForm:
        """In which form its presence is told now."""
        if self.members is None or len(self.members) > SAMPLE_UP_TO:
            return "count"
        return "sample" if len(self.members) > NAMES_UP_TO else "names"

    def has(self, person: bytes) -> bool:
        """Whether this person is in the room, as far as is known."""
        return self.members is not None and person in self.members

    def tells(self, person: bytes, *, contact: bool) -> bool:
        """Whether changes of this member go to a watcher one by one."""
        form = self.form
        return (form == "names" or (form == "sample" and contact)) and self.has(person)

    def online(self, record_of: Callable[[bytes], Record]) -> int | None:
        """How many are there, but for those who want to be seen by nobody."""
        if self.members is None:
            return None
        return sum(counts(record_of(person)) for person in self.members)

    def sample(self, record_of: Callable[[bytes], Record]) -> list[bytes]:
        """Some who are there and let everybody in the room see it; the same for all watchers."""
        if self.members is None or self.form != "sample":
            return []
        some = []
        for person in sorted(self.members):
            record = record_of(person)
            circle = record.profile.circle
            open_to_all = circle is PrivacyCircle.everyone or (
                circle is PrivacyCircle.room_mates and self.with_mates
            )
            if open_to_all and counts(record) and record.attention is not Attention.background:
                some.append(person)
                if len(some) == SAMPLE:
                    break
        return some
