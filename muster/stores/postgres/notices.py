"""Notices in Postgres: the entries of a self log that tell its owner something.

Owns the SQL of muster.notices.NoticeStore; which entries those are, it says as muster.notices.is_notice does. Must
never write one.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import structs

from muster.ids import PersonId
from muster.notices import KINDS, Notices, Told
from muster.rooms import Peer
from muster.stores.postgres.entries import Fetches
from muster.stores.postgres.moments import to_ms
from muster.stores.postgres.pool import Database
from proto.entry import Body, EntryKind

# In the index's own order and words: entries_notices holds nothing else.
_KINDS = ", ".join(f"'{kind}'" for kind in EntryKind if kind in KINDS)

# The title only of a room that is its reader's to see now, or of an event they are asked to. The first row comes
# always: where the log stands.
_OF_PERSON: Final = f"""
    SELECT r.head, own.read_seq, n.* FROM rooms r
    JOIN members own ON own.room_id = r.room_id AND own.person_id = r.room_id
    LEFT JOIN LATERAL (
        SELECT e.seq, e.kind, e.author, e.subject, e.at, e.text, e.body, p.person_id, p.handle_shown, p.name,
               CASE WHEN EXISTS (SELECT 1 FROM members m WHERE m.room_id = t.room_id AND m.person_id = $1
                                 AND m.relation IN ('invited', 'member', 'moderator', 'owner'))
                         OR EXISTS (SELECT 1 FROM event_roster g WHERE g.room_id = t.room_id AND g.person_id = $1)
                    THEN nullif(t.title, '') END AS title,
               coalesce(t.kind = 'event', false) AS is_event
        FROM entries e LEFT JOIN people p ON p.person_id = e.author AND e.author <> $1
        LEFT JOIN rooms t ON t.room_id = (e.body ->> 'room')::uuid
        WHERE e.room_id = $1 AND e.seq > $2 AND ($3::bigint IS NULL OR e.seq < $3)
          AND e.kind IN ({_KINDS})
          AND NOT (e.kind IN ('room_added', 'room_removed', 'role', 'notice') AND e.author = $1)
          AND NOT (e.kind = 'request' AND e.body ->> 'state' <> 'requested')
          AND NOT (e.kind = 'contact' AND e.body ->> 'state' <> 'incoming'
                   AND NOT (e.body ->> 'state' = 'accepted' AND e.author <> $1))
          AND NOT EXISTS (SELECT 1 FROM blocks b WHERE b.blocker = $1 AND b.blocked = e.author)
        ORDER BY e.seq DESC LIMIT $4
    ) n ON true WHERE r.room_id = $1 ORDER BY n.seq DESC
"""  # noqa: S608  # constants of this module
_BODY: Final = msgspec.json.Decoder(Body)


class PostgresNotices:
    """See `muster.notices.NoticeStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def notices(
        self, person: PersonId, since: int, before: int | None, limit: int
    ) -> Notices:
        return await notices_of(self._database, person, since, before, limit)


async def notices_of(
    database: Fetches, person: PersonId, since: int, before: int | None, limit: int
) -> Notices:
    """The newest `limit` notices between `since` and `before`, neither included."""
    rows = await database.fetch(_OF_PERSON, person, since, before, limit)
    head, read = rows[0][:2] if rows else (0, 0)
    return Notices([_told(*row[2:]) for row in rows if row[2] is not None], head, read)


def _told(*row: Any) -> Told:
    seq, kind, author, subject, at, text, body, person, handle, name, title, is_event = row
    says = _BODY.decode(body) if body is not None else Body()
    says.text = text
    who = None if person is None else Peer(person, handle, name)
    told = Told(seq, EntryKind(kind), author, subject, to_ms(at), says, who, title, is_event)
    if title is None and told.kind is EntryKind.notice:  # by the title they were told
        return structs.replace(told, title=says.title)
    return told
