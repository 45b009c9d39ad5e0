"""Attended: afterwards attendance is the truth: each one's visits are as many as they made, by what they did, and last
if they stayed; and each one's own log tells exactly these.

Owns that judgement, of what walkers know against what Postgres and the host's number say. Pure. Must never judge by
when visits were written: while something is broken, they are late.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final, NamedTuple
from uuid import UUID

SPOKEN: Final = {
    "socket": ("gps", "gps"),
    "rest": ("gps", "gps"),
    "hand": ("hand", "hand"),
    "code": ("qr", "hand"),
}
"""By the way somebody comes: what speaks for their coming, and for their going."""


class Walked(NamedTuple):
    """What somebody knows of themselves: `way` is how they came; `stays` whether they were there at the end."""

    person: UUID
    way: str
    visits: int
    stays: bool


class Row(NamedTuple):
    """A visit as Postgres has it, in Unix ms; `left_ms` None: it lasts."""

    person: UUID
    number: int
    entered_ms: int
    left_ms: int | None
    source: str
    left_source: str | None


class Told(NamedTuple):
    """An edge as somebody's own log tells it; `state` is entered or left."""

    person: UUID
    state: str
    at_ms: int


def unattended(
    truth: Sequence[Walked], rows: Iterable[Row], told: Iterable[Told], live: int
) -> list[str]:
    """What is wrong, in sentences. `told`: in the order of each log; `live`: the number that a host is told."""
    visits: dict[UUID, list[Row]] = defaultdict(list)
    for row in rows:
        visits[row.person].append(row)
    logs: dict[UUID, list[Told]] = defaultdict(list)
    for edge in told:
        logs[edge.person].append(edge)
    found = []
    for one in truth:
        mine = sorted(visits.pop(one.person, []), key=lambda row: row.number)
        who = f"{one.person} ({one.way})"
        if len(mine) != one.visits:
            found.append(f"{who} came {one.visits} times, and has {len(mine)} visits")
        lasting = [row.number for row in mine if row.left_ms is None]
        if lasting != ([mine[-1].number] if mine and one.stays else []):
            stays = "stays" if one.stays else "has left"
            found.append(f"{who} {stays}, and the visits that last are {lasting}")
        found += [*_unspoken(who, one.way, mine), *_disordered(who, mine)]
        if (log := logs[one.person]) != _edges(mine):
            found.append(f"{who} has {len(mine)} visits, and their log tells other edges: {log}")
    found += [f"{person} never came, and has {len(mine)} visits" for person, mine in visits.items()]
    there = sum(one.stays for one in truth)
    if live != there:
        found.append(f"{there} are there, and hosts are told {live}")
    return found


def _unspoken(who: str, way: str, mine: Sequence[Row]) -> list[str]:
    """Every edge is by what they did, and by nothing else: nobody fell silent, and the event goes on."""
    came, went = SPOKEN[way]
    began = [
        f"visit {row.number} of {who} began by {row.source}" for row in mine if row.source != came
    ]
    ended = [
        f"visit {row.number} of {who} ended by {row.left_source}"
        for row in mine
        if row.left_source != (None if row.left_ms is None else went)
    ]
    return began + ended


def _edges(mine: Sequence[Row]) -> list[Told]:
    """What a log has to tell of these visits."""
    edges = []
    for row in mine:
        edges.append(Told(row.person, "entered", row.entered_ms))
        if row.left_ms is not None:
            edges.append(Told(row.person, "left", row.left_ms))
    return edges


def _disordered(who: str, mine: Sequence[Row]) -> list[str]:
    """Visits of one person are one after another, and none ends before it begins."""
    found = [
        f"visit {row.number} of {who} ends before it begins"
        for row in mine
        if row.left_ms is not None and row.left_ms < row.entered_ms
    ]
    for row, after in pairwise(mine):
        if row.left_ms is not None and after.entered_ms < row.left_ms:
            found.append(f"visit {after.number} of {who} begins before visit {row.number} ends")
    return found
