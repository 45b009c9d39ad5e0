"""A person's rooms as lines of their list, in Postgres: one query, however many rooms there are.

Owns that query, which `GET /v1/me/rooms` and `GET /v1/me/sync` share, and what a request is. Must never change a room.
"""

from __future__ import annotations

from typing import Final

import asyncpg

from muster.permission import Relation, RoomKind
from muster.rooms import UNREAD_WINDOW_SEQS, LastMessage, Peer, RoomSummary
from muster.stores.postgres.moments import to_ms
from muster.stores.postgres.news import counted
from proto.entry import EntryKind
from proto.limits import PREVIEW_CHARS


def request_of(member: str) -> str:
    """Whether a direct room lies in the Requests of this row of members: marked so, and never answered."""
    return f"""
        {member}.request AND NOT EXISTS (SELECT 1 FROM entries answer WHERE answer.room_id = {member}.room_id
                                         AND answer.author = {member}.person_id AND answer.kind = 'post')
    """  # noqa: S608  # an alias of ours


# $1 me, $2 and $3 the place after which the page begins, $4 its length, $5 me as text; with $6 only rooms that moved
# since then, and those of $7.
# The newest visible message is looked for from the room's last post backwards, at most as far as blocked people may
# have filled it.
OF_PERSON: Final = f"""
    WITH hidden AS MATERIALIZED (
        SELECT coalesce(array_agg(b.blocked), '{{}}') AS people FROM blocks b WHERE b.blocker = $1
    ), mine AS MATERIALIZED (
        SELECT r.room_id, r.kind, r.title, r.picture, r.head, r.msg_no, r.last_post, r.members, r.archived_at,
               date_trunc('milliseconds', r.last_at) AS last_at,
               m.relation, m.read_seq, m.read_msg_no, m.muted_until, m.from_seq,
               level_v1(m.chosen_level, r.kind) AS level,
               {request_of("m")} AS request
        FROM members m JOIN rooms r USING (room_id)
        WHERE m.person_id = $1 AND r.kind <> 'self' AND m.relation IN ('invited', 'member', 'moderator', 'owner')
          AND ($2::timestamptz IS NULL OR (date_trunc('milliseconds', r.last_at), r.room_id) < ($2, $3::uuid))
          AND ($6::timestamptz IS NULL OR r.last_at >= $6 OR r.room_id = ANY ($7::uuid[]))
        ORDER BY date_trunc('milliseconds', r.last_at) DESC, r.room_id DESC LIMIT $4
    )
    SELECT i.room_id, i.kind, i.title, i.head, i.msg_no, i.last_at, i.members, i.archived_at IS NOT NULL, i.relation,
           i.read_seq, i.muted_until, i.level, peer.person_id, peer.handle_shown, peer.name, peer.read,
           last.seq, last.author, last.text, last.at, coalesce(news.unread, 0), coalesce(about.mentions, 0), i.request,
           i.picture, peer.picture
    FROM mine i CROSS JOIN hidden h
    LEFT JOIN LATERAL (
        SELECT p.person_id, p.handle_shown, p.name, p.picture,
               CASE WHEN NOT (i.request OR p.person_id = ANY (h.people)
                              OR EXISTS (SELECT 1 FROM blocks b WHERE b.blocker = p.person_id AND b.blocked = $1)
                              OR {request_of("o")}) THEN o.read_seq END AS read
        FROM members o JOIN people p USING (person_id)
        WHERE i.kind = 'direct' AND o.room_id = i.room_id AND o.person_id <> $1 LIMIT 1
    ) peer ON true
    LEFT JOIN LATERAL (
        SELECT e.seq, e.author, left(e.text, {PREVIEW_CHARS}) AS text, e.at FROM entries e
        WHERE i.relation <> 'invited' AND e.room_id = i.room_id AND e.seq <= i.last_post
          AND e.seq >= greatest(i.from_seq, i.last_post - {UNREAD_WINDOW_SEQS})
          AND e.kind = 'post' AND e.author <> ALL (h.people)
        ORDER BY e.seq DESC LIMIT 1
    ) last ON true
    {counted("i", "$1", "h.people", "$5")}
    ORDER BY i.last_at DESC, i.room_id DESC
"""  # noqa: S608  # constants of this module


def summary(row: asyncpg.Record, shape: type[RoomSummary] = RoomSummary) -> RoomSummary:
    """A row of OF_PERSON."""
    (
        room, kind, title, head, msg_no, last_at, members, archived, relation, read, muted_until, level,
        peer, handle, name, peer_read, last_seq, last_author, last_text, posted_at, unread, mentions, request,
        picture, face,
    ) = row  # fmt: skip
    last = None
    if last_seq is not None:
        last = LastMessage(last_seq, EntryKind.post, last_author, last_text, to_ms(posted_at))
    return shape(
        id=room,
        kind=_KINDS[kind],
        title=title,
        peer=None if peer is None else Peer(peer, handle, name, face),
        last_message=last,
        head=head,
        msg_no=msg_no,
        read=read,
        peer_read=peer_read,
        unread=unread,
        mentions=mentions,
        muted_until_ms=None if muted_until is None else to_ms(muted_until),
        level=level,
        role=_RELATIONS[relation],
        members=members,
        archived=archived,
        last_at_ms=to_ms(last_at),
        request=request,
        picture=picture,
    )


_KINDS: Final = {kind.value: kind for kind in RoomKind}
_RELATIONS: Final = {relation.value: relation for relation in Relation}
