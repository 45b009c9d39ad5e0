"""Contacts and privacy settings in Postgres, as they are read.

Owns the SQL of muster.contacts.ContactStore and muster.privacy.PrivacyStore. Must never change either: those are
ops (add_contact_v1, drop_contact_v1, change_privacy_v1).
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from muster.contacts import Contact, ContactState, Listed
from muster.ids import PersonId
from muster.privacy import Privacy, PrivacyCircle
from muster.stores.postgres.entries import Fetches
from muster.stores.postgres.moments import to_ms
from muster.stores.postgres.pool import Database

# The head's row comes always, so that an empty page says where the log stands.
_OF_PERSON: Final = """
    SELECT r.head, c.* FROM rooms r LEFT JOIN LATERAL (
        SELECT c.other_id, p.handle_shown, p.name, c.state, c.at, c.seq
        FROM contacts c JOIN people p ON p.person_id = c.other_id
        WHERE c.person_id = $1 AND (c.seq, c.other_id) > ($2, $3::uuid) AND ($4 OR c.state <> 'removed')
        ORDER BY c.seq, c.other_id LIMIT $5
    ) c ON true WHERE r.room_id = $1 ORDER BY c.seq, c.other_id
"""
_PRIVACY: Final = """
    SELECT may_message, may_find, may_find_handle, may_see_online, may_see_events FROM people WHERE person_id = $1
"""


class PostgresContacts:
    """See `muster.contacts.ContactStore` and `muster.privacy.PrivacyStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_person(
        self, person: PersonId, after: tuple[int, UUID], limit: int, *, removed: bool
    ) -> Listed:
        return await contacts_of(self._database, person, after, limit, removed=removed)

    async def privacy(self, person: PersonId) -> Privacy | None:
        row = await self._database.fetchrow(_PRIVACY, person)
        return None if row is None else Privacy(*(PrivacyCircle(circle) for circle in row))


async def contacts_of(
    database: Fetches, person: PersonId, after: tuple[int, UUID], limit: int, *, removed: bool
) -> Listed:
    """See `muster.contacts.ContactStore`."""
    rows = await database.fetch(_OF_PERSON, person, *after, removed, limit)
    contacts = [
        Contact(PersonId(other), handle, name, ContactState(state), to_ms(at), seq)
        for _, other, handle, name, state, at, seq in rows
        if other is not None
    ]
    return Listed(contacts, rows[0][0] if rows else 0)
