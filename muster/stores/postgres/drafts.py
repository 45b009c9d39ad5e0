"""Drafts in Postgres, as they are read.

Owns the SQL of muster.drafts.DraftStore. Must never change one: change_draft_v1 does, under the self log's lock.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import asyncpg

from muster.drafts import SHOWN_CHARS, RoomDraft
from muster.ids import PersonId, RoomId
from muster.stores.postgres.entries import Fetches
from muster.stores.postgres.moments import to_ms
from muster.stores.postgres.pool import Database

_ONE: Final = """
    SELECT room_id, text, reply_to, seq, at, false FROM drafts WHERE person_id = $1 AND room_id = $2
"""
_SOME: Final = f"""
    SELECT room_id, left(text, {SHOWN_CHARS}), reply_to, seq, at, length(text) > {SHOWN_CHARS} FROM drafts
    WHERE person_id = $1 AND room_id = ANY ($2::uuid[]) ORDER BY seq
"""  # noqa: S608  # a constant number


class PostgresDrafts:
    """See `muster.drafts.DraftStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def draft(self, person: PersonId, room: RoomId) -> RoomDraft | None:
        row = await self._database.fetchrow(_ONE, person, room)
        return None if row is None else _draft(row)


async def drafts_of(
    database: Fetches, person: PersonId, rooms: Sequence[UUID]
) -> dict[UUID, RoomDraft]:
    """The beginnings of somebody's drafts in these rooms, in the order written."""
    rows = await database.fetch(_SOME, person, list(rooms))
    return {row[0]: _draft(row) for row in rows}


def _draft(row: asyncpg.Record) -> RoomDraft:
    room, text, reply_to, seq, at, cut = row
    return RoomDraft(RoomId(room), text, reply_to, seq, to_ms(at), cut)
