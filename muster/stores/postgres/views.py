"""Views in Postgres: what readers are to rooms, and where these stand.

Owns the SQL of muster.views.ViewStore, and the columns that history pages read along with themselves. Must never touch
the log: what is read here is a few rows by their keys, however many entries there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from muster.ids import PersonId, RoomId
from muster.permission import Relation, RoomKind
from muster.stores.postgres.pool import Replica
from muster.views import Era, Seen, View


def columns(room: str, member: str) -> str:
    """What `view_of` reads, of these aliases of rooms and members."""
    return f"""
    (SELECT i.generation FROM installation i), (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint,
    {room}.tableoid::bigint, {room}.kind, {member}.relation, {room}.head, {room}.floor,
    ARRAY(SELECT s.from_seq FROM spans s WHERE s.room_id = {room}.room_id AND s.person_id = {member}.person_id
          ORDER BY s.joined),
    ARRAY(SELECT s.to_seq FROM spans s WHERE s.room_id = {room}.room_id AND s.person_id = {member}.person_id
          ORDER BY s.joined),
    ARRAY(SELECT b.blocked FROM blocks b WHERE b.blocker = {member}.person_id)
    """  # noqa: S608  # aliases of ours


COUNT: Final = 10
"""How many columns these are."""

NOW: Final = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"

# The asked come first, so that the clock is told also where nobody is anything.
_VIEWS: Final = f"""
    SELECT w.n, {NOW}, {columns("r", "m")}
    FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY w (room_id, person_id, n)
    LEFT JOIN members m ON m.room_id = w.room_id AND m.person_id = w.person_id
    LEFT JOIN rooms r ON r.room_id = m.room_id
"""  # noqa: S608  # constants


class PostgresViews:
    """See `muster.views.ViewStore`."""

    def __init__(self, reads: Replica) -> None:
        self._reads = reads

    async def views(self, pairs: Sequence[tuple[RoomId, PersonId]]) -> Seen:
        rooms, readers = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        rows = await self._reads.fetch(_VIEWS, rooms, readers)
        found: list[View | None] = [None] * len(pairs)
        for row in rows:
            found[row[0] - 1] = view_of(row[2:])
        return Seen(found, rows[0][1])


def view_of(row: Sequence[Any]) -> View | None:
    """What `columns` say; None where there is no such room or no member."""
    generation, started, table, kind, relation, head, floor, from_seqs, to_seqs, hidden = row
    if kind is None or relation is None:
        return None
    return View(
        Era(generation, started, table),
        _KINDS[kind],
        _RELATIONS[relation],
        head,
        floor,
        tuple(zip(from_seqs, to_seqs, strict=True)),
        frozenset(hidden),
    )


_KINDS: Final = {kind.value: kind for kind in RoomKind}
_RELATIONS: Final = {relation.value: relation for relation in Relation}
