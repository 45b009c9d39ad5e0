"""What Postgres knows of presence: what people want seen, whom they know, when they were last seen.

Owns the SQL of muster.acquaintance.AcquaintanceReader and muster.status.StatusStore. Must never say who is there: the
roll does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final
from uuid import UUID

import asyncpg

from muster.acquaintance import ROSTER_MOST, Acquaintance
from muster.contacts import ContactState
from muster.ids import PersonId, RoomId
from muster.presence import Profile
from muster.privacy import PrivacyCircle
from muster.status import Known, StatusChange
from muster.stores.postgres.entries import Fetches
from muster.stores.postgres.moments import to_ms
from muster.stores.postgres.pool import Database

_COLUMNS: Final = """
    p.person_id, p.may_see_online, coalesce(s.version, 0), coalesce(s.invisible, false), coalesce(s.busy_until_ms, 0),
    coalesce(s.text, ''), coalesce(s.emoji, ''), coalesce(s.text_until_ms, 0)
"""
_PROFILES: Final = f"""
    SELECT {_COLUMNS} FROM people p LEFT JOIN presence_profiles s USING (person_id) WHERE p.person_id = ANY ($1::uuid[])
"""  # noqa: S608  # a constant list of columns
_KNOWN: Final = f"""
    SELECT {_COLUMNS}, l.at FROM people p LEFT JOIN presence_profiles s USING (person_id)
    LEFT JOIN last_seen l USING (person_id) WHERE p.person_id = ANY ($1::uuid[])
"""  # noqa: S608  # a constant list of columns
_CONTACTS: Final = "SELECT other_id FROM contacts WHERE person_id = $1 AND state = 'accepted'"
_BLOCKED: Final = """
    SELECT blocked FROM blocks WHERE blocker = $1 UNION SELECT blocker FROM blocks WHERE blocked = $1
"""
_MATES: Final = """
    SELECT DISTINCT o.person_id FROM members m JOIN rooms r USING (room_id) JOIN members o USING (room_id)
    WHERE m.person_id = $1 AND m.relation IN ('member', 'moderator', 'owner') AND makes_mates_v1(r.room_id, r.kind)
      AND o.person_id = ANY ($2::uuid[]) AND o.relation IN ('member', 'moderator', 'owner')
"""
_ROSTER: Final = """
    SELECT person_id FROM members WHERE room_id = $1 AND relation IN ('member', 'moderator', 'owner') LIMIT $2
"""
# In one order everywhere, so that two hubs never wait for each other's rows crosswise.
_SEEN: Final = """
    INSERT INTO last_seen AS l (person_id, at)
    SELECT w.person_id, to_timestamp(w.at_ms / 1000.0) FROM unnest($1::uuid[], $2::bigint[]) w (person_id, at_ms)
    WHERE NOT EXISTS (SELECT 1 FROM presence_profiles s WHERE s.person_id = w.person_id AND s.invisible)
    ORDER BY w.person_id
    ON CONFLICT (person_id) DO UPDATE SET at = greatest(l.at, excluded.at)
"""
_CHANGE: Final = """
    INSERT INTO presence_profiles AS s (person_id, invisible, busy_until_ms, text, emoji, text_until_ms)
    SELECT p.person_id, coalesce($2::boolean, false), coalesce($3::bigint, 0), coalesce($4::text, ''),
        coalesce($5::text, ''), coalesce($6::bigint, 0)
    FROM people p WHERE p.person_id = $1
    ON CONFLICT (person_id) DO UPDATE SET version = s.version + 1,
        invisible = coalesce($2, s.invisible), busy_until_ms = coalesce($3, s.busy_until_ms),
        text = coalesce($4, s.text), emoji = coalesce($5, s.emoji), text_until_ms = coalesce($6, s.text_until_ms)
"""
_OF_CONTACTS: Final = f"""
    SELECT {_COLUMNS}, l.at FROM contacts c JOIN people p ON p.person_id = c.other_id
    LEFT JOIN presence_profiles s ON s.person_id = p.person_id LEFT JOIN last_seen l ON l.person_id = p.person_id
    WHERE c.person_id = $1 AND c.state = '{ContactState.accepted}' AND NOT EXISTS (
        SELECT 1 FROM blocks b WHERE (b.blocker, b.blocked) IN (($1, p.person_id), (p.person_id, $1)))
    ORDER BY p.person_id
"""  # noqa: S608  # constants


class PostgresPresence:
    """See `muster.acquaintance.AcquaintanceReader` and `muster.status.StatusStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def profiles(self, people: Collection[bytes]) -> Mapping[bytes, Profile]:
        rows = await self._database.fetch(_PROFILES, [UUID(bytes=person) for person in people])
        return {row[0].bytes: _profile(row) for row in rows}

    async def acquaintance(self, person: PersonId) -> Acquaintance:
        contacts = await self._database.fetch(_CONTACTS, person)
        blocked = await self._database.fetch(_BLOCKED, person)
        return Acquaintance(
            frozenset(row[0].bytes for row in contacts), frozenset(row[0].bytes for row in blocked)
        )

    async def mates(self, person: PersonId, others: Collection[bytes]) -> frozenset[bytes]:
        ids = [UUID(bytes=other) for other in others]
        rows = await self._database.fetch(_MATES, person, ids)
        return frozenset(row[0].bytes for row in rows)

    async def roster(self, room: RoomId) -> frozenset[bytes] | None:
        rows = await self._database.fetch(_ROSTER, room, ROSTER_MOST + 1)
        return None if len(rows) > ROSTER_MOST else frozenset(row[0].bytes for row in rows)

    async def seen(self, people: Mapping[bytes, int]) -> None:
        ids = [UUID(bytes=person) for person in people]
        await self._database.execute(_SEEN, ids, list(people.values()))

    async def change(self, person: PersonId, change: StatusChange) -> None:
        await self._database.execute(_CHANGE, person, *change)

    async def contacts(self, person: PersonId) -> list[Known]:
        return _known(await self._database.fetch(_OF_CONTACTS, person))

    async def known(self, people: Collection[bytes]) -> list[Known]:
        return _known(await self._database.fetch(_KNOWN, [UUID(bytes=person) for person in people]))


async def shown_of(database: Fetches, person: PersonId) -> tuple[Profile, int | None]:
    """What somebody wants seen, and when they were last seen. For `muster trace`."""
    rows = await database.fetch(_PROFILES, [person])
    seen = await database.fetch("SELECT at FROM last_seen WHERE person_id = $1", person)
    return _profile(rows[0]), to_ms(seen[0][0]) if seen else None


def _known(rows: Iterable[asyncpg.Record]) -> list[Known]:
    return [
        Known(row[0].bytes, _profile(row), None if row[8] is None else to_ms(row[8]))
        for row in rows
    ]


def _profile(row: asyncpg.Record) -> Profile:
    _, circle, version, invisible, busy_until_ms, text, emoji, text_until_ms = row[:8]
    return Profile(
        version, PrivacyCircle(circle), invisible, busy_until_ms, text, emoji, text_until_ms
    )
