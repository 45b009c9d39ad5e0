"""Looking for people in Postgres.

Owns the SQL of muster.finding.FindingStore. Must never read an unbounded stretch of people, however many begin
alike: strangers are looked through by partial indexes of those who may be found, and no further than LOOKED.
"""

from __future__ import annotations

from typing import Final

from muster.contacts import ContactState
from muster.finding import FoundPerson
from muster.ids import PersonId
from muster.people import Profile, fold
from muster.stores.postgres.pool import Database

LOOKED: Final = 500
"""How many people of one beginning are considered before a search answers what it has."""

_END: Final = chr(0x10FFFF)
"""Behind every text that begins alike, in the order of bytes."""

# Ranges, not LIKE: a plan for any parameter could not use an index for LIKE. Each branch is bounded by itself.
BEGINNING: Final = f"""
    WITH asked AS MATERIALIZED (SELECT $2::text AS handle, folded_v1($3) AS name), candidates AS (
        SELECT p.person_id FROM asked a JOIN people p ON p.handle = a.handle
        WHERE allows_v1(p.may_find_handle, p.person_id, $1)
        UNION
        SELECT p.person_id FROM asked a, contacts c JOIN people p ON p.person_id = c.other_id
        WHERE c.person_id = $1 AND c.state = 'accepted' AND p.may_find <> 'nobody'
          AND (starts_with(p.handle, a.handle) OR starts_with(folded_v1(p.name), a.name))
        UNION
        SELECT n.person_id FROM (
            (SELECT p.* FROM asked a, people p
             WHERE p.may_find IN ('everyone', 'room-mates')
               AND p.handle ~>=~ a.handle AND p.handle ~<~ (a.handle || $4)
             ORDER BY p.handle USING ~<~ LIMIT {LOOKED})
            UNION ALL
            (SELECT p.* FROM asked a, people p
             WHERE p.may_find IN ('everyone', 'room-mates')
               AND folded_v1(p.name) ~>=~ a.name AND folded_v1(p.name) ~<~ (a.name || $4)
             ORDER BY folded_v1(p.name) USING ~<~ LIMIT {LOOKED})
        ) n WHERE allows_v1(n.may_find, n.person_id, $1)
    )
    SELECT p.person_id, p.handle_shown, p.name, c.state, p.picture
    FROM asked a, candidates f JOIN people p USING (person_id)
    LEFT JOIN contacts c ON c.person_id = $1 AND c.other_id = p.person_id AND c.state <> 'removed'
    WHERE p.person_id <> $1 AND p.banned_at IS NULL AND NOT EXISTS (
        SELECT 1 FROM blocks b WHERE (b.blocker, b.blocked) IN ((p.person_id, $1), ($1, p.person_id)))
    ORDER BY p.handle = a.handle DESC, c.state = 'accepted' DESC NULLS LAST, p.handle LIMIT $5
"""  # noqa: S608  # constant numbers
_BY_HANDLE: Final = """
    SELECT p.person_id, p.handle_shown, p.name, p.bio, p.picture FROM people p
    WHERE p.handle = $2 AND ($3 OR p.person_id = $1 OR allows_v1(p.may_find_handle, p.person_id, $1))
"""


class PostgresFinding:
    """See `muster.finding.FindingStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def beginning_with(self, viewer: PersonId, words: str, limit: int) -> list[FoundPerson]:
        rows = await self._database.fetch(BEGINNING, viewer, fold(words), words, _END, limit)
        return [
            FoundPerson(
                PersonId(row[0]),
                row[1],
                row[2],
                None if row[3] is None else ContactState(row[3]),
                row[4],
            )
            for row in rows
        ]

    async def by_handle(self, viewer: PersonId, folded: str, *, always: bool) -> Profile | None:
        row = await self._database.fetchrow(_BY_HANDLE, viewer, folded, always)
        return None if row is None else Profile(PersonId(row[0]), *row[1:])
