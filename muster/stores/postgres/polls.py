"""Votes in Postgres, as they are read.

Owns the SQL of muster.polls.VoteStore. Must never change them: vote_v1 does, under the room's lock; and must never
read who chose what in an anonymous poll.
"""

from __future__ import annotations

from typing import Final

from muster.ids import PersonId, RoomId
from muster.permission import Relation, RoomKind
from muster.polls import Asked, PollVote
from muster.stores.postgres.history import READER, VISIBLE
from muster.stores.postgres.pool import Replica

_VOTES: Final = f"""
    WITH {READER}, asked AS MATERIALIZED (
        SELECT p.target, p.anonymous FROM me CROSS JOIN polls p JOIN entries e ON e.room_id = $1 AND e.seq = p.target
        WHERE p.room_id = $1 AND p.target = $3 AND p.target > me.floor
          AND e.author <> ALL (me.hidden) AND {VISIBLE}
    )
    SELECT me.kind, me.relation, asked.anonymous, v.person_id, v.choices, v.seq
    FROM me LEFT JOIN asked ON true LEFT JOIN LATERAL (
        SELECT v.person_id, v.choices, v.seq FROM poll_votes v
        WHERE NOT asked.anonymous AND v.room_id = $1 AND v.target = asked.target AND v.choices <> '{{}}'
          AND v.person_id <> ALL (me.hidden) AND v.seq < $4
        ORDER BY v.seq DESC LIMIT $5
    ) v ON true ORDER BY v.seq DESC
"""  # noqa: S608  # constants of the history's SQL


class PostgresPolls:
    """See `muster.polls.VoteStore`."""

    def __init__(self, reads: Replica) -> None:
        self._reads = reads

    async def votes(
        self, room: RoomId, reader: PersonId, target: int, before: int, limit: int
    ) -> tuple[Asked, list[PollVote]] | None:
        rows = await self._reads.fetch(_VOTES, room, reader, target, before, limit)
        if not rows:
            return None
        kind, relation, anonymous = rows[0][:3]
        asked = Asked(RoomKind(kind), Relation(relation), anonymous)
        return asked, [
            PollVote(PersonId(person), choices, seq)
            for _, _, _, person, choices, seq in rows
            if person is not None
        ]
