"""The entrance: memberships as they were read from Postgres, applied to rooms that go on meanwhile.

What was read is a snapshot: the room here may have passed it, may be behind it, or may not be here yet.
Owns that nobody is let in, or put out, by what is no longer true. Must never read by itself (realtime/admission.py)
and never deliver.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from muster.ids import PersonId, RoomId
from muster.membership import Membership
from muster.membership import People as FoundPeople
from muster.permission import PRESENT
from realtime.counts import HubCounts
from realtime.people import People
from realtime.room import Kept, LocalRoom
from realtime.seating import Seating


@dataclass(frozen=True, slots=True)
class Wiring:
    """What the hub and its entrance tell others: each a call that returns at once."""

    hole: Callable[[LocalRoom], None]
    behind: Callable[[LocalRoom, int], None]
    check: Callable[[Iterable[LocalRoom]], None]
    read_again: Callable[[PersonId, RoomId], None]
    note: Callable[[bytes, int], None]
    control: Callable[[int], None]
    news: Callable[[LocalRoom, Kept], None]
    missed: Callable[[RoomId], None]


class Entrance:
    """Puts people in their rooms, and takes them out."""

    def __init__(self, people: People, seating: Seating, counts: HubCounts) -> None:
        self._people = people
        self._seating = seating
        self._counts = counts
        self._wiring: Wiring

    def wire(self, wiring: Wiring) -> None:
        """Connect the parts that need this to be there first. Before anything else is called."""
        self._wiring = wiring

    def admit(
        self, admitted: Iterable[PersonId], found: FoundPeople, meanwhile: dict[bytes, int]
    ) -> None:
        """Put newly connected people in their rooms."""
        present = [p for key in admitted if (p := self._people.get(key.bytes)) is not None]
        blocked: dict[PersonId, list[PersonId]] = {}
        for blocker, other in found.blocks:
            blocked.setdefault(blocker, []).append(other)
        for person in present:
            # Of whom was there already, the self log has told what has changed since.
            if not person.loaded:
                person.loaded = True
                self._seating.hidden.replace(person.id, blocked.get(person.id, ()))
        for membership in found.memberships:
            self._enter(membership, meanwhile)
        self._counts.admitted += len(present)

    def joined(
        self,
        pairs: Iterable[tuple[PersonId, RoomId]],
        memberships: list[Membership],
        meanwhile: dict[bytes, int] | None,
    ) -> None:
        """Memberships that were read again: what is gone is taken out, what is there put in.

        `meanwhile` is null when nobody has noted what the lanes brought during the query.
        """
        read = {(m.person, m.room): m for m in memberships}
        for pair in pairs:
            membership = read.get(pair)
            if membership is not None and membership.relation in PRESENT:
                self._enter(membership, meanwhile)
            elif (room := self._seating.rooms.get(pair[1].bytes)) is not None:
                self._leave(room, pair[0], 0 if membership is None else membership.head)

    def _leave(self, room: LocalRoom, person: PersonId, head: int) -> None:
        """Read as of `head`: this person is not in the room."""
        member = room.members.get(person)
        if member is None or member.as_of > head:
            return
        if head > room.position:
            # Their going is among what has not come yet; they are owed what is before it.
            self._wiring.behind(room, head)
        else:
            self._seating.remove(room, person, room.position)

    def _enter(self, membership: Membership, meanwhile: dict[bytes, int] | None) -> None:
        person = self._people.get(membership.person.bytes)
        if person is None or not person.loaded:
            return
        key = membership.room.bytes
        room = self._seating.rooms.get(key)
        if self._seating.is_old_news(key, membership.head):
            # Somebody's going was seen during the query, with the last one here of that room.
            self._wiring.read_again(person.id, membership.room)
            return
        if room is None:
            room = self._seating.rooms[key] = LocalRoom(membership)
            if meanwhile is None:
                self._wiring.check([room])
            elif meanwhile.get(key, 0) > room.position:
                self._wiring.behind(room, meanwhile[key])
        elif room.changed_at(person.id) > membership.head:
            self._wiring.read_again(person.id, room.id)
            return
        elif membership.head > room.position:
            self._wiring.behind(room, membership.head)
        stands = membership.relation, membership.from_seq, membership.head
        self._seating.add(room, person, *stands)
        if membership.request:
            room.requested = person.id
            if room.position > membership.head:
                # What came since may have been the answer.
                self._wiring.read_again(person.id, room.id)
        elif room.requested == person.id:
            room.requested = None
