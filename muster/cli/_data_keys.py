"""`muster keys data rotate|status|contract`: the keys that fields are sealed with.

Owns what these say. Must never show a key, and never seals by itself: api processes do, in rounds.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import Counter

import asyncpg
from prometheus_client import CollectorRegistry

from muster import master
from muster.cli._where import NAME, complain, located, with_database
from muster.clock import SystemClock
from muster.config import Settings
from muster.data_keys import SPREAD_S
from muster.envelope import LOOK_S
from muster.errors import Refused
from muster.facts import SealFacts
from muster.keys import KeysError
from muster.sealing import round_at
from muster.stores.postgres.data_keys import data_keys
from muster.stores.postgres.jobs import PostgresJobs
from muster.stores.postgres.pool import open_database
from muster.stores.postgres.sealed import contract, read_seals


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What may be done with them."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="rotate|status|contract")
    actions.add_parser(
        "rotate", help="make a key that seals in a minute, and put all rows under it in rounds"
    )
    actions.add_parser("status", help="which keys there are, and how many rows lie under each")
    actions.add_parser(
        "contract",
        help="push tokens lie sealed alone from now on: no process of the release before runs any more",
    )


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Do it; the exit code."""
    settings = located(settings)
    if args.action == "rotate":
        if not settings.database_url:
            return complain("no database: set MUSTER_DATABASE_URL, or run 'make up' here first", 2)
        return asyncio.run(_rotate(settings))
    return asyncio.run(with_database(settings, _status if args.action == "status" else _contract))


async def _rotate(settings: Settings) -> int:
    try:
        masters = master.load(settings.master_path, settings.master_key)
        database = await open_database(
            settings.database_url, NAME, 1, lambda _: None, pgbouncer=settings.database_pgbouncer
        )
        try:
            clock = SystemClock()
            made = await data_keys(database, masters, clock, CollectorRegistry()).rotate()
            if made is None:
                return complain("somebody else has made a key at this moment", 1)
            # By then every process has it, and whatever they still seal is under it.
            due_ms = clock.now_ms() + round((SPREAD_S + 2 * LOOK_S) * 1000)
            await PostgresJobs(database).add(round_at(due_ms, f"key {made}"))
        finally:
            await database.close()
    except KeysError as error:
        return complain(str(error), 1)
    except Refused as refused:
        return complain(refused.message, 1)
    print(f"key {made} seals in {SPREAD_S:.0f} s; all rows follow: see `muster keys data status`")
    return 0


async def _status(database: asyncpg.Connection) -> int:
    facts = await read_seals(database)
    if facts is None:
        return complain("the database knows no seals yet: run 'muster migrate'", 1)
    under = Counter[int]()
    for rows in facts.rows.values():
        under.update(rows)
    current = max(
        (key.id for key in facts.keys if key.purpose == "seal" and key.age_s >= 0), default=0
    )
    for key in facts.keys:
        if key.purpose == "seal":
            print(
                f"key {key.id:<4} {_state(key.age_s, key.id == current):<20} {under.pop(key.id, 0)} rows"
            )
    for key_id, count in sorted(under.items()):
        print(f"key {key_id:<4} {'GONE':<20} {count} rows that nobody can open")
    for column, rows in facts.rows.items():
        told = ", ".join(f"{count} under {key_id}" for key_id, count in sorted(rows.items()))
        print(f"  {column}: {told or 'nothing'}")
    if facts.plain_beside or facts.unsealed:
        print(
            f"push tokens lie plain as well, {facts.unsealed} of them alone: see `muster keys data contract`"
        )
    return 0


def _state(age_s: float, current: bool) -> str:
    if age_s < 0:
        return f"seals in {-age_s:.0f} s"
    return f"seals, {age_s / 86_400:.0f} days old" if current else "opens"


async def _contract(database: asyncpg.Connection) -> int:
    facts: SealFacts | None = await read_seals(database)
    if facts is None:
        return complain("the database knows no seals yet: run 'muster migrate'", 1)
    if facts.unsealed:
        return complain(
            f"{facts.unsealed} push tokens lie plain alone: api processes seal them within the hour; where that does"
            " not end, a process of the release before still runs",
            1,
        )
    if not await contract(database):
        print("push tokens lie sealed alone already")
        return 0
    print("from now on push tokens are kept sealed alone; those that lie plain go within the hour")
    return 0
