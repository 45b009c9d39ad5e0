"""Who may be owed a push, in SQL: of new messages, and of everything there is.

Owns those two queries. Both let through too many rather than too few, and neither reads the members of a large room
who do not want it whole. Must never decide: that is done when a push is due.
"""

from __future__ import annotations

from typing import Final

from muster.owed import URGENT_NEWS
from muster.stores.postgres.mine import request_of
from muster.stores.postgres.news import is_news, muted, names, news_of

ROOMS_MOST: Final = 50
"""In one statement: also if all of them are groups of thousands it ends in time."""

HERE_MOST: Final = 1_000
"""Members of a room of quiet members that one @here makes candidates: it is for those who are there just now."""

SCAN_PEOPLE: Final = 100
SCAN_ROWS: Final = 2_000
"""Of which memberships one statement looks through: some 20 ms, and in time also where each costs most."""

_QUIET_KINDS: Final = "('public', 'announcement', 'event')"
_URGENT: Final = ", ".join(f"'{state}'" for state in sorted(URGENT_NEWS))
_PRESENT: Final = "m.relation IN ('member', 'moderator', 'owner')"


def _row(said: str) -> str:
    """Of a member what is judged; `said`: whether these messages name them."""
    return f"m.room_id, m.person_id, m.read_seq, m.from_seq, m.muted_until, m.request, m.chosen_level, {said} AS said"


# $1 rooms, $2 last seqs, $3 whether everybody is named, $4 and $5 authors and people named, as texts of arrays.
#
# Members of direct rooms and groups want everything unless they chose otherwise, so all are looked at. In the other
# kinds only who chose so is: by members_loud; besides them those who are named, each by their row. Somebody is a
# candidate if at least one author is neither they nor hidden from them. A self log brings its owner news of events. The
# deepest conditions are kept from being joined or hashed (OFFSET 0): each is a look at one index for the few rows that
# come so far.
CANDIDATES: Final = f"""
    WITH fresh AS MATERIALIZED (
        SELECT f.room, f.to_seq, f.here, f.authors::uuid[] AS authors, f.named::uuid[] AS named, r.kind
        FROM unnest($1::uuid[], $2::bigint[], $3::boolean[], $4::text[], $5::text[])
             AS f (room, to_seq, here, authors, named)
        CROSS JOIN LATERAL (SELECT r.kind FROM rooms r WHERE r.room_id = f.room LIMIT 1) r
    )
    SELECT m.person_id, m.room_id, d.provider, bool_or(f.kind = 'direct' OR m.said)
    FROM fresh f CROSS JOIN LATERAL (
        SELECT {_row("f.here OR m.person_id = ANY (f.named)")}
        FROM members m WHERE f.kind IN ('direct', 'group') AND m.room_id = f.room AND {_PRESENT}
          AND m.chosen_level IS DISTINCT FROM 'none'
          AND (f.kind = 'direct' OR m.chosen_level IS DISTINCT FROM 'mentions' OR f.here
               OR m.person_id = ANY (f.named))
        UNION ALL
        SELECT {_row("f.here OR m.person_id = ANY (f.named)")}
        FROM members m WHERE f.kind IN {_QUIET_KINDS} AND m.room_id = f.room AND {_PRESENT}
          AND m.chosen_level = 'all'
        UNION ALL
        SELECT {_row("true")}
        FROM members m WHERE f.kind IN {_QUIET_KINDS} AND m.room_id = f.room AND {_PRESENT}
          AND m.person_id = ANY (f.named) AND coalesce(m.chosen_level, 'mentions') = 'mentions'
        UNION ALL
        (SELECT {_row("true")}
         FROM members m WHERE f.kind IN {_QUIET_KINDS} AND f.here AND m.room_id = f.room AND {_PRESENT}
           AND m.person_id <> ALL (f.named) AND coalesce(m.chosen_level, 'mentions') = 'mentions'
           AND EXISTS (SELECT FROM push_devices d WHERE d.person_id = m.person_id OFFSET 0)
         LIMIT {HERE_MOST})
        UNION ALL
        SELECT {_row("m.person_id = ANY (f.named)")}
        FROM members m WHERE f.kind = 'self' AND m.room_id = f.room AND m.person_id = f.room
    ) m
    CROSS JOIN LATERAL (SELECT DISTINCT d.provider FROM push_devices d WHERE d.person_id = m.person_id) d
    LEFT JOIN LATERAL (SELECT w.level FROM push_wishes w WHERE w.person_id = m.person_id LIMIT 1) w ON true
    WHERE m.read_seq < f.to_seq AND m.from_seq <= f.to_seq AND (m.said OR NOT {muted("m")})
      AND (f.kind = 'self' OR m.chosen_level IS NOT NULL OR coalesce(w.level, 'all') = 'all'
           OR (w.level = 'mentions' AND (m.said OR f.kind = 'direct')))
      AND NOT ({request_of("m")})
      AND EXISTS (SELECT FROM unnest(f.authors) a (author) WHERE a.author <> m.person_id AND NOT EXISTS (
                      SELECT FROM blocks b WHERE b.blocker = m.person_id AND b.blocked = a.author OFFSET 0)
                  OFFSET 0)
    GROUP BY m.person_id, m.room_id, d.provider
"""  # noqa: S608  # constants of this module


def owed_news(line: str, me: str, hidden: str, me_text: str) -> str:
    """Whether entry `e` may be told: news after `notified`, and not said while the room was muted.

    A mute that has run out holds for what was said before its end: it would ring now otherwise. Whoever is named is
    told all the same.
    """
    return f"""
        {news_of(line, me, hidden, after=f"{line}.notified")}
        AND (coalesce({line}.muted_until NOT BETWEEN e.at AND now(), true) OR ({names(me_text)}))
    """


def _shown(person: str, room: str, read_seq: str, provider: str) -> str:
    """Whether phones show something of a room, all of it read."""
    return f"""
        SELECT FROM push_notified n WHERE n.room_id = {room} AND n.person_id = {person} AND n.provider = {provider}
            AND n.rung > 0 AND n.rung <= {read_seq} LIMIT 1
    """


# $1 people and $2 rooms, key by key, $3 provider.
SHOWN_AND_READ: Final = f"""
    SELECT k.person, k.room FROM unnest($1::uuid[], $2::uuid[]) k (person, room)
    CROSS JOIN LATERAL (SELECT m.read_seq FROM members m WHERE m.room_id = k.room AND m.person_id = k.person
                        AND {_PRESENT} LIMIT 1) m
    CROSS JOIN LATERAL ({_shown("k.person", "k.room", "m.read_seq", "$3")}) n
"""  # noqa: S608  # constants of this module

# $1 provider, $2 and $3 the person and room after which it begins. Every row tells how far was looked.
#
# It goes from people with such a device, in order, to their memberships. Of most rooms two numbers tell that all is
# read or told; of the others one look backwards from the head finds what is owed, or that nothing is. Where something
# is owed, that it may be shown and read is of no interest: whoever judges sees both.
UNSETTLED: Final = f"""
    WITH people AS MATERIALIZED (
        SELECT DISTINCT d.person_id FROM push_devices d WHERE d.provider = $1 AND d.person_id >= $2
        ORDER BY d.person_id LIMIT {SCAN_PEOPLE}
    ), looked AS MATERIALIZED (
        SELECT m.* FROM people p CROSS JOIN LATERAL (
            SELECT m.* FROM members m
            WHERE m.person_id = p.person_id AND (m.person_id, m.room_id) > ($2, $3)
            ORDER BY m.person_id, m.room_id LIMIT {SCAN_ROWS}
        ) m ORDER BY m.person_id, m.room_id LIMIT {SCAN_ROWS}
    ), far AS (
        SELECT (SELECT count(*) FROM people) = {SCAN_PEOPLE} AS more_people,
               (SELECT count(*) FROM looked) = {SCAN_ROWS} AS more_rows,
               (SELECT p.person_id FROM people p ORDER BY p.person_id DESC LIMIT 1) AS last_person,
               l.person_id AS last_looked, l.room_id AS last_room
        FROM (SELECT) one LEFT JOIN (
            SELECT l.* FROM looked l ORDER BY l.person_id DESC, l.room_id DESC LIMIT 1) l ON true
    ), told AS MATERIALIZED (
        SELECT l.person_id, l.room_id, l.relation, l.read_seq, l.read_msg_no, l.from_seq, l.muted_until, r.kind, r.head,
               r.msg_no, coalesce(n.seq, 0) AS notified,
               r.kind = 'direct' OR push_level_v1(l.chosen_level, r.kind, coalesce(w.level, 'all')) = 'all' AS whole,
               ARRAY(SELECT b.blocked FROM blocks b WHERE b.blocker = l.person_id) AS hidden
        FROM looked l
        CROSS JOIN LATERAL (SELECT r.* FROM rooms r WHERE r.room_id = l.room_id LIMIT 1) r
        LEFT JOIN LATERAL (SELECT n.seq FROM push_notified n WHERE n.room_id = l.room_id
                           AND n.person_id = l.person_id AND n.provider = $1 LIMIT 1) n ON true
        LEFT JOIN LATERAL (SELECT w.level FROM push_wishes w WHERE w.person_id = l.person_id LIMIT 1) w ON true
        WHERE l.relation IN ('member', 'moderator', 'owner') AND r.kind NOT IN ('self', 'control')
          AND r.last_post > l.read_seq AND r.last_post > coalesce(n.seq, 0)
          AND push_level_v1(l.chosen_level, r.kind, coalesce(w.level, 'all')) <> 'none'
          AND NOT ({request_of("l")})
    ), owed AS (
        SELECT t.person_id, t.room_id, t.kind = 'direct' OR about.found IS NOT NULL AS urgent
        FROM told t
        LEFT JOIN LATERAL (
            SELECT true AS found FROM entries e
            WHERE {is_news("t")} AND {owed_news("t", "t.person_id", "t.hidden", "t.person_id::text")}
              AND {names("t.person_id::text")}
            ORDER BY e.seq DESC LIMIT 1
        ) about ON true
        LEFT JOIN LATERAL (
            SELECT true AS found FROM entries e
            WHERE about.found IS NULL AND t.whole AND NOT {muted("t")}
              AND {is_news("t")} AND {owed_news("t", "t.person_id", "t.hidden", "t.person_id::text")}
            ORDER BY e.seq DESC LIMIT 1
        ) news ON true
        WHERE about.found OR news.found
        UNION ALL
        SELECT l.person_id, l.room_id, first.state IN ({_URGENT})
        FROM looked l
        LEFT JOIN LATERAL (SELECT n.seq FROM push_notified n WHERE n.room_id = l.room_id
                           AND n.person_id = l.person_id AND n.provider = $1 LIMIT 1) n ON true
        CROSS JOIN LATERAL (
            SELECT e.body ->> 'state' AS state FROM entries e
            WHERE e.room_id = l.room_id AND e.seq > greatest(l.read_seq, n.seq) AND e.kind = 'notice'
              AND e.author <> l.person_id
            ORDER BY e.seq LIMIT 1
        ) first
        WHERE l.room_id = l.person_id
    ), shown AS (
        SELECT l.person_id, l.room_id FROM looked l
        CROSS JOIN LATERAL ({_shown("l.person_id", "l.room_id", "l.read_seq", "$1")}) n
        WHERE l.relation IN ('member', 'moderator', 'owner')
    ), found AS (
        SELECT coalesce(o.person_id, s.person_id) AS person_id, coalesce(o.room_id, s.room_id) AS room_id,
               coalesce(o.urgent, false) AS urgent, o.person_id IS NULL AS is_read
        FROM owed o FULL JOIN shown s ON s.person_id = o.person_id AND s.room_id = o.room_id
    )
    SELECT o.person_id, o.room_id, o.urgent, o.is_read,
           f.more_people, f.last_person, f.more_rows, f.last_looked, f.last_room
    FROM far f LEFT JOIN found o ON true ORDER BY o.person_id, o.room_id
"""  # noqa: S608  # constants of this module
