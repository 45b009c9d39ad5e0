"""Badges in Postgres: what stands on an app's icon, for many people at once.

Owns that query. Must never count otherwise than a person's list of rooms does (muster/stores/postgres/news.py).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from uuid import UUID

from muster.stores.postgres.news import BADGE, counted, is_news
from muster.stores.postgres.pool import Database

PEOPLE_MOST: Final = 25
"""In one statement: also if each of them has a thousand rooms of a hundred unread messages it ends in time."""

_BADGES: Final = f"""
    SELECT p.person_id, coalesce(sum({BADGE}), 0)
    FROM unnest($1::uuid[]) p (person_id)
    CROSS JOIN LATERAL (
        SELECT coalesce(array_agg(b.blocked), '{{}}') AS people FROM blocks b WHERE b.blocker = p.person_id
    ) h
    LEFT JOIN LATERAL (
        SELECT m.room_id, m.relation, m.read_seq, m.read_msg_no, m.from_seq, m.muted_until, r.head, r.msg_no
        FROM members m CROSS JOIN LATERAL (
            SELECT r.kind, r.head, r.msg_no FROM rooms r WHERE r.room_id = m.room_id LIMIT 1) r
        WHERE m.person_id = p.person_id AND m.relation IN ('member', 'moderator', 'owner') AND r.kind <> 'self'
    ) i ON {is_news("i")}
    {counted("i", "p.person_id", "h.people", "p.person_id::text")}
    GROUP BY p.person_id
"""  # noqa: S608  # constants


async def badges_of(database: Database, people: Collection[UUID]) -> dict[UUID, int]:
    """Unread of rooms that are not muted and mentions in those that are, each room's count as far as lists count it."""
    asked = list(people)
    found: dict[UUID, int] = {}
    for start in range(0, len(asked), PEOPLE_MOST):
        rows = await database.fetch(_BADGES, asked[start : start + PEOPLE_MOST])
        found.update((person, int(badge)) for person, badge in rows)
    return found
