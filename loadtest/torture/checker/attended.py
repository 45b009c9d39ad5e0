"""Attended: afterwards attendance is the truth: each one's visits are as many as they made, and last if they stayed.

Owns that judgement, of what walkers know against what Postgres and the host's number say. Pure. Must never judge by
when visits were written: while something is broken, they are late.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple
from uuid import UUID


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


def unattended(truth: Sequence[Walked], rows: Iterable[Row], live: int | None) -> list[str]:
    """What is wrong, in sentences. `live`: the number that a host is told; None: not asked."""
    visits: dict[UUID, list[Row]] = defaultdict(list)
    for row in rows:
        visits[row.person].append(row)
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
        found += _disordered(who, mine)
    found += [f"{person} never came, and has {len(mine)} visits" for person, mine in visits.items()]
    there = sum(one.stays for one in truth)
    if live is not None and live != there:
        found.append(f"{there} are there, and hosts are told {live}")
    return found


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
