"""What is owed to webhooks, in Postgres.

Owns the SQL of muster.courier.CourierStore, and how what is known of an event becomes what is told of it. Every time
is that of Postgres' clock, and every call is a statement or two without a transaction: a process that stops in between
holds nothing but a lease that runs out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg
from msgspec import UNSET, UnsetType

from muster.courier import PATIENCE_DAYS, Endpoint, Owed, Result
from muster.sealer import Sealer
from muster.stores.postgres.entries import Range, Stored, read_ranges
from muster.stores.postgres.moments import to_ms
from muster.stores.postgres.pool import Database
from muster.stores.postgres.webhooks import secrets_of
from muster.telemetry import get_logger
from muster.tidings import Appeared, Event, EventType, Happened, Reported, of_entry, payload
from muster.webhooks import KEPT_DAYS, WEBHOOKS_MOST

_log = get_logger()
_SWEEP_ROWS: Final = 2_000
_DEAL: Final = "SELECT deal_webhooks_v1($1)"
_TAKE: Final = """
    SELECT webhook_id, lease, url, failures, secret, secrets_sealed, old_secret, coalesce(old_until > now(), false)
    FROM take_webhook_v1($1, $2)
"""
_OWED: Final = """
    SELECT e.event_id, e.type, e.room_id, e.seq, e.at, d.attempts,
           extract(epoch FROM clock_timestamp() - d.since)::double precision
    FROM webhook_deliveries d JOIN webhook_events e USING (event_id)
    WHERE d.webhook_id = $1 AND d.dead_at IS NULL AND d.next_at <= clock_timestamp()
    ORDER BY d.event_id LIMIT $2
"""
_EXTERNALS: Final = """
    SELECT person_id, min(subject) FROM externals WHERE realm = '' AND person_id = ANY ($1::uuid[]) GROUP BY person_id
"""
_ROOMS: Final = "SELECT room_id, kind, title FROM rooms WHERE room_id = ANY ($1::uuid[])"
_PEOPLE: Final = (
    "SELECT person_id, handle_shown, name FROM people WHERE person_id = ANY ($1::uuid[])"
)
_REPORTS: Final = """
    SELECT report_id, reporter, subject, reason, note, room_id, seq FROM reports WHERE report_id = ANY ($1::uuid[])
"""
_SETTLE: Final = f"""
    SELECT settle_webhook_v1($1, $2, $3::bigint[], $4::text[], $5::bigint[], $6, $7, interval '{PATIENCE_DAYS} days')
"""  # a constant number
_SWEEP: Final = f"""
    DELETE FROM webhook_events e USING (
        SELECT event_id FROM webhook_events WHERE at < now() - interval '{KEPT_DAYS} days'
        ORDER BY at LIMIT {_SWEEP_ROWS} FOR UPDATE SKIP LOCKED
    ) old WHERE e.event_id = old.event_id
"""  # noqa: S608  # constant numbers
_UNTAP: Final = "SELECT untap_webhooks_v1()"


class PostgresDeliveries:
    """See `muster.courier.CourierStore`."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    async def deal(self, most: int) -> int:
        [[dealt]] = await self._database.fetch(_DEAL, most)
        return int(dealt)

    async def take(self, lease: UUID, lease_s: float) -> Endpoint | None:
        for _ in range(WEBHOOKS_MOST):
            row = await self._database.fetchrow(_TAKE, lease, round(lease_s * 1_000))
            if row is None:
                return None
            webhook, held, url, failures, secret, sealed, old, old_signs = row
            secrets = secrets_of(self._sealer, webhook, secret, sealed)
            if sealed is None and old is not None:
                secrets.append(old)
            if secrets:
                return Endpoint(webhook, held, url, secrets[: 1 + old_signs], failures)
            # Nothing leaves unsigned; it stands until its lease is over, and others do not wait behind it.
            _log.warning("the secret of a webhook does not open", webhook=str(webhook))
        return None

    async def owed(self, webhook: UUID, most: int) -> list[Owed]:
        rows = await self._database.fetch(_OWED, webhook, most)
        events = [Event(row[0], EventType(row[1]), row[2], row[3], to_ms(row[4])) for row in rows]
        told = await self._told(events)
        return [
            Owed(event.id, event.room, event.word, payload(event, told[event.id]), row[5], row[6])
            for event, row in zip(events, rows, strict=True)
        ]

    async def settle(
        self, at: Endpoint, results: Sequence[Result], rest_ms: int, *, gone: bool
    ) -> str | None:
        [[disabled]] = await self._database.fetch(
            _SETTLE,
            at.id,
            at.lease,
            [result.event for result in results],
            [result.failure for result in results],
            [result.pause_ms for result in results],
            rest_ms,
            gone,
        )
        return None if disabled is None else str(disabled)

    async def sweep(self) -> bool:
        await self._database.execute(_UNTAP)
        return await self._database.execute(_SWEEP) == f"DELETE {_SWEEP_ROWS}"

    async def _told(
        self, events: Sequence[Event]
    ) -> Mapping[int, Happened | Appeared | Reported | UnsetType]:
        """What is known of each event now."""
        about = {event.room for event in events if event.seq == 0}
        people = await self._by_id(_PEOPLE, about)
        reports = await self._by_id(_REPORTS, about)
        ranges = {Range(event.room, event.seq - 1, event.seq) for event in events if event.seq}
        stored = {
            (one.entry.room, one.entry.seq): one
            for one in await read_ranges(self._database, list(ranges), 1)
        }
        rooms = await self._by_id(_ROOMS, {room for room, _ in stored})
        named = {id_ for one in stored.values() for id_ in (one.entry.author, one.entry.subject)}
        named |= {*people, *(row[2] for row in reports.values())}
        externals = {id_: row[1] for id_, row in (await self._by_id(_EXTERNALS, named)).items()}
        told: dict[int, Happened | Appeared | Reported | UnsetType] = {}
        for event in events:
            if (one := stored.get((event.room, event.seq))) is not None:
                told[event.id] = _happened(one, rooms, externals)
            elif event.type is EventType.person_created and event.room in people:
                person, handle, name = people[event.room]
                told[event.id] = Appeared(person, handle, name, externals.get(person))
            elif event.type is EventType.report_created and event.room in reports:
                report, reporter, subject, reason, note, room, seq = reports[event.room]
                told[event.id] = Reported(
                    report, reporter, subject, reason, note, room, seq, externals.get(subject)
                )
            else:
                told[event.id] = UNSET
        return told

    async def _by_id(self, sql: str, ids: set[Any]) -> dict[UUID, asyncpg.Record]:
        wanted = [id_ for id_ in ids if id_ is not None]
        if not wanted:
            return {}
        return {row[0]: row for row in await self._database.fetch(sql, wanted)}


def _happened(
    one: Stored, rooms: Mapping[UUID, asyncpg.Record], externals: Mapping[UUID, str]
) -> Happened:
    entry = one.entry
    room = rooms.get(entry.room)
    subject = entry.subject
    return of_entry(
        entry,
        erased=one.erased,
        room_kind=room[1] if room is not None else "",
        room_title=room[2] if room is not None else "",
        author_external=externals.get(entry.author),
        subject_external=None if subject is None else externals.get(subject),
    )
