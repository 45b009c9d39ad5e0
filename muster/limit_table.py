"""All limits that processes share, as one table: for `muster settings --limits` and docs/limits.md.

Owns what is said of each. Must never hold a number: those are in muster/quotas.py and muster/attempts.py.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from muster.attempts import BOUNDS
from muster.quotas import Quotas

_SAID: Final = {
    "anonymous": ("REST without a token: registering, logging in, refreshing", "ANONYMOUS_PER_MIN"),
    "pages": ("pages of invite links", ""),
    "tokens": ("REST with a token that is none", ""),
    "letters": ("mails that nameless people ask for", ""),
    "address": ("REST with a token", "ADDRESS_PER_S"),
    "session": ("REST with a token of this session", "READS_PER_S + WRITES_PER_S"),
    "reads": ("REST that changes nothing", "READS_PER_S"),
    "writes": ("REST that changes something", "WRITES_PER_S"),
    "searches": ("searching messages", "SEARCHES_PER_MIN"),
    "finds": ("looking for people", ""),
    "media": ("beginning uploads", "MEDIA_PER_MIN"),
    "keys": ("REST with a service key", "SERVICE_PER_S"),
    "room": ("writes into the room: frames and REST, by all", "ROOM_PER_S"),
    "fixes": ("fixes and crossings: frames and REST", ""),
    "posts": ("posts, edits, deletions, reactions and votes of all sockets", "PERSON_POSTS_PER_S"),
    "queries": ("resumes, attends and watches of all sockets", ""),
    "arrivals": ("sockets that authenticate", "SESSION_AUTHS_PER_MIN"),
    "doors": ("sockets that authenticate", "ADDRESS_AUTHS_PER_S"),
}


class Row(NamedTuple):
    """One limit, as text."""

    name: str
    whose: str
    what: str
    per_s: str
    burst: str
    lease: str
    setting: str


def rows(quotas: Quotas) -> list[Row]:
    """Every bucket there is."""
    found = []
    for quota in quotas.all():
        what, setting = _SAID[quota.name]
        per_s, burst = quota.rate
        setting = " + ".join(f"MUSTER_{name}" for name in setting.split(" + ") if name)
        found.append(
            Row(
                quota.name,
                quota.whose,
                what,
                f"{per_s:.3g}",
                f"{burst:,.0f}",
                f"{quota.lease:.0f}" if quota.lease else "",
                setting,
            )
        )
    return found


def text(quotas: Quotas) -> str:
    """For a terminal."""
    head = Row("LIMIT", "OF A", "WHAT", "A SECOND", "AT ONCE", "AHEAD", "SETTING")
    table = [head, *rows(quotas)]
    widths = [max(len(row[i]) for row in table) for i in range(len(Row._fields))]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in table]
    lines += [
        f"tries at a password, {bound.name}: {bound.free} free, then {bound.first_s:g} s and twice as long each time,"
        f" up to {bound.most_s:g} s; forgotten after {bound.forget_s:g} s"
        for bound in BOUNDS
    ]
    return "\n".join(lines)


def markdown(quotas: Quotas) -> str:
    """For the page."""
    lines = [
        "| limit | of a | what | a second | at once | ahead | setting |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| `{row.name}` | {row.whose} | {row.what} | {row.per_s} | {row.burst} | {row.lease} |"
        f" {f'`{row.setting}`' if row.setting else ''} |"
        for row in rows(quotas)
    ]
    lines += ["", "| tries at a password | free | first pause | longest | forgotten after |"]
    lines += ["|---|---|---|---|---|"]
    lines += [
        f"| `{bound.name}` | {bound.free} | {bound.first_s:g} s | {bound.most_s:g} s | {bound.forget_s:g} s |"
        for bound in BOUNDS
    ]
    return "\n".join(lines)
