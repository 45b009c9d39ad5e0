"""What events owe somebody: the next notice in their self log that is still news, for many people at once.

Owns which notice still says what is so: it is looked up when a push is due, so that nobody is rung for an event that
was called off since, for an invitation they have answered, or from a roster they are not on. Must never be asked
outside a snapshot.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import asyncpg

from muster.owed import URGENT_NEWS, Message, News, Owed
from muster.stores.postgres.moments import to_ms

# One at a time, and whether there are more: two notices are about different things, so that none takes another's place.
# $1 places of keys, $2 people, $3 the seq after which news begin. A mute of the event's room silences its notices, but
# for the one that says that it is off: that is not what people say in the room.
NEXT_NEWS: Final = """
    SELECT k.n, x.* FROM unnest($1::integer[], $2::uuid[], $3::bigint[]) k (n, person, after)
    CROSS JOIN LATERAL (
        SELECT e.seq, e.author, e.at, e.body ->> 'state' AS state, v.room_id AS event, r.title,
               coalesce(p.name, '') AS author_name, m.chosen_level, m.muted_until
        FROM entries e
        CROSS JOIN LATERAL (SELECT v.* FROM events v WHERE v.room_id = (e.body ->> 'room')::uuid LIMIT 1) v
        CROSS JOIN LATERAL (SELECT r.title FROM rooms r WHERE r.room_id = v.room_id LIMIT 1) r
        CROSS JOIN LATERAL (SELECT g.answer FROM event_roster g
                            WHERE g.room_id = v.room_id AND g.person_id = k.person LIMIT 1) g
        LEFT JOIN LATERAL (SELECT m.chosen_level, m.muted_until FROM members m
                           WHERE m.room_id = v.room_id AND m.person_id = k.person LIMIT 1) m ON true
        LEFT JOIN LATERAL (SELECT p.name FROM people p WHERE p.person_id = e.author LIMIT 1) p ON true
        WHERE e.room_id = k.person AND e.seq > k.after AND e.kind = 'notice' AND e.author <> k.person
          AND v.ends_at > now() AND NOT EXISTS (
              SELECT FROM blocks b WHERE b.blocker = k.person AND b.blocked = e.author)
          AND CASE WHEN e.body ->> 'state' = 'cancelled' THEN v.state = 'cancelled' AND g.answer <> 'no'
              ELSE v.over_at IS NULL AND coalesce(m.muted_until NOT BETWEEN e.at AND now(), true)
                   AND CASE e.body ->> 'state'
                       WHEN 'invited' THEN g.answer = 'invited'
                       WHEN 'changed' THEN g.answer <> 'no'
                       WHEN 'starts_soon' THEN g.answer IN ('going', 'maybe') AND v.starts_at > now()
                       WHEN 'waitlist_up' THEN g.answer = 'going'
                       ELSE false END
              END
        ORDER BY e.seq LIMIT 2
    ) x ORDER BY k.n, x.seq
"""


def with_news(owed: Owed, rows: Sequence[asyncpg.Record]) -> Owed:
    """What is owed of a self log, with its rows of NEXT_NEWS; none: nothing is."""
    if not rows:
        return owed
    row, is_urgent = rows[0], rows[0]["state"] in URGENT_NEWS
    is_off = row["state"] == "cancelled"
    at_ms = to_ms(row["at"])
    notice = Message(
        seq=row["seq"],
        msg_no=0,
        author=row["author"],
        author_name=row["author_name"],
        text="",
        has_media=False,
        mentions_me=is_urgent,
        at_ms=at_ms,
    )
    muted_until = None if is_off else row["muted_until"]
    more = len(rows) > 1
    return owed._replace(
        title=row["title"],
        level=None if is_off else row["chosen_level"],
        muted_until_ms=0 if muted_until is None else to_ms(muted_until),
        through=row["seq"] if more else owed.through,
        messages=(notice,),
        unread=1,
        mentions=int(is_urgent),
        first_ms=at_ms,
        news=News(row["event"], row["state"]),
        more=more,
    )
