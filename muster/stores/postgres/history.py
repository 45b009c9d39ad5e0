"""The room log in Postgres, as it reads now for one member.

Owns the SQL of muster.history.HistoryStore and muster.pages.PageStore: one query per page, cut to the reader's spans
and blocks. Must never decide which range a page claims to cover (muster/history.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import asyncpg
import msgspec

from muster.history import (
    CHANGES_WINDOW_SEQS,
    FOLDED,
    REPLIES_MOST,
    WINDOW_SEQS,
    Item,
    Reaction,
    Way,
    Window,
)
from muster.ids import PersonId, RoomId
from muster.pages import Viewed
from muster.permission import Relation, RoomKind
from muster.polls import WHO_MOST, Standing
from muster.stores.postgres.moments import to_ms
from muster.stores.postgres.pool import Replica
from muster.stores.postgres.views import NOW, columns, view_of
from proto.entry import Body, EntryKind, LinkPreview

# $1 room, $2 reader, $3 starting seq. `low` .. `high` is the window, beginning at the next seq the reader may see.
READER = """
    me AS MATERIALIZED (
        SELECT r.kind, m.relation, r.head, r.msg_no, r.floor,
               ARRAY(SELECT b.blocked FROM blocks b WHERE b.blocker = $2) AS hidden
        FROM rooms r JOIN members m ON m.room_id = r.room_id AND m.person_id = $2 WHERE r.room_id = $1
    )"""
_AFTER = """
    look AS MATERIALIZED (
        SELECT me.*, v.seq AS low, least(v.seq + {window} - 1, me.head) AS high FROM me CROSS JOIN LATERAL (
            SELECT coalesce(min(greatest(s.from_seq, $3::bigint + 1, me.floor + 1)), me.head + 1) AS seq FROM spans s
            WHERE s.room_id = $1 AND s.person_id = $2 AND coalesce(s.to_seq, me.head) > $3::bigint
        ) v
    )"""
_BEFORE = """
    look AS MATERIALIZED (
        SELECT me.*, greatest(v.seq - {window} + 1, 1) AS low, v.seq AS high FROM me CROSS JOIN LATERAL (
            SELECT coalesce(max(least(s.to_seq, me.head, $3::bigint - 1)), 0) AS seq FROM spans s
            WHERE s.room_id = $1 AND s.person_id = $2 AND s.from_seq < $3::bigint
        ) v
    )"""
VISIBLE = """EXISTS (
            SELECT 1 FROM spans s WHERE s.room_id = $1 AND s.person_id = $2
            AND e.seq >= s.from_seq AND (s.to_seq IS NULL OR e.seq <= s.to_seq))"""
# Anonymous votes count whoever they are of: to leave out whom the reader blocks would tell what they chose.
STANDING = f"""
    SELECT json_build_object(
        'counts', c.counts, 'mine', coalesce(mine.choices, '{{}}'), 'voters', coalesce(c.voters, 0), 'who', c.who,
        'closed', p.closed_seq IS NOT NULL OR coalesce(p.closes_at <= now(), false))
    FROM polls p
    LEFT JOIN poll_votes mine ON mine.room_id = $1 AND mine.target = e.seq AND mine.person_id = $2
    CROSS JOIN LATERAL (
        SELECT json_agg(coalesce(o.n, 0) ORDER BY a.option) AS counts,
               CASE WHEN p.anonymous THEN '[]' ELSE json_agg(coalesce(o.who, '{{}}') ORDER BY a.option) END AS who,
               (SELECT count(*) FROM poll_votes v WHERE v.room_id = $1 AND v.target = e.seq AND v.choices <> '{{}}'
                AND (p.anonymous OR v.person_id <> ALL (look.hidden))) AS voters
        FROM generate_series(0, p.options - 1) a (option) LEFT JOIN (
            SELECT x.option, count(*) AS n, (array_agg(v.person_id ORDER BY v.seq DESC))[:{WHO_MOST}] AS who
            FROM poll_votes v, unnest(v.choices) x (option)
            WHERE v.room_id = $1 AND v.target = e.seq AND (p.anonymous OR v.person_id <> ALL (look.hidden))
            GROUP BY x.option) o ON o.option = a.option
    ) c WHERE p.room_id = $1 AND p.target = e.seq"""  # noqa: S608  # a constant number

REPLY = """e.kind = 'post' AND e.body ? 'reply_to' AND (e.body ->> 'reply_to')::bigint = {root}"""
"""Whether an entry replies to `root`: in the words of the index entries_replies."""

_REPLIES = f"""
    SELECT e.seq FROM entries e
    WHERE e.room_id = $1 AND {REPLY.format(root="root.seq")} AND e.seq > root.seq
      AND NOT (e.author = ANY (look.hidden)) AND {VISIBLE}
    ORDER BY e.seq DESC LIMIT {REPLIES_MOST}"""  # noqa: S608  # constants
ITEM = f"""
    e.seq, e.msg_no, e.kind, e.author, e.subject, e.client_id, e.at, e.text, e.body, e.edited_seq, e.deleted_seq,
    e.target,
    CASE WHEN e.kind = 'post' THEN (
        SELECT json_agg(json_build_object('emoji', c.emoji, 'count', c.count, 'mine', c.mine) ORDER BY c.first)
        FROM (SELECT x.emoji, count(*) AS count, bool_or(x.person_id = $2) AS mine, min(x.seq) AS first
              FROM reactions x WHERE x.room_id = $1 AND x.target = e.seq AND x.person_id <> ALL (look.hidden)
              GROUP BY x.emoji) c) END AS reactions,
    CASE WHEN e.kind = 'post' AND e.body ? 'poll' THEN ({STANDING}) END AS poll,
    CASE WHEN e.kind = 'post' AND e.text LIKE '%://%' THEN (
        SELECT l.card FROM previews l WHERE l.room_id = $1 AND l.target = e.seq) END AS preview,
    CASE WHEN e.kind = 'post' THEN (
        SELECT ARRAY[count(*), max(r.seq)] FROM (SELECT e.seq) root CROSS JOIN LATERAL ({_REPLIES}) r
    ) END AS replies"""  # noqa: S608  # constants
_FOLDED: Final = ", ".join(f"'{kind.value}'" for kind in FOLDED)
LOOKED = "look.kind, look.relation, look.head, look.msg_no, look.low, look.high"


PEOPLE_MOST: Final = 200
"""Of more people who put emoji on what is on one page, nobody is named: whoever asks has a page of their own."""


def _page(look: str, order: str) -> str:
    return f"""
        WITH {READER}, {look.format(window=WINDOW_SEQS)}
        SELECT {LOOKED}, i.* FROM look LEFT JOIN LATERAL (
            SELECT {ITEM} FROM entries e
            WHERE e.room_id = $1 AND e.seq BETWEEN look.low AND look.high AND e.seq > look.floor
              -- A vote in one's own log is about a message elsewhere.
              AND (e.kind NOT IN ({_FOLDED}) OR e.target IS NULL)
              AND NOT (e.kind = 'post' AND e.author = ANY (look.hidden)) AND {VISIBLE}
            ORDER BY e.seq {order} LIMIT $4
        ) i ON true ORDER BY i.seq
    """  # noqa: S608  # constants of this module


def _viewed(look: str, order: str) -> str:
    """The same, and of the same snapshot what muster/shelf.py must know of it, on the first row alone."""
    return f"""
        WITH {READER}, {look.format(window=WINDOW_SEQS)}, items AS MATERIALIZED (
            SELECT {ITEM} FROM look JOIN entries e
                ON e.room_id = $1 AND e.seq BETWEEN look.low AND look.high AND e.seq > look.floor
            WHERE (e.kind NOT IN ({_FOLDED}) OR e.target IS NULL)
              AND NOT (e.kind = 'post' AND e.author = ANY (look.hidden)) AND {VISIBLE}
            ORDER BY e.seq {order} LIMIT $4
        ), seen AS MATERIALIZED (
            SELECT ARRAY(SELECT DISTINCT x.person_id FROM reactions x, (
                             SELECT min(i.seq) AS first, max(i.seq) AS last FROM items i) ends
                         WHERE x.room_id = $1 AND x.target BETWEEN ends.first AND ends.last
                         LIMIT {PEOPLE_MOST + 1}),
                   {NOW}, {columns("r", "m")}
            FROM rooms r JOIN members m ON m.room_id = r.room_id AND m.person_id = $2 WHERE r.room_id = $1
        )
        SELECT {LOOKED}, i.*, s.* FROM look LEFT JOIN items i ON true
        LEFT JOIN seen s ON i.seq IS NOT DISTINCT FROM (SELECT min(first.seq) FROM items first)
        ORDER BY i.seq
    """  # noqa: S608  # constants of this module


_PAGES: Final = {Way.after: _page(_AFTER, "ASC"), Way.before: _page(_BEFORE, "DESC")}
_VIEWED: Final = {Way.after: _viewed(_AFTER, "ASC"), Way.before: _viewed(_BEFORE, "DESC")}
_CHANGED: Final = f"""
    WITH {READER}, {_AFTER.format(window=CHANGES_WINDOW_SEQS)}
    SELECT {LOOKED}, i.* FROM look LEFT JOIN LATERAL (
        SELECT {ITEM} FROM entries e
        WHERE e.room_id = $1 AND e.kind = 'post' AND e.seq > look.floor AND e.seq = ANY (ARRAY(
            SELECT DISTINCT c.target FROM entries c
            WHERE c.room_id = $1 AND c.seq BETWEEN look.low AND look.high AND c.target <= $3
              AND c.kind IN ({_FOLDED})))
          AND NOT (e.author = ANY (look.hidden)) AND {VISIBLE}
        ORDER BY e.seq
    ) i ON true ORDER BY i.seq
"""  # noqa: S608  # constants of this module

_SEEN: Final = 22
"""Where the columns end that every row has: those of the window and of an item."""

_BODY: Final = msgspec.json.Decoder(Body)
_REACTIONS: Final = msgspec.json.Decoder(list[Reaction])
_STANDING: Final = msgspec.json.Decoder(Standing)
_PREVIEW: Final = msgspec.json.Decoder(LinkPreview)
_KINDS: Final = {kind.value: kind for kind in EntryKind}


class PostgresHistory:
    """See `muster.history.HistoryStore`."""

    def __init__(self, reads: Replica) -> None:
        self._reads = reads

    async def page(
        self, room: RoomId, reader: PersonId, way: Way, seq: int, limit: int
    ) -> tuple[Window, list[Item]] | None:
        return _answer(await self._reads.fetch(_PAGES[way], room, reader, seq, limit))

    async def viewed(
        self, room: RoomId, reader: PersonId, way: Way, seq: int, limit: int
    ) -> Viewed | None:
        rows = await self._reads.fetch(_VIEWED[way], room, reader, seq, limit)
        found = _answer(rows)
        view = view_of(rows[0][_SEEN + 2 :]) if rows else None
        if found is None or view is None:
            return None
        people, at_ms = rows[0][_SEEN : _SEEN + 2]
        return Viewed(*found, view, None if len(people) > PEOPLE_MOST else people, at_ms)

    async def changed(
        self, room: RoomId, reader: PersonId, after: int
    ) -> tuple[Window, list[Item]] | None:
        return _answer(await self._reads.fetch(_CHANGED, room, reader, after))


def _answer(rows: list[asyncpg.Record]) -> tuple[Window, list[Item]] | None:
    if not rows:
        return None
    kind, relation, head, msg_no, low, high = rows[0][:6]
    window = Window(RoomKind(kind), Relation(relation), head, msg_no, low, high)
    return window, [item(row[6:_SEEN]) for row in rows if row[6] is not None]


def item(row: Sequence[Any]) -> Item:
    """What the columns of ITEM say."""
    (
        seq, msg_no, kind, author, subject, client_id, at, text, body, edited_seq, deleted_seq, target,
        reactions, poll, preview, replies,
    ) = row  # fmt: skip
    count, last = replies or (0, None)
    says = _BODY.decode(body) if body is not None else Body()
    says.text, says.target = text, target
    return Item(
        seq=seq,
        msg_no=msg_no,
        kind=_KINDS.get(kind, EntryKind.unknown),
        author=author,
        subject=subject,
        client_id=client_id or "",
        at_ms=to_ms(at),
        body=says,
        edited_seq=edited_seq,
        deleted_seq=deleted_seq,
        reactions=_REACTIONS.decode(reactions) if reactions is not None else [],
        poll=_STANDING.decode(poll) if poll is not None else None,
        preview=_PREVIEW.decode(preview) if preview is not None else None,
        replies=count,
        last_reply=last,
    )
