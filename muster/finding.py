"""Finding people by how their handle or name begins, and by their whole handle.

Owns what may be asked and how many are answered. Must never tell of anybody whose settings, or whose block, say
no: such a person is not there. The settings are judged where people are read (stores/postgres/finding.py).
"""

from __future__ import annotations

from typing import Final, Protocol
from uuid import UUID

from msgspec import Struct

from muster.contacts import ContactState
from muster.errors import Refused
from muster.ids import PersonId
from muster.people import Profile, fold, unknown_person
from muster.permission import STAFF, ServiceRole
from proto.codes import Code

FOUND_MOST: Final = 20
LEAST_CHARS: Final = 2
MOST_CHARS: Final = 64


class FoundPerson(Struct, frozen=True, gc=False):
    """Somebody who was found, and what they are to me."""

    id: PersonId
    handle: str
    name: str
    contact: ContactState | None
    picture: UUID | None = None


class FindingStore(Protocol):
    """Where people are looked for."""

    async def beginning_with(self, viewer: PersonId, words: str, limit: int) -> list[FoundPerson]:
        """Whom `viewer` may find by these words, the exact handle first."""
        ...

    async def by_handle(self, viewer: PersonId, folded: str, *, always: bool) -> Profile | None:
        """Whoever has this handle, if they let `viewer` find them by it; `always`: in any case."""
        ...


class Finding:
    """Looks for people on somebody's behalf."""

    def __init__(self, store: FindingStore) -> None:
        self._store = store

    async def search(self, viewer: PersonId, words: str) -> list[FoundPerson]:
        """At most FOUND_MOST people. Raises `Refused`: `bad_request`."""
        asked = words.strip().removeprefix("@")
        if not LEAST_CHARS <= len(asked) <= MOST_CHARS:
            raise Refused(
                Code.bad_request,
                f"people are looked for by {LEAST_CHARS} to {MOST_CHARS} characters",
            )
        return await self._store.beginning_with(viewer, asked, FOUND_MOST)

    async def by_handle(self, viewer: PersonId, role: ServiceRole, handle: str) -> Profile:
        """Somebody by their whole handle, in any case. Raises `Refused`: `not_found`."""
        found = await self._store.by_handle(viewer, fold(handle), always=role in STAFF)
        if found is None:
            raise unknown_person()
        return found
