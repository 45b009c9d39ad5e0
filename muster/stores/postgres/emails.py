"""Addresses of people in Postgres.

Owns the SQL of muster.emails.EmailStore. Must never hold an address that is not sealed.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

import asyncpg

from muster.emails import Kept, NewEmail, Notice, Verified
from muster.ids import PersonId
from muster.mails import NewMail
from muster.stores.postgres import mails
from muster.stores.postgres.pool import Database

_COLUMNS = "email_id, person_id, address_sealed, language, verified_at IS NOT NULL"
_OF_PERSON: Final = f"SELECT {_COLUMNS} FROM emails WHERE person_id = $1"  # noqa: S608  # constant
_OWNER: Final = "SELECT person_id FROM emails WHERE address_blind = $1 AND verified_at IS NOT NULL"
# With it the words of its mails lose what they were for.
_DROP: Final = "DELETE FROM emails WHERE person_id = $1 AND verified_at IS NULL"
_PUT: Final = """
    INSERT INTO emails (email_id, person_id, address_sealed, address_blind, language) VALUES ($1, $2, $3, $4, $5)
"""
_PERSON: Final = "SELECT 1 FROM people WHERE person_id = $1 FOR NO KEY UPDATE"
_VERIFY: Final = "SELECT outcome, old_email, old_sealed, old_language FROM verify_email_v1($1, $2)"
_ADOPT: Final = """
    INSERT INTO emails (email_id, person_id, address_sealed, address_blind, language, verified_at)
    VALUES ($1, $2, $3, $4, $5, now()) ON CONFLICT DO NOTHING
"""
_REMOVE: Final = f"DELETE FROM emails WHERE person_id = $1 RETURNING {_COLUMNS}"  # noqa: S608  # constant
_SPEND: Final = """
    UPDATE mails SET used_at = now() WHERE person_id = $1 AND used_at IS NULL AND kind IN ('reset', 'verify')
"""


class PostgresEmails:
    """See `muster.emails.EmailStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_person(self, person: PersonId) -> list[Kept]:
        return [_kept(row) for row in await self._database.fetch(_OF_PERSON, person)]

    async def owner(self, blind: bytes) -> PersonId | None:
        row = await self._database.fetchrow(_OWNER, blind)
        return None if row is None else PersonId(row[0])

    async def put(self, new: NewEmail, mail: NewMail) -> bool:
        try:
            async with self._database.transaction() as connection:
                await connection.fetchrow(_PERSON, new.person)
                await connection.execute(_DROP, new.person)
                await connection.execute(_PUT, *new)
                if not await connection.fetchval(mails.ADD, *mails.arguments(mail)):
                    raise _TooMany
        except _TooMany:
            return False
        return True

    async def verify(self, email_id: UUID, person: PersonId, notice: Notice) -> Verified:
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(_VERIFY, email_id, person)
            assert row is not None
            outcome, old, sealed, language = row
            if old is not None:
                told = notice(Kept(old, person, sealed, language, True))
                await connection.fetchval(mails.ADD, *mails.arguments(told))
        return Verified(outcome)

    async def adopt(self, new: NewEmail) -> bool:
        return await self._database.execute(_ADOPT, *new) == "INSERT 0 1"

    async def remove(self, person: PersonId, notice: Notice) -> bool:
        async with self._database.transaction() as connection:
            await connection.fetchrow(_PERSON, person)
            gone = [_kept(row) for row in await connection.fetch(_REMOVE, person)]
            await connection.execute(_SPEND, person)
            for one in gone:
                if one.verified:
                    await connection.fetchval(mails.ADD, *mails.arguments(notice(one)))
        return bool(gone)


class _TooMany(Exception):
    """Undoes the rest."""


def _kept(row: asyncpg.Record) -> Kept:
    return Kept(row[0], PersonId(row[1]), row[2], row[3], row[4])
