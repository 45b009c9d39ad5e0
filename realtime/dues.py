"""What frames are charged for beyond their own socket: all sockets of a person, all who write into a room, all that
come from an address or with a session; on every hub, and some with the REST door (muster/tolls.py).

Owns which frame takes of which bucket. Most are paid of what this hub holds, at once; who has to wait for an answer
holds up only its own socket. Must never decide what becomes of a refused frame: session.py does.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from muster.quotas import Charge, Quotas, address_key
from muster.tolls import Standing, Tolls
from proto import frames

Due = frames.Submission | frames.Resume | frames.Attend | frames.Watch
_ASKING: Final = (frames.Resume, frames.Attend, frames.Watch)


class Dues:
    """One hub's."""

    def __init__(self, tolls: Tolls, quotas: Quotas) -> None:
        self._tolls = tolls
        self._quotas = quotas

    def spend(self, person: UUID, frame: Due) -> Standing | None:
        """At once, of what is held here. None: ask with `take`."""
        return self._tolls.spend(self._charges(person, frame))

    async def take(self, person: UUID, frame: Due) -> None:
        """Raises `muster.tolls.Overdrawn`."""
        await self._tolls.take(*self._charges(person, frame))

    async def arrive(self, session: UUID, address: str) -> None:
        """A socket of this session authenticates. Raises `muster.tolls.Overdrawn`."""
        quotas = self._quotas
        await self._tolls.take(
            quotas.arrivals.of(session.bytes), quotas.doors.of(address_key(address))
        )

    def _charges(self, person: UUID, frame: Due) -> tuple[Charge, ...]:
        quotas = self._quotas
        if isinstance(frame, _ASKING):
            return (Charge(quotas.queries, person.bytes),)
        return Charge(quotas.posts, person.bytes), Charge(quotas.room, frame.room.bytes)
