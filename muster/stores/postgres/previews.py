"""Link previews in Postgres: messages whose links are looked at, and pages looked at lately.

Owns the SQL of muster.previews.PreviewStore. Must never write a preview: change_preview_v1 does, under the room's lock.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import msgspec

from muster.ids import PersonId, RoomId
from muster.previews import Kept, State
from muster.stores.postgres.pool import Database
from proto.entry import LinkPreview

_MESSAGE: Final = """
    SELECT author, text FROM entries
    WHERE room_id = $1 AND seq = $2 AND kind = 'post' AND deleted_seq IS NULL AND text IS NOT NULL
"""
_CLAIM: Final = "SELECT state, card FROM claim_page_v1($1, $2)"
_KEEP: Final = """
    UPDATE link_pages SET card = $2::text::jsonb, known = true, until = clock_timestamp() + $3::interval
    WHERE link_hash = $1
"""
_RELEASE: Final = "DELETE FROM link_pages WHERE link_hash = $1 AND NOT known"
_CARD: Final = msgspec.json.Decoder(LinkPreview)


class PostgresPreviews:
    """See `muster.previews.PreviewStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def message(self, room: RoomId, seq: int) -> tuple[PersonId, str] | None:
        row = await self._database.fetchrow(_MESSAGE, room, seq)
        return None if row is None else (PersonId(row[0]), row[1])

    async def claim(self, link_hash: bytes, claim_s: float) -> Kept:
        [[state, card]] = await self._database.fetch(_CLAIM, link_hash, timedelta(seconds=claim_s))
        return Kept(State(state), None if card is None else _CARD.decode(card))

    async def keep(self, link_hash: bytes, card: LinkPreview | None, kept_s: float) -> None:
        said = None if card is None else msgspec.json.encode(card).decode()
        await self._database.execute(_KEEP, link_hash, said, timedelta(seconds=kept_s))

    async def release(self, link_hash: bytes) -> None:
        await self._database.execute(_RELEASE, link_hash)
