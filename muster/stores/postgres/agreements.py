"""What people have accepted, in Postgres.

Owns the SQL of muster.agreements.AgreementStore. Must never remove a row: it proves what somebody agreed to.
"""

from __future__ import annotations

from typing import Final

from muster.agreements import Accepted, InForce
from muster.ids import PersonId
from muster.stores.postgres.entries import Fetches
from muster.stores.postgres.moments import to_ms

_OF: Final = """
    SELECT document, version, at FROM agreements WHERE person_id = $1 ORDER BY at DESC, document LIMIT 200
"""
_ADD: Final = """
    INSERT INTO agreements (person_id, document, version)
    SELECT $1, d.document, d.version FROM unnest($2::text[], $3::text[]) d (document, version)
    ON CONFLICT DO NOTHING
"""


class PostgresAgreements:
    """See `muster.agreements.AgreementStore`."""

    def __init__(self, database: Fetches) -> None:
        self._database = database

    async def of(self, person: PersonId) -> list[Accepted]:
        rows = await self._database.fetch(_OF, person)
        return [Accepted(row[0], row[1], to_ms(row[2])) for row in rows]

    async def add(self, person: PersonId, documents: list[InForce]) -> None:
        names = [one.document for one in documents]
        await self._database.fetch(_ADD, person, names, [one.version for one in documents])
