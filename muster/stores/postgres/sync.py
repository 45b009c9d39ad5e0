"""One moment of a person's world in Postgres: a few queries on one connection that all see the same.

Owns the SQL of muster.sync.Moment that no other list has. The number of queries does not depend on what they find.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final, cast
from uuid import UUID

from asyncpg.pool import PoolConnectionProxy

from muster.contacts import Contact
from muster.drafts import RoomDraft
from muster.ids import PersonId, RoomId
from muster.notices import Notices
from muster.people import Profile
from muster.privacy import Privacy, PrivacyCircle
from muster.push_wishes import PushWishes
from muster.rooms import RoomLine
from muster.stores.postgres.contacts import contacts_of
from muster.stores.postgres.drafts import drafts_of
from muster.stores.postgres.mine import OF_PERSON, summary
from muster.stores.postgres.moments import from_ms, to_ms
from muster.stores.postgres.notices import notices_of
from muster.stores.postgres.pool import Database
from muster.sync import BLOCKED, Anchor, Change
from proto.entry import EntryKind

# By the database's clock, with which rooms are timed too.
_ANCHOR: Final = f"""
    SELECT (SELECT i.generation FROM installation i), r.head, now(), own.read_seq,
           ARRAY(SELECT b.blocked FROM blocks b WHERE b.blocker = $1 ORDER BY b.at DESC LIMIT {BLOCKED}),
           p.person_id, p.handle_shown, p.name, p.bio,
           p.may_message, p.may_find, p.may_find_handle, p.may_see_online, p.may_see_events,
           coalesce(w.level, 'all'), coalesce(w.quiet_from_min, 0), coalesce(w.quiet_to_min, 0),
           coalesce(w.urgent_through, false)
    FROM people p JOIN rooms r ON r.room_id = p.person_id
    JOIN members own ON own.room_id = p.person_id AND own.person_id = p.person_id
    LEFT JOIN push_wishes w ON w.person_id = p.person_id
    WHERE p.person_id = $1
"""  # noqa: S608  # a constant number
_CHANGES: Final = """
    SELECT e.seq, e.kind, e.at, (e.body ->> 'room')::uuid,
           EXISTS (SELECT 1 FROM members m WHERE m.room_id = (e.body ->> 'room')::uuid AND m.person_id = $1
                   AND m.relation IN ('invited', 'member', 'moderator', 'owner'))
    FROM entries e WHERE e.room_id = $1 AND e.seq >= $2 ORDER BY e.seq LIMIT $3
"""
_NO_GENERATION: Final = UUID(int=0)
"""Before any process of the service has started on this database."""


class PostgresMoments:
    """Opens moments."""

    def __init__(self, primary: Database) -> None:
        """Not a replica: what a phone did just now must be in the answer."""
        self._primary = primary

    @asynccontextmanager
    async def of(self, person: PersonId) -> AsyncIterator[PostgresMoment]:
        """This moment of somebody's. Raises `Refused`: `unavailable`."""
        async with self._primary.snapshot() as connection:
            yield PostgresMoment(connection, person)


class PostgresMoment:
    """See `muster.sync.Moment`."""

    def __init__(self, connection: PoolConnectionProxy, person: PersonId) -> None:
        self._connection = connection
        self._person = person

    async def anchor(self) -> Anchor | None:
        row = await self._connection.fetchrow(_ANCHOR, self._person)
        if row is None:
            return None
        generation, head, now, read, blocked = row[:5]
        return Anchor(
            generation or _NO_GENERATION,
            head,
            to_ms(now),
            Profile(*row[5:9]),
            Privacy(*(PrivacyCircle(circle) for circle in row[9:14])),
            PushWishes(*row[14:]),
            blocked,
            read,
        )

    async def changes(self, since: int, limit: int) -> list[Change]:
        rows = await self._connection.fetch(_CHANGES, self._person, since, limit)
        return [
            Change(seq, EntryKind(kind), to_ms(at), room and RoomId(room), mine)
            for seq, kind, at, room, mine in rows
        ]

    async def rooms(
        self, after: tuple[int, UUID] | None, limit: int, moved: tuple[int, Sequence[UUID]] | None
    ) -> list[RoomLine]:
        at, room = (None, None) if after is None else (from_ms(after[0]), after[1])
        since, named = (None, None) if moved is None else (from_ms(moved[0]), list(moved[1]))
        rows = await self._connection.fetch(
            OF_PERSON, self._person, at, room, limit, str(self._person), since, named
        )
        return [cast("RoomLine", summary(row, RoomLine)) for row in rows]

    async def contacts(
        self, after: tuple[int, UUID], limit: int, *, removed: bool
    ) -> list[Contact]:
        listed = await contacts_of(self._connection, self._person, after, limit, removed=removed)
        return listed.contacts

    async def drafts(self, rooms: Sequence[UUID]) -> dict[UUID, RoomDraft]:
        return await drafts_of(self._connection, self._person, rooms)

    async def notices(self, since: int, limit: int) -> Notices:
        return await notices_of(self._connection, self._person, since, None, limit)
