"""Show what moderators and staff did, and check that nobody has touched the record of it.

It never changes a row. Reasons and names are on the screen alone: nothing of them is logged.
"""

from __future__ import annotations

import argparse
import asyncio
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import asyncpg

from muster import audit
from muster.audit import Act, Sought
from muster.cli._where import complain, located, with_database
from muster.config import Settings
from muster.ids import PersonId
from muster.stores.postgres import tracing
from muster.stores.postgres.audit import PostgresAudit

_LISTED: Final = 50
_BREAKS_MOST: Final = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which acts; or `--check`."""
    parser.add_argument("--by", metavar="HANDLE|ID", help="what they did")
    parser.add_argument("--about", metavar="HANDLE|ID", help="what was done about them")
    parser.add_argument("--room", type=UUID, metavar="ID", help="what was done in this room")
    parser.add_argument("--act", metavar="NAME", help="acts of this name, as silence or room_ban")
    parser.add_argument("--most", type=int, default=_LISTED, help=f"list so many ({_LISTED})")
    parser.add_argument(
        "--check", action="store_true", help="look whether any row was changed or removed"
    )


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Do it and say so; 1 when nobody is called that, or a chain is broken."""
    settings = located(settings)

    async def ask(database: asyncpg.Connection) -> int:
        store = PostgresAudit(database)
        if args.check:
            return await _check(store)
        people: list[PersonId | None] = []
        for who in (args.by, args.about):
            person = await tracing.find_person(database, who) if who else None
            if who and person is None:
                return complain(f"nobody is called {who}", 1)
            people.append(None if person is None else PersonId(person.person))
        by, about = people
        acts = await store.page(Sought(by, about, args.room, args.act), None, args.most)
        for act in acts:
            print(_line(act))
        if not acts:
            print("nothing of that kind was done")
        return 0

    return asyncio.run(with_database(settings, ask))


async def _check(store: PostgresAudit) -> int:
    checked = await audit.check(store.links())
    for broken in checked.breaks[:_BREAKS_MOST]:
        print(f"row {broken.n} of {broken.log}: {broken.why}")
    if checked.breaks:
        return complain(f"{len(checked.breaks)} rows of {checked.rows} do not hold", 1)
    print(f"{checked.rows} rows in {checked.logs} chains: none was changed or removed")
    return 0


def _line(act: Act) -> str:
    at = datetime.fromtimestamp(act.at_ms / 1000, UTC)
    parts = [f"{at:%Y-%m-%d %H:%M:%S}", f"{act.actor_as} {act.actor or act.actor_mark}", act.action]
    if act.subject_mark is not None:
        parts.append(f"about {act.subject or act.subject_mark}")
    if act.room is not None:
        parts.append(f"in {act.room}")
    if act.target is not None:
        parts.append(f"message {act.target}")
    if act.until_ms is not None:
        parts.append(f"until {datetime.fromtimestamp(act.until_ms / 1000, UTC):%Y-%m-%d %H:%M}")
    if act.reason:
        parts.append(repr(act.reason))
    return "  ".join(parts)
