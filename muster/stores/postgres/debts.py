"""What is owed of one room to one person, for many of both at once: queries and the shapes of their rows.

Owns how `muster.owed.Owed` is put together. The number of queries does not depend on what they find. Must never be
asked outside a snapshot: counts and messages are of one moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from muster.owed import Key, Message, Owed, Wishes
from muster.push_device import TOKEN, Environment, Privacy, Provider, PushDevice, TargetKind
from muster.rooms import UNREAD_MOST
from muster.sealer import Sealer, Unsealable
from muster.stores.postgres.candidates import owed_news
from muster.stores.postgres.mine import request_of
from muster.stores.postgres.moments import to_ms
from muster.stores.postgres.news import is_news, names, news_of
from muster.telemetry import get_logger

NEWEST: Final = 5
"""Messages that are read whole: a push has room for hardly more."""

_log = get_logger()
_SHOWN_CHARS: Final = 4_096
"""Of a text: a whole push has no more bytes."""


def _counted(name: str, also: str) -> str:
    """How many there are, as far as lists count, and the newest of them."""
    return f"""
    LEFT JOIN LATERAL (
        SELECT count(*) AS count, min(n.at) AS first_at, (array_agg(n.seq ORDER BY n.seq DESC))[:{NEWEST}] AS newest
        FROM (
            SELECT e.seq, e.at FROM entries e
            WHERE {is_news("i")} AND {owed_news("i", "i.person_id", "i.hidden", "i.me")} {also}
            ORDER BY e.seq DESC LIMIT {UNREAD_MOST}
        ) n
    ) {name} ON true
    """  # noqa: S608  # constants and names of ours


# $1 people and $2 rooms, key by key, $3 provider. `n` is the place of a key, from 0.
LINES: Final = f"""
    WITH lines AS MATERIALIZED (
        SELECT k.n::integer - 1 AS n, m.*, m.person_id::text AS me, r.kind, r.title, r.head, r.msg_no,
               coalesce(t.seq, 0) AS notified, coalesce(t.rung, 0) AS rung,
               ARRAY(SELECT b.blocked FROM blocks b WHERE b.blocker = k.person) AS hidden
        FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY k (person, room, n)
        CROSS JOIN LATERAL (SELECT m.room_id, m.person_id, m.relation, m.from_seq, m.read_seq, m.read_msg_no,
                                   m.muted_until, m.chosen_level, {request_of("m")} AS is_request
                            FROM members m WHERE m.room_id = k.room AND m.person_id = k.person
                              AND m.relation IN ('member', 'moderator', 'owner') LIMIT 1) m
        CROSS JOIN LATERAL (SELECT * FROM rooms r WHERE r.room_id = k.room LIMIT 1) r
        LEFT JOIN LATERAL (SELECT t.seq, t.rung FROM push_notified t WHERE t.room_id = k.room AND t.person_id = k.person
                           AND t.provider = $3 LIMIT 1) t ON true
    )
    SELECT i.n, i.kind, i.title, i.is_request, i.chosen_level, i.muted_until, i.read_seq, i.notified, i.rung, i.head,
           coalesce(news.newest, '{{}}') AS newest, coalesce(about.newest, '{{}}') AS naming,
           news.count AS unread, about.count AS mentions, news.first_at, standing.count AS standing,
           w.level, w.quiet_from_min, w.quiet_to_min, w.urgent_through, s.busy_until_ms
    FROM lines i {_counted("news", "")} {_counted("about", f"AND news.count > 0 AND {names('i.me')}")}
    LEFT JOIN LATERAL (
        SELECT count(*) AS count FROM (
            SELECT FROM entries e WHERE {is_news("i")} AND {news_of("i", "i.person_id", "i.hidden")}
            ORDER BY e.seq DESC LIMIT {UNREAD_MOST}
        ) n
    ) standing ON true
    LEFT JOIN LATERAL (SELECT * FROM push_wishes w WHERE w.person_id = i.person_id LIMIT 1) w ON true
    LEFT JOIN LATERAL (SELECT s.busy_until_ms FROM presence_profiles s
                       WHERE s.person_id = i.person_id LIMIT 1) s ON true
    ORDER BY i.n
"""  # noqa: S608  # constants

# $1 places of keys, $2 rooms, $3 people, $4 seqs: what these messages say now. What the app says has no person.
MESSAGES: Final = f"""
    SELECT k.n, e.seq, e.msg_no, e.author, coalesce(e.body ->> 'sender', p.name, '') AS author_name,
           left(e.text, {_SHOWN_CHARS}) AS text, coalesce(e.body ? 'attachments', false) AS has_media,
           coalesce({names("k.person::text")}, false) AS mentions_me, e.at
    FROM unnest($1::integer[], $2::uuid[], $3::uuid[], $4::bigint[]) k (n, room, person, seq)
    CROSS JOIN LATERAL (SELECT * FROM entries e WHERE e.room_id = k.room AND e.seq = k.seq LIMIT 1) e
    LEFT JOIN LATERAL (SELECT p.name FROM people p WHERE p.person_id = e.author LIMIT 1) p ON true
    ORDER BY k.n, e.seq
"""  # noqa: S608  # a constant number

# $1 people and $2 rooms, key by key, $3 provider. Whoever logs out has no row from then on; a session that ended by age
# ends no pushes.
DEVICES: Final = """
    SELECT k.n::integer - 1 AS n, d.*, d.session_until <= now() AS over, coalesce(r.received, 0) AS received
    FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY k (person, room, n)
    CROSS JOIN LATERAL (SELECT * FROM push_devices d WHERE d.person_id = k.person AND d.provider = $3) d
    LEFT JOIN LATERAL (SELECT r.received FROM device_pointers r
                       WHERE r.room_id = k.room AND r.device_id = d.device_id LIMIT 1) r ON true
    ORDER BY k.n, d.registered_at, d.device_id
"""


class Reach(NamedTuple):
    """A device, up to where it holds the room, and whether its session is over."""

    device: PushDevice
    received: int
    over: bool


def owed_of(
    line: asyncpg.Record, key: Key, badge: int, messages: Sequence[Message], reached: Sequence[Reach]
) -> Owed:  # fmt: skip
    """A row of LINES and what belongs to it."""
    return Owed(
        key=key,
        room_kind=line["kind"],
        title=line["title"],
        is_member=True,
        is_request=line["is_request"],
        level=line["chosen_level"],
        muted_until_ms=0 if line["muted_until"] is None else to_ms(line["muted_until"]),
        read_seq=line["read_seq"],
        notified=line["notified"],
        through=line["head"],
        messages=tuple(messages),
        unread=line["unread"],
        mentions=line["mentions"],
        badge=badge,
        wishes=_wishes(line),
        devices=tuple(reach.device for reach in reached),
        received=tuple(reach.received for reach in reached),
        session_over=frozenset(reach.device.device for reach in reached if reach.over),
        first_ms=to_ms(line["first_at"]) if 0 < line["unread"] < UNREAD_MOST else 0,
        standing=line["standing"],
        rung=line["rung"],
        waits_ms=to_ms(line["first_at"]) if line["unread"] else 0,
    )


def _wishes(line: asyncpg.Record) -> Wishes:
    busy_until_ms = line["busy_until_ms"] or 0
    if line["level"] is None:
        return Wishes(busy_until_ms=busy_until_ms)
    return Wishes(
        line["level"],
        line["quiet_from_min"],
        line["quiet_to_min"],
        line["urgent_through"],
        busy_until_ms,
    )


def message_of(row: asyncpg.Record) -> Message:
    """A row of MESSAGES."""
    return Message(
        seq=row["seq"],
        msg_no=row["msg_no"],
        author=row["author"],
        author_name=row["author_name"],
        text=row["text"] or "",
        has_media=row["has_media"],
        mentions_me=row["mentions_me"],
        at_ms=to_ms(row["at"]),
    )


def device_of(row: asyncpg.Record, sealer: Sealer) -> PushDevice | None:
    """A row of push_devices; None where its token does not open, which the sealer counts. Raises `Refused`."""
    device: UUID = row["device_id"]
    token: str | None = row["token"]
    if row["token_sealed"] is not None:
        try:
            token = sealer.open(row["token_sealed"], TOKEN, device.bytes).decode()
        except Unsealable:
            _log.error("push token not opened", device=str(device))
            return None
    if token is None:
        return None
    return PushDevice(
        device=device,
        provider=Provider(row["provider"]),
        environment=Environment(row["environment"]),
        topic=row["topic"],
        token=token,
        target_kind=TargetKind(row["target_kind"]),
        locale=row["locale"],
        zone=row["zone"],
        app_version=row["app_version"],
        privacy=Privacy(row["privacy"]),
        shows_local=row["shows_local"],
        registered_ms=to_ms(row["registered_at"]),
    )
