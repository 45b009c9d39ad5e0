"""Consents in Postgres.

Owns the SQL of muster.consents.ConsentStore. Must never change or remove a row: it proves what was done by leave.
"""

from __future__ import annotations

from typing import Final

import asyncpg

from muster.consents import Consent
from muster.ids import PersonId
from muster.stores.postgres.moments import to_ms
from muster.stores.postgres.pool import Database

_OF: Final = """
    SELECT purpose, given, at, version, about FROM consents WHERE person_id = $1 ORDER BY n DESC LIMIT $2
"""
_IN_FORCE: Final = """
    SELECT purpose, given, at, version, about FROM (
        SELECT DISTINCT ON (purpose, about) * FROM consents WHERE person_id = $1 ORDER BY purpose, about, n DESC) latest
    WHERE given <> 'off' ORDER BY n DESC LIMIT $2
"""
_ADD: Final = """
    INSERT INTO consents (person_id, purpose, version, given)
    SELECT $1, $2, $3, $4 WHERE NOT EXISTS (
        SELECT 1 FROM (SELECT c.version, c.given FROM consents c WHERE c.person_id = $1 AND c.purpose = $2
                       ORDER BY c.n DESC LIMIT 1) l WHERE l.version = $3 AND l.given = $4)
"""


class PostgresConsents:
    """See `muster.consents.ConsentStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, person: PersonId, most: int) -> list[Consent]:
        return [_consent(row) for row in await self._database.fetch(_OF, person, most)]

    async def in_force(self, person: PersonId, most: int) -> list[Consent]:
        return [_consent(row) for row in await self._database.fetch(_IN_FORCE, person, most)]

    async def add(self, person: PersonId, purpose: str, version: str, given: str) -> None:
        await self._database.execute(_ADD, person, purpose, version, given)


def _consent(row: asyncpg.Record) -> Consent:
    return Consent(row[0], row[1], to_ms(row[2]), row[3], row[4])
