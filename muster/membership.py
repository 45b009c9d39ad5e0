"""Who is in which room, as hubs hold it, and how they read it.

Owns the shape of a membership and the contract of reading memberships, heads and entries. Must never cache:
what is read here is true at the moment of one statement's snapshot.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple, Protocol

from muster.ids import PersonId, RoomId
from muster.permission import Relation, RoomKind
from proto.frames import Entry


class Membership(NamedTuple):
    """One person in one room, and where the room stands, from one snapshot.

    `from_seq` is the first seq of the present span that this person may see. `request`: the room lies in their
    Requests, and they have not answered.
    """

    person: PersonId
    room: RoomId
    kind: RoomKind
    history: str
    relation: Relation
    from_seq: int
    head: int
    msg_no: int
    members: int
    request: bool


class People(NamedTuple):
    """What a hub needs to know of people it admits: their rooms (self log included) and whom they block."""

    memberships: list[Membership]
    blocks: list[tuple[PersonId, PersonId]]


class Wanted(NamedTuple):
    """Entries of `room` with after < seq <= upto."""

    room: RoomId
    after: int
    upto: int


class Found(NamedTuple):
    """An entry as it stands now. `erased`: its words were deleted since."""

    entry: Entry
    erased: bool


class HubReader(Protocol):
    """What a hub reads of Postgres. Everything raises `Refused(unavailable)` within 2 s."""

    async def people(self, people: Collection[PersonId]) -> People:
        """Memberships in one snapshot, and the blocks of that moment or a later one, never an older."""
        ...

    async def memberships(self, pairs: Collection[tuple[PersonId, RoomId]]) -> list[Membership]:
        """These memberships; a pair without one is left out."""
        ...

    async def heads(self, rooms: Collection[RoomId]) -> dict[RoomId, tuple[int, int]]:
        """(head, msg_no) of these rooms."""
        ...

    async def entries(self, wanted: Sequence[Wanted], limit: int) -> list[Found]:
        """The first `limit` entries of each range, ranges in the order given, each in order of seq."""
        ...
