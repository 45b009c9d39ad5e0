"""What of a room is news to somebody: the rule of unread and mentions, in SQL, written once.

Owns the conditions an entry `e` has to meet, and how it is counted. Lists, sync, badges and pushes build their queries
of these. Must never hold a query of its own.
"""

from __future__ import annotations

from typing import Final

from muster.rooms import UNREAD_MOST, UNREAD_WINDOW_SEQS


def news_of(line: str, me: str, hidden: str, *, after: str = "") -> str:
    """Whether `e` counts: a message after the read pointer, not deleted, not mine, not by somebody I block.

    `line` has a room's and its member's columns; `hidden` is an array; `after` names one more seq to begin after.
    """
    return f"""
        e.room_id = {line}.room_id
        AND e.seq > greatest({line}.read_seq, {line}.from_seq - 1, {line}.head - {UNREAD_WINDOW_SEQS}
                             {", " + after if after else ""})
        AND e.kind = 'post' AND e.deleted_seq IS NULL AND e.author <> {me} AND e.author <> ALL ({hidden})
    """


def names(person: str) -> str:
    """Whether `e` names this person, given as text, or everybody: in the words of the index entries_mentions."""
    return f"""
        (e.body ? 'mentions' OR e.body ? 'here')
        AND ((e.body -> 'mentions') ? {person} OR e.body @> '{{"here": true}}')
    """


def is_news(line: str) -> str:
    """Whether there may be any: what two numbers tell without a look at entries."""
    return f"{line}.relation <> 'invited' AND {line}.msg_no > {line}.read_msg_no"


def counted(line: str, me: str, hidden: str, me_text: str) -> str:
    """Joins that give `news.unread` and `about.mentions` of each line.

    Counting goes from the head backwards, in the primary key's order, and stops at UNREAD_MOST: what it costs is the
    entries it looks at, so a count of thousands would cost what it says. Where nothing was posted since the read
    pointer it does not start. Mentions have an index of their own: few entries are in it, so one that lies below a
    hundred others is counted too.
    """
    news = news_of(line, me, hidden)
    return f"""
    LEFT JOIN LATERAL (
        SELECT count(*) AS unread FROM (
            SELECT FROM entries e WHERE {is_news(line)} AND {news}
            ORDER BY e.seq DESC LIMIT {UNREAD_MOST}
        ) n
    ) news ON true
    LEFT JOIN LATERAL (
        SELECT count(*) AS mentions FROM (
            SELECT FROM entries e WHERE news.unread > 0 AND {news} AND {names(me_text)}
            ORDER BY e.seq DESC LIMIT {UNREAD_MOST}
        ) n
    ) about ON true
    """  # noqa: S608  # constants and names of ours


def muted(line: str) -> str:
    """Whether a room is muted now."""
    return f"coalesce({line}.muted_until > now(), false)"


BADGE: Final = f"CASE WHEN {muted('i')} THEN about.mentions ELSE news.unread END"
"""What a line `i` adds to the badge."""
