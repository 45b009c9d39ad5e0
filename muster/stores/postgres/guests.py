"""Rosters of events in Postgres, as they are read.

Owns the SQL of muster.roster.RosterStore: who sees whom. Must never change a roster: ops do (answer_event_v1 and its
neighbours).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from muster.events import Answer
from muster.ids import PersonId, RoomId
from muster.roster import Guest
from muster.stores.postgres.pool import Replica

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_US: Final = timedelta(microseconds=1)
_FIRST: Final = (_EPOCH, UUID(int=0))

# What allows_v1 says, but that whose contact somebody is stands in one list: to ask 10,000 times takes half a second.
# The reader's own row comes first, so that an empty page still says whether they may know of the event.
_ROSTER: Final = """
    WITH reader AS MATERIALIZED (
        SELECT coalesce(m.relation IN ('moderator', 'owner'), false) AS hosts
        FROM events e LEFT JOIN members m ON m.room_id = e.room_id AND m.person_id = $2
        WHERE e.room_id = $1 AND event_visible_v1(e, $2)
    ), contact AS MATERIALIZED (
        SELECT other_id FROM contacts WHERE person_id = $2 AND state = 'accepted'
    ), hidden AS MATERIALIZED (
        SELECT blocked FROM blocks WHERE blocker = $2 UNION SELECT blocker FROM blocks WHERE blocked = $2
    )
    SELECT g.*, reader.hosts FROM reader LEFT JOIN LATERAL (
        SELECT p.person_id, p.handle_shown, p.name, p.picture, g.answer, g.is_host, g.since, g.invited_by
        FROM event_roster g JOIN people p USING (person_id)
        WHERE g.room_id = $1 AND ($3::text IS NULL OR g.answer = $3) AND (g.since, g.person_id) > ($4, $5)
          AND (reader.hosts OR g.person_id = $2 OR (
               g.person_id NOT IN (SELECT * FROM hidden)
               AND (g.is_host OR g.answer IN ('going', 'maybe') AND CASE p.may_see_events
                    WHEN 'everyone' THEN true WHEN 'nobody' THEN false
                    ELSE g.person_id IN (SELECT * FROM contact)
                         OR p.may_see_events = 'room-mates' AND allows_v1('room-mates', g.person_id, $2) END)))
        ORDER BY g.since, g.person_id LIMIT $6
    ) g ON true ORDER BY g.since, g.person_id
"""


class PostgresRosters:
    """See `muster.roster.RosterStore`."""

    def __init__(self, reads: Replica) -> None:
        self._reads = reads

    async def roster(
        self,
        room: RoomId,
        reader: PersonId,
        answer: Answer | None,
        after: tuple[int, UUID] | None,
        limit: int,
    ) -> list[Guest] | None:
        since, person = _FIRST if after is None else (_EPOCH + after[0] * _US, after[1])
        said = None if answer is None else answer.value
        rows = await self._reads.fetch(_ROSTER, room, reader, said, since, person, limit)
        if not rows:
            return None
        return [
            Guest(
                id=PersonId(row[0]),
                handle=row[1],
                name=row[2],
                picture=row[3],
                answer=Answer(row[4]),
                is_host=row[5],
                since_us=(row[6] - _EPOCH) // _US,
                invited_by=row[7] if row[8] else None,
            )
            for row in rows
            if row[0] is not None
        ]
