"""Webhooks in Postgres, as they are registered.

Owns the SQL of muster.webhooks.WebhookStore. The triggers that note what happened are made with the first endpoint and
go with the last (02_webhooks.sql); and how secrets lie: sealed, and plain only for processes of the release before
(muster/secret_sealing.py). Must never answer with a secret.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from muster.seal import SECRET_BYTES
from muster.sealer import Sealer, Unsealable
from muster.stores.postgres.moments import from_ms, to_ms
from muster.stores.postgres.plain_secrets import Beside
from muster.stores.postgres.pool import Database
from muster.tidings import Event, EventType
from muster.webhooks import (
    OLD_SECRET_S,
    REPLAY_EVENTS,
    SECRETS,
    WEBHOOKS_MOST,
    DeadLetter,
    Replayed,
    Webhook,
)

_COUNTED: Final = 10_000
_ADD: Final = "SELECT add_webhook_v2($1, $2, $3::text[], $4, $5, $6)"
_UNTAP: Final = "SELECT untap_webhooks_v1()"
_ALL: Final = f"""
    SELECT w.webhook_id, w.url, w.events, w.created_at, w.disabled, w.failing_since,
           (SELECT count(*) FROM (SELECT 1 FROM webhook_deliveries d WHERE d.webhook_id = w.webhook_id
                                  AND d.dead_at IS NULL LIMIT {_COUNTED}) n),
           (SELECT count(*) FROM (SELECT 1 FROM webhook_deliveries d WHERE d.webhook_id = w.webhook_id
                                  AND d.dead_at IS NOT NULL LIMIT {_COUNTED}) n)
    FROM webhooks w ORDER BY w.webhook_id
"""  # noqa: S608  # a constant number
# To be on again is to begin anew: what failed before is not held against it.
_CHANGE: Final = """
    UPDATE webhooks SET url = coalesce($2, url), events = coalesce($3::text[], events),
        disabled = CASE WHEN $4 THEN NULL WHEN NOT $4 THEN 'off' ELSE disabled END,
        failing_since = CASE WHEN $4 THEN NULL ELSE failing_since END,
        failures = CASE WHEN $4 THEN 0 ELSE failures END,
        next_at = CASE WHEN $4 AND lease IS NULL THEN clock_timestamp() ELSE next_at END
    WHERE webhook_id = $1
"""
_REMOVE: Final = "DELETE FROM webhooks WHERE webhook_id = $1"
_SECRETS: Final = (
    "SELECT secret, secrets_sealed FROM webhooks WHERE webhook_id = $1 FOR NO KEY UPDATE"
)
_ROTATE: Final = """
    UPDATE webhooks SET old_secret = $2, old_until = now() + $5::interval, secret = $3, secrets_sealed = $4
    WHERE webhook_id = $1
"""
_KNOWN: Final = "SELECT 1 FROM webhooks WHERE webhook_id = $1"
_REPLAY: Final = """
    WITH wanted AS (
        SELECT e.event_id, e.at FROM webhook_events e JOIN webhooks w ON w.webhook_id = $1
        WHERE e.at >= $2 AND e.type = ANY (w.events) AND NOT e.fresh
          AND (NOT $3 OR EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.webhook_id = $1
                                 AND d.event_id = e.event_id AND d.dead_at IS NOT NULL))
        ORDER BY e.at, e.event_id LIMIT $4
    ), queued AS (
        INSERT INTO webhook_deliveries AS d (webhook_id, event_id) SELECT $1, event_id FROM wanted
        ON CONFLICT (webhook_id, event_id) DO UPDATE SET since = excluded.since, next_at = excluded.next_at,
            attempts = 0, dead_at = NULL
    ) SELECT count(*), max(at) FROM wanted
"""
_DEAD: Final = """
    SELECT e.event_id, e.type, e.room_id, e.seq, e.at, d.attempts, coalesce(d.failure, '')
    FROM webhook_deliveries d JOIN webhook_events e USING (event_id)
    WHERE d.webhook_id = $1 AND d.dead_at IS NOT NULL ORDER BY d.event_id DESC LIMIT $2
"""


class PostgresWebhooks:
    """See `muster.webhooks.WebhookStore`."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer
        self._beside = Beside(database)

    async def add(self, webhook: UUID, url: str, events: Sequence[str], secret: bytes) -> bool:
        sealed = self._sealer.seal(secret, SECRETS, webhook.bytes)
        plain = await self._beside.plain(secret)
        [[added]] = await self._database.fetch(
            _ADD, webhook, url, list(events), plain, sealed, WEBHOOKS_MOST
        )
        return bool(added)

    async def all(self) -> list[Webhook]:
        return [
            Webhook(
                row[0],
                row[1],
                [EventType(event) for event in row[2]],
                to_ms(row[3]),
                row[4],
                None if row[5] is None else to_ms(row[5]),
                row[6],
                row[7],
            )
            for row in await self._database.fetch(_ALL)
        ]

    async def change(
        self, webhook: UUID, url: str | None, events: Sequence[str] | None, on: bool | None
    ) -> bool:
        names = None if events is None else list(events)
        return await self._database.execute(_CHANGE, webhook, url, names, on) == "UPDATE 1"

    async def remove(self, webhook: UUID) -> bool:
        removed = await self._database.execute(_REMOVE, webhook) == "DELETE 1"
        await self._database.execute(_UNTAP)
        return removed

    async def rotate(self, webhook: UUID, secret: bytes) -> bool:
        kept = timedelta(seconds=OLD_SECRET_S)
        plain = await self._beside.plain(secret)
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(_SECRETS, webhook)
            if row is None:
                return False
            # One that does not open signs nothing any more.
            old = b"".join(secrets_of(self._sealer, webhook, *row)[:1])
            sealed = self._sealer.seal(secret + old, SECRETS, webhook.bytes)
            plain_old = None if plain is None else old or None
            await connection.execute(_ROTATE, webhook, plain_old, plain, sealed, kept)
        return True

    async def replay(self, webhook: UUID, since_ms: int, dead: bool) -> Replayed | None:
        if await self._database.fetchrow(_KNOWN, webhook) is None:
            return None
        [[queued, last]] = await self._database.fetch(
            _REPLAY, webhook, from_ms(since_ms), dead, REPLAY_EVENTS
        )
        return Replayed(queued, to_ms(last) if queued == REPLAY_EVENTS else None)

    async def dead(self, webhook: UUID, limit: int) -> list[DeadLetter] | None:
        if await self._database.fetchrow(_KNOWN, webhook) is None:
            return None
        rows = await self._database.fetch(_DEAD, webhook, limit)
        return [
            DeadLetter(
                Event(id_, EventType(kind), room, seq, 0).word, EventType(kind), to_ms(at), *how
            )
            for id_, kind, room, seq, at, *how in rows
        ]


def secrets_of(
    sealer: Sealer, webhook: UUID, secret: bytes | None, sealed: bytes | None
) -> list[bytes]:
    """The one that signs, and the one before it if it is sealed with it; none where they do not open.

    Raises `Refused`: `unavailable`.
    """
    if sealed is None:
        return [] if secret is None else [secret]
    try:
        both = sealer.open(sealed, SECRETS, webhook.bytes)
    except Unsealable:  # counted there
        return []
    return [both[at : at + SECRET_BYTES] for at in range(0, len(both), SECRET_BYTES)]
