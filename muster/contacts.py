"""Contacts: whom somebody has asked, who has asked them, and who said yes.

Owns the states and the list with its changes. Must never change a contact: that is an op (add_contact_v1,
drop_contact_v1), which writes state and entry of both people in one transaction.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, Protocol
from uuid import UUID

from msgspec import Struct

from muster import cursor
from muster.ids import PersonId


class ContactState(StrEnum):
    """Where two people stand, as one of them sees it."""

    requested = "requested"
    incoming = "incoming"
    accepted = "accepted"
    removed = "removed"


class Contact(Struct, frozen=True, gc=False):
    """One contact. `seq` is the entry of my self log that made it so, at `at_ms`."""

    person: PersonId
    handle: str
    name: str
    state: ContactState
    at_ms: int
    seq: int


class ContactPage(Struct, frozen=True, gc=False):
    """A page of contacts in order of `seq`. `seq` of the page: where my self log stood when it was read.

    Entries of the self log after the first page's `seq`, put upon all pages, are the list as it is now.
    """

    contacts: list[Contact]
    seq: int
    cursor: str | None


class Listed(NamedTuple):
    """Contacts and the head of the self log, from one snapshot."""

    contacts: list[Contact]
    head: int


class ContactStore(Protocol):
    """Where contacts are read."""

    async def of_person(
        self, person: PersonId, after: tuple[int, UUID], limit: int, *, removed: bool
    ) -> Listed:
        """Those after (seq, person), in that order; `removed`: also those that are no more."""
        ...


class Contacts:
    """Reads somebody's contacts."""

    def __init__(self, store: ContactStore) -> None:
        self._store = store

    async def page(
        self, person: PersonId, since: int | None, at: str | None, limit: int
    ) -> ContactPage:
        """All contacts, or with `since` what changed after that seq of the self log, removals included."""
        after = cursor.read(at) if at else (since or 0, UUID(int=2**128 - 1))
        listed = await self._store.of_person(person, after, limit, removed=since is not None)
        last = listed.contacts[-1] if len(listed.contacts) == limit else None
        return ContactPage(
            listed.contacts,
            listed.head,
            cursor.write(last.seq, last.person) if last else None,
        )
