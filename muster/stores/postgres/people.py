"""People in Postgres.

Owns the SQL of muster.people.PeopleStore and of the list of blocks. Must never change a profile, a ban or a
block: those are ops (change_own_v1, change_control_v1).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import asyncpg

from muster.ids import PersonId
from muster.people import Account, Credentials, Profile
from muster.permission import ServiceRole
from muster.stores.postgres.pool import Database

# With the person comes the empty log of their own.
_ADD: Final = """
    WITH person AS (
        INSERT INTO people (person_id, handle, handle_shown, name, password_hash)
        VALUES ($1, $2, $3, $4, $5) ON CONFLICT (handle) DO NOTHING RETURNING person_id
    )
    SELECT add_self_log_v1(person_id) FROM person
"""
_PROFILE = "person_id, handle_shown, name, bio, picture"
_ACCOUNT = (
    f"SELECT {_PROFILE}, service_role, banned_at IS NOT NULL FROM people WHERE person_id = $1"  # noqa: S608
)
_KNOWN: Final = "SELECT person_id FROM people WHERE person_id = ANY ($1::uuid[])"
_CREDENTIALS = """
    SELECT p.person_id, p.service_role, p.banned_at IS NOT NULL, p.password_hash, p.password_no,
           EXISTS (SELECT 1 FROM second_factors f WHERE f.person_id = p.person_id AND f.confirmed_at IS NOT NULL)
    FROM people p
"""
_BY_HANDLE: Final = f"{_CREDENTIALS} WHERE p.handle = $1"
_BY_ID: Final = f"{_CREDENTIALS} WHERE p.person_id = $1"
_REHASHED: Final = (
    "UPDATE people SET password_hash = $3 WHERE person_id = $1 AND password_hash = $2"
)
# Whoever is halfway in with the password before is so no more.
_CHANGED: Final = """
    WITH changed AS (
        UPDATE people SET password_hash = $2, password_no = password_no + 1, updated_at = now()
        WHERE person_id = $1 AND password_no = coalesce($3, password_no) RETURNING person_id
    ), halfway AS (
        DELETE FROM half_logins h USING changed c WHERE h.person_id = c.person_id
    )
    SELECT 1 FROM changed
"""
_BLOCKED = """
    SELECT p.person_id, p.handle_shown, p.name, p.bio, p.picture FROM blocks b JOIN people p ON p.person_id = b.blocked
    WHERE b.blocker = $1 AND b.blocked > $2 ORDER BY b.blocked LIMIT $3
"""


class PostgresPeople:
    """See `muster.people.PeopleStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, profile: Profile, folded: str, password_hash: str) -> bool:
        tag = await self._database.execute(
            _ADD, profile.id, folded, profile.handle, profile.name, password_hash
        )
        return tag == "SELECT 1"

    async def known(self, people: Sequence[UUID]) -> set[UUID]:
        """Those of `people` who are there."""
        return {row[0] for row in await self._database.fetch(_KNOWN, list(people))}

    async def account(self, person: PersonId) -> Account | None:
        row = await self._database.fetchrow(_ACCOUNT, person)
        return None if row is None else Account(_profile(row), ServiceRole(row[5]), row[6])

    async def credentials(self, folded: str) -> Credentials | None:
        return _credentials(await self._database.fetchrow(_BY_HANDLE, folded))

    async def credentials_of(self, person: PersonId) -> Credentials | None:
        return _credentials(await self._database.fetchrow(_BY_ID, person))

    async def set_password(self, person: PersonId, old_hash: str, new_hash: str) -> None:
        await self._database.execute(_REHASHED, person, old_hash, new_hash)

    async def change_password(
        self, person: PersonId, new_hash: str, password_no: int | None
    ) -> bool:
        row = await self._database.fetchrow(_CHANGED, person, new_hash, password_no)
        return row is not None

    async def blocked_by(self, person: PersonId, after: UUID | None, limit: int) -> list[Profile]:
        """Whom `person` blocks, in order of their ids."""
        return [
            _profile(row)
            for row in await self._database.fetch(_BLOCKED, person, after or UUID(int=0), limit)
        ]


def _credentials(row: asyncpg.Record | None) -> Credentials | None:
    if row is None:
        return None
    return Credentials(PersonId(row[0]), ServiceRole(row[1]), *row[2:6])


def _profile(row: asyncpg.Record) -> Profile:
    return Profile(PersonId(row[0]), row[1], row[2], row[3], row[4])
