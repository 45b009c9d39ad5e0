"""Leases of writers that ran out: taken, their entries read and published, the row deleted.

Owns `publish_leases` as far as others than its writer touch it. One lease is one short transaction
of at most `ENTRIES_MOST` entries; a longer one is shortened by what was published. Must never wait
for another taker, and must never hold a row longer than a writer's batch may wait for it: deadlines
hold here and in Postgres, for a stopped process too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from asyncpg.pool import PoolConnectionProxy

from muster.lane import of_entry
from muster.republish import Publish
from muster.stores.postgres.entries import Range, read_ranges
from muster.stores.postgres.pool import Database

ENTRIES_MOST: Final = 500

_OVERDUE = "SELECT EXISTS (SELECT FROM publish_leases WHERE until < clock_timestamp())"
_LIMITS = """
    SET LOCAL lock_timeout = '500ms';
    SET LOCAL statement_timeout = '1500ms';
    SET LOCAL idle_in_transaction_session_timeout = '1500ms';
    SET LOCAL synchronous_commit = off
"""  # a lost deletion only means that entries are published twice
_TAKE = """
    SELECT writer, rooms, from_seqs, to_seqs FROM publish_leases
    WHERE until < clock_timestamp() ORDER BY until LIMIT 1 FOR UPDATE SKIP LOCKED
"""
_DELETE = "DELETE FROM publish_leases WHERE writer = $1"
_SHORTEN = """
    UPDATE publish_leases SET rooms = $2, from_seqs = $3, to_seqs = $4 WHERE writer = $1
"""


class PostgresLeases:
    """muster.republish.Leases."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def hand_over(self, publish: Publish) -> int:
        """Publish the lease that ran out first, or the first part of a long one."""
        [[overdue]] = await self._database.fetch(_OVERDUE)
        if not overdue:
            return 0
        async with self._database.transaction() as connection:
            await connection.execute(_LIMITS)
            return await _hand_over(connection, publish)


async def _hand_over(connection: PoolConnectionProxy, publish: Publish) -> int:
    published = 0
    # A lease may be empty: its writer was idle, or its batch changed nothing.
    while published == 0:
        rows = await connection.fetch(_TAKE)
        if not rows:
            break
        writer, rooms, firsts, lasts = rows[0]
        ranges = [Range(r, f - 1, t) for r, f, t in zip(rooms, firsts, lasts, strict=True)]
        now, later = cut(ranges, ENTRIES_MOST)
        stored = await read_ranges(connection, now, ENTRIES_MOST)
        if stored:
            await publish([of_entry(each.entry) for each in stored])
        if later:
            owed = ([r.room for r in later], [r.after + 1 for r in later], [r.upto for r in later])
            await connection.execute(_SHORTEN, writer, *owed)
        else:
            await connection.execute(_DELETE, writer)
        published = len(stored)
    return published


def cut(ranges: Sequence[Range], most: int) -> tuple[list[Range], list[Range]]:
    """The first `most` entries of the ranges, and the rest."""
    now: list[Range] = []
    later: list[Range] = []
    for each in ranges:
        upto = min(each.upto, each.after + most)
        if upto > each.after:
            now.append(each._replace(upto=upto))
            most -= upto - each.after
        if upto < each.upto:
            later.append(each._replace(after=max(upto, each.after)))
    return now, later
