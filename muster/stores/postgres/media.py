"""Media in Postgres: everything of them but their bytes.

Owns the SQL of muster.intake.MediaStore, muster.gallery.GalleryStore, muster.attaching.ClaimStore and
muster.orphans.OrphanStore. Must never decide what an upload is or who waits for whom.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Final, Protocol
from uuid import UUID

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from muster.gallery import Shown
from muster.ids import PersonId, RoomId
from muster.intake import Row
from muster.media import MediaInfo, Purpose, Refusal, State, Terms, Upload
from muster.stores.postgres.pool import Database

_OPEN: Final = "SELECT open_media_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
_INFO = "m.media_id, m.type, m.bytes, m.name, m.width, m.height, m.blurhash, m.duration_ms"
_COLUMNS = f"m.owner, m.purpose, m.state, m.secret, m.refusal, {_INFO}"
_ROW: Final = f"SELECT {_COLUMNS} FROM media m WHERE m.media_id = $1 AND m.owner = $2"  # noqa: S608  # constants
_TAKE: Final = f"""
    UPDATE media m SET state = 'processing', lease_until = clock_timestamp() + $3::interval
    WHERE m.media_id = $1 AND m.owner = $2
      AND (m.state = 'waiting' OR m.state = 'processing' AND m.lease_until < clock_timestamp())
    RETURNING {_COLUMNS}
"""  # noqa: S608  # constants
_GIVE_BACK: Final = (
    "UPDATE media SET state = 'waiting' WHERE media_id = $1 AND state = 'processing'"
)
_READY: Final = """
    UPDATE media SET state = 'ready', type = $2, bytes = $3, width = $4, height = $5, blurhash = $6,
                     collect_at = now() + interval '1 day'
    WHERE media_id = $1 AND state = 'processing'
"""
_REFUSE: Final = """
    UPDATE media SET state = 'refused', refusal = $2, collect_at = now() + interval '1 day'
    WHERE media_id = $1 AND state = 'processing'
"""
_INFOS: Final = f"""
    SELECT {_INFO} FROM media m
    WHERE m.media_id = ANY ($2::uuid[]) AND m.room_id = $1 AND m.client_id IS NOT NULL AND m.state = 'ready'
"""  # noqa: S608  # constants
_VISIBLE: Final = f"""
    SELECT m.secret, {_INFO} FROM media m
    WHERE m.media_id = ANY ($2::uuid[]) AND m.state = 'ready' AND (m.freed_at IS NULL AND (
        m.owner = $1
        OR m.purpose = 'avatar' AND m.used AND NOT EXISTS (
            SELECT 1 FROM blocks b WHERE (b.blocker, b.blocked) IN ((m.owner, $1), ($1, m.owner)))
        OR m.purpose = 'room_picture' AND m.used AND EXISTS (
            SELECT 1 FROM rooms r LEFT JOIN members i ON i.room_id = r.room_id AND i.person_id = $1
            WHERE r.room_id = m.room_id
              AND (i.relation IN ('invited', 'member', 'moderator', 'owner')
                   OR r.kind IN ('public', 'announcement') AND r.archived_at IS NULL
                      AND i.relation IS DISTINCT FROM 'kicked'
                   OR EXISTS (SELECT 1 FROM events v WHERE v.room_id = r.room_id AND event_visible_v1(v, $1))))
        OR m.client_id IS NOT NULL AND EXISTS (
            SELECT 1 FROM entries e JOIN rooms r ON r.room_id = e.room_id
            JOIN members i ON i.room_id = e.room_id AND i.person_id = $1
            WHERE e.room_id = m.room_id AND e.author = m.owner AND e.client_id = m.client_id
              AND e.deleted_seq IS NULL AND e.seq > r.floor
              AND e.body -> 'attachments' ? m.media_id::text
              AND i.relation IN ('member', 'moderator', 'owner')
              AND EXISTS (SELECT 1 FROM spans s WHERE s.room_id = e.room_id AND s.person_id = $1
                          AND s.from_seq <= e.seq AND (s.to_seq IS NULL OR s.to_seq >= e.seq))
              AND NOT EXISTS (SELECT 1 FROM blocks b WHERE b.blocker = $1 AND b.blocked = m.owner)))
        -- Whoever reviews a report sees what hung on the message, deleted or not.
        OR EXISTS (SELECT 1 FROM report_media k JOIN reports r USING (report_id)
                   WHERE k.media_id = m.media_id AND may_review_v1(r, $1)))
"""  # noqa: S608  # constants
_CLAIM: Final = "SELECT claim_media_v1($1, $2, $3, $4::uuid[])"
_UNCLAIM: Final = "SELECT unclaim_media_v1($1, $2, $3)"


class PostgresMedia:
    """See `muster.intake.MediaStore`, `muster.gallery.GalleryStore` and `muster.orphans.OrphanStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def open(self, wanted: Upload, secret: str, terms: Terms, wait_s: int) -> str:
        [[answer]] = await self._database.fetch(
            _OPEN,
            wanted.media,
            wanted.owner,
            wanted.purpose.value,
            secret,
            wanted.type,
            wanted.name,
            wanted.bytes,
            wanted.duration_ms,
            timedelta(seconds=wait_s),
            terms.day_count,
            terms.day_bytes,
            terms.total_bytes,
        )
        return str(answer)

    async def row(self, owner: PersonId, media: UUID) -> Row | None:
        row = await self._database.fetchrow(_ROW, media, owner)
        return None if row is None else _row(row, taken=False)

    async def take(self, owner: PersonId, media: UUID, lease_s: float) -> Row | None:
        row = await self._database.fetchrow(_TAKE, media, owner, timedelta(seconds=lease_s))
        return await self.row(owner, media) if row is None else _row(row, taken=True)

    async def give_back(self, media: UUID) -> None:
        await self._database.execute(_GIVE_BACK, media)

    async def ready(self, media: UUID, info: MediaInfo, kept_bytes: int) -> None:
        await self._database.execute(
            _READY, media, info.type, kept_bytes, info.width, info.height, info.blurhash
        )

    async def refuse(self, media: UUID, refusal: Refusal) -> None:
        await self._database.execute(_REFUSE, media, refusal.value)

    async def visible(self, reader: PersonId, media: Sequence[UUID]) -> list[Shown]:
        rows = await self._database.fetch(_VISIBLE, reader, list(media))
        return [Shown(MediaInfo(*row[1:]), row[0]) for row in rows]

    async def infos(self, room: RoomId, media: Sequence[UUID]) -> list[MediaInfo]:
        rows = await self._database.fetch(_INFOS, room, list(media))
        return [MediaInfo(*row) for row in rows]

    async def collect(self, most: int) -> list[tuple[UUID, str]]:
        rows = await self._database.fetch("SELECT * FROM collect_media_v1($1)", most)
        return [(row[0], row[1]) for row in rows]

    async def forget(self, media: Sequence[UUID]) -> None:
        await self._database.execute("SELECT forget_media_v1($1::uuid[])", list(media))


class Lends(Protocol):
    """A pool: muster/stores/postgres/pool.py."""

    def lent(self) -> AbstractAsyncContextManager[PoolConnectionProxy]: ...


class PostgresClaims:
    """See `muster.attaching.ClaimStore`."""

    def __init__(self, database: Lends) -> None:
        self._database = database

    async def claim(
        self, author: PersonId, room: RoomId, client_id: str, media: Sequence[UUID]
    ) -> str:
        async with self._database.lent() as connection:
            return str(await connection.fetchval(_CLAIM, author, room, client_id, list(media)))

    async def unclaim(self, author: PersonId, room: RoomId, client_id: str) -> None:
        async with self._database.lent() as connection:
            await connection.execute(_UNCLAIM, author, room, client_id)


def _row(row: asyncpg.Record, *, taken: bool) -> Row:
    owner, purpose, state, secret, refusal = row[:5]
    info = MediaInfo(*row[5:])
    return Row(
        info.id,
        PersonId(owner),
        Purpose(purpose),
        State(state),
        secret,
        info.type,
        info.name,
        info.bytes,
        info,
        None if refusal is None else Refusal(refusal),
        taken,
    )
