"""Who somebody is elsewhere, and grants, in Postgres.

Owns the SQL of muster.arrivals.ExternalStore. Must never hold a grant, only its hash.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from muster.arrivals import Arrived
from muster.ids import PersonId
from muster.stores.postgres.pool import Database

_FIND: Final = "SELECT person_id FROM externals WHERE realm = $1 AND subject = $2"
_ARRIVE: Final = "SELECT person_id, fresh FROM arrive_v1($1, $2, $3, $4::text[], $5, $6)"
# Old grants of anybody go with each new one: there is never more than what was made lately.
_GRANT: Final = """
    WITH old AS (
        DELETE FROM grants g USING (
            SELECT grant_hash FROM grants WHERE expires_at < now() LIMIT 20 FOR UPDATE SKIP LOCKED
        ) o WHERE g.grant_hash = o.grant_hash
    )
    INSERT INTO grants (grant_hash, person_id, expires_at) VALUES ($1, $2, now() + $3::interval)
"""
_USE: Final = """
    WITH used AS (DELETE FROM grants WHERE grant_hash = $1 RETURNING person_id, expires_at)
    SELECT person_id FROM used WHERE expires_at > now()
"""


class PostgresExternals:
    """See `muster.arrivals.ExternalStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, realm: str, subject: str) -> PersonId | None:
        row = await self._database.fetchrow(_FIND, realm, subject)
        return None if row is None else PersonId(row[0])

    async def arrive(
        self, person: PersonId, who: tuple[str, str], handles: Sequence[str], name: str, bio: str
    ) -> Arrived | None:
        row = await self._database.fetchrow(_ARRIVE, person, *who, list(handles), name, bio)
        return None if row is None else Arrived(PersonId(row[0]), row[1])

    async def add_grant(self, grant_hash: bytes, person: PersonId, within_s: int) -> None:
        await self._database.execute(_GRANT, grant_hash, person, timedelta(seconds=within_s))

    async def use_grant(self, grant_hash: bytes) -> PersonId | None:
        row = await self._database.fetchrow(_USE, grant_hash)
        return None if row is None else PersonId(row[0])
