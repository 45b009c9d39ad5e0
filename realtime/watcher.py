"""One socket that hears of others' presence: whom it asked for, and whom it may see.

Owns what of a record this one socket is shown. Pure. Must never push (realtime/watching.py).
"""

from __future__ import annotations

from muster.acquaintance import STRANGER, Acquaintance
from muster.ids import PersonId
from muster.presence import OFFLINE, Record, Told, may_see, shown, told
from realtime.roster import Roster
from realtime.socket import Socket


class Watcher:
    """One socket's subscription.

    `direct`: people it hears of by themselves. `mates`: those of them who share a group or an event with its person.
    `stale`: what it was told is not what it would be told now; a whole answer is owed.
    """

    __slots__ = (
        "asked",
        "direct",
        "known",
        "mates",
        "me",
        "rosters",
        "said_unknown",
        "socket",
        "stale",
        "wants_contacts",
    )

    def __init__(self, socket: Socket) -> None:
        self.socket = socket
        self.me = socket.person.bytes
        self.known: Acquaintance = STRANGER
        self.wants_contacts = False
        self.asked: frozenset[bytes] = frozenset()
        self.direct: frozenset[bytes] = frozenset()
        self.mates: frozenset[bytes] = frozenset()
        self.rosters: list[Roster] = []
        self.stale = False
        self.said_unknown = False

    @property
    def person(self) -> PersonId:
        return self.socket.person

    def hears_of(self, person: bytes) -> bool:
        """Whether changes of this person go to this socket one by one."""
        if person in self.direct:
            return True
        contact = person in self.known.contacts
        return any(roster.tells(person, contact=contact) for roster in self.rosters)

    def sees(self, person: bytes, record: Record, now_ms: int) -> tuple[Told, bytes | None]:
        """What is shown of somebody, and which room that is watched here they look at."""
        if person == self.me:
            return shown(record.attention, record.profile, now_ms), self._room(record)
        if person in self.known.blocked:
            return OFFLINE, None
        allowed = may_see(
            record.profile.circle,
            contact=person in self.known.contacts,
            mates=person in self.mates
            or any(roster.with_mates and roster.has(person) for roster in self.rosters),
        )
        seen = told(record, now_ms, allowed=allowed)
        return seen, None if seen is OFFLINE else self._room(record)

    def _room(self, record: Record) -> bytes | None:
        if record.rooms:
            for roster in self.rosters:
                if roster.room.bytes in record.rooms:
                    return roster.room.bytes
        return None

    def everybody(self) -> set[bytes]:
        """Everybody of whom this socket hears one by one."""
        people = set(self.direct)
        for roster in self.rosters:
            if roster.members is None or roster.form == "count":
                continue
            if roster.form == "names":
                people |= roster.members
            else:
                people |= self.known.contacts & roster.members
        return people
