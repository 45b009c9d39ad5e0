"""Who is near enough to somebody to see whether they are there, and what people want seen of them.

Owns the shapes and the contract of reading them. Must never judge: muster/presence.py does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple, Protocol

from muster.ids import PersonId, RoomId
from muster.presence import Profile

ROSTER_MOST: Final = 50_000
"""Larger rooms tell nobody how many are there: a hub would hold the ids of all their members."""


class Acquaintance(NamedTuple):
    """Bytes of ids: accepted contacts, and people between whom and me there is a block, whoever blocks."""

    contacts: frozenset[bytes]
    blocked: frozenset[bytes]


STRANGER: Final = Acquaintance(frozenset(), frozenset())


class AcquaintanceReader(Protocol):
    """Reads of Postgres. Everything raises `Refused(unavailable)` within 2 s."""

    async def profiles(self, people: Collection[bytes]) -> Mapping[bytes, Profile]:
        """What these people want seen of them; who does not exist is left out."""
        ...

    async def acquaintance(self, person: PersonId) -> Acquaintance:
        """Whom this person knows and shuns."""
        ...

    async def mates(self, person: PersonId, others: Collection[bytes]) -> frozenset[bytes]:
        """Those of `others` who share a group or an event with this person."""
        ...

    async def roster(self, room: RoomId) -> frozenset[bytes] | None:
        """Everybody in a room; None if they are more than ROSTER_MOST."""
        ...

    async def seen(self, people: Mapping[bytes, int]) -> None:
        """These people went at these times (Unix milliseconds). Of who is invisible nothing is kept."""
        ...
