"""Secrets that lie plain in Postgres for processes of the release before: of webhooks, and of events.

Owns the SQL of muster.secret_sealing.SecretStore, and whether there may be such processes. Must never seal or open.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from muster.entry_codes import GOOD_MS
from muster.secret_sealing import PlainSecrets, SealedSecrets
from muster.stores.postgres.pool import Database

_BESIDE: Final = "SELECT FROM installation WHERE secrets_alone_since IS NULL"
_PLAIN: Final = """
    SELECT webhook_id, secret, old_secret FROM webhooks WHERE secrets_sealed IS NULL ORDER BY webhook_id
"""
_PUT_SEALED: Final = """
    WITH held AS (
        SELECT w.webhook_id, g.sealed
        FROM unnest($1::uuid[], $2::bytea[], $3::bytea[], $4::bytea[]) g (id, was, old, sealed)
        JOIN webhooks w ON w.webhook_id = g.id AND w.secret = g.was AND w.old_secret IS NOT DISTINCT FROM g.old
            AND w.secrets_sealed IS NULL FOR NO KEY UPDATE OF w SKIP LOCKED
    )
    UPDATE webhooks w SET secrets_sealed = h.sealed FROM held h WHERE w.webhook_id = h.webhook_id
"""
_EMPTY_WEBHOOKS: Final = f"""
    WITH held AS (
        SELECT webhook_id FROM webhooks WHERE secret IS NOT NULL AND secrets_sealed IS NOT NULL
            AND NOT EXISTS ({_BESIDE}) LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE webhooks w SET secret = NULL, old_secret = NULL FROM held h WHERE w.webhook_id = h.webhook_id
"""  # noqa: S608  # constants of SQL
# Codes that were made by them are good for a while yet.
_EMPTY_EVENTS: Final = f"""
    WITH held AS (
        SELECT room_id FROM events WHERE secret IS NOT NULL AND NOT EXISTS (
            SELECT FROM installation WHERE coalesce(secrets_alone_since, 'infinity')
                > now() - interval '{2 * GOOD_MS} milliseconds') LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE events e SET secret = NULL FROM held h WHERE e.room_id = h.room_id
"""  # noqa: S608  # a constant number


class PostgresSecrets:
    """See `muster.secret_sealing.SecretStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def plain(self) -> list[PlainSecrets]:
        return [PlainSecrets(*row) for row in await self._database.fetch(_PLAIN)]

    async def put_sealed(self, secrets: Sequence[SealedSecrets]) -> None:
        await self._database.execute(
            _PUT_SEALED,
            [each.plain.webhook for each in secrets],
            [each.plain.secret for each in secrets],
            [each.plain.old for each in secrets],
            [each.sealed for each in secrets],
        )

    async def empty(self, most: int) -> int:
        tags = [await self._database.execute(sql, most) for sql in (_EMPTY_WEBHOOKS, _EMPTY_EVENTS)]
        return sum(int(tag.rsplit(" ", 1)[1]) for tag in tags)


class Beside:
    """Whether a process of the release before may run, which reads secrets plain."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._none = False

    async def plain(self, secret: bytes | None) -> bytes | None:
        """What Postgres is given besides the seal: nothing, once nobody needs it."""
        if not self._none:
            self._none = not await self._database.fetch(_BESIDE)  # for good: it never goes back
        return None if self._none else secret
