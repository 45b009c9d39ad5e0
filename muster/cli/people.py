"""Show somebody, give them a service role (user, support or admin), or let them be forgotten.

It never touches rooms, messages or profiles: an api process does what `erase` asks for. Whoever loses rights is logged
out everywhere, because access tokens say the old role until they expire.
"""

from __future__ import annotations

import argparse
import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import asyncpg

from muster import submit
from muster.batch import BatchFailed, Lease
from muster.cli._where import NAME, complain, located, with_database
from muster.config import Settings
from muster.ids import NOBODY, PersonId
from muster.permission import ServiceRole
from muster.stores.postgres import erasing, tracing
from muster.stores.postgres.batch import PostgresBatchConnection
from muster.trace import Person

_RANKS = tuple(ServiceRole)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`show WHO`, `promote WHO --role ROLE`, or `erase WHO --yes`."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="show|promote|erase")
    show = actions.add_parser("show", help="who that is, and on how many devices")
    show.add_argument("who", metavar="HANDLE|ID")
    promote = actions.add_parser("promote", help="give somebody a service role, or take it away")
    promote.add_argument("who", metavar="HANDLE|ID")
    promote.add_argument("--role", required=True, choices=[role.value for role in ServiceRole])
    erase = actions.add_parser("erase", help="forget somebody for good, without days of grace")
    erase.add_argument("who", metavar="HANDLE|ID")
    erase.add_argument("--yes", action="store_true", help="really: nothing takes it back")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Do it and say so; 1 when nobody is called that."""
    settings = located(settings)

    async def ask(database: asyncpg.Connection) -> int:
        person = await tracing.find_person(database, args.who)
        if person is None:
            return complain(f"nobody is called {args.who}", 1)
        if args.action == "show":
            return await _show(database, person)
        if args.action == "erase":
            return await _erase(database, person, really=args.yes)
        return await _promote(database, settings, person, ServiceRole(args.role))

    return asyncio.run(with_database(settings, ask))


async def _show(database: asyncpg.Connection, person: Person) -> int:
    devices = await tracing.devices(database, person, person.person)
    live = sum(device.live for device in devices)
    print(f"@{person.handle}  {person.name}")
    print(f"  id        {person.person}")
    print(f"  role      {person.role}")
    print(f"  since     {_day(person.created_at_ms)}")
    print(f"  sessions  {live} live of {len(devices)}")
    if person.banned_at_ms is not None:
        print(f"  banned    since {_day(person.banned_at_ms)}")
    return 0


async def _promote(
    database: asyncpg.Connection, settings: Settings, person: Person, role: ServiceRole
) -> int:
    before = ServiceRole(person.role)
    if role is before:
        print(f"@{person.handle} is {role} already")
        return 0
    await tracing.set_role(database, person, role)
    print(f"@{person.handle} is {role} now, was {before}")
    if _RANKS.index(role) > _RANKS.index(before):
        print("phones learn of it with their next access token: log in again to have it now")
        return 0
    return await _log_out(settings, person)


async def _erase(database: asyncpg.Connection, person: Person, *, really: bool) -> int:
    if not really:
        return complain("nothing takes this back: say --yes if it is meant", 2)
    if await erasing.ask_by_hand(database, PersonId(person.person)) is None:
        return complain("they are forgotten already", 1)
    print(f"{person.person} is logged out everywhere, and forgotten by an api process from now on")
    return 0


async def _log_out(settings: Settings, person: Person) -> int:
    """Through the control log, as everybody's logging out, so that every hub obeys within 2 s."""
    op = submit.revoke(NOBODY, PersonId(person.person), None, f"role:{uuid4()}")
    connection = PostgresBatchConnection(
        settings.database_url, NAME, pgbouncer=settings.database_pgbouncer
    )
    lease = Lease(uuid4(), [])
    try:
        await connection.commit(lease, [op])
        await connection.clear(lease.writer)  # nothing to publish: every process polls this log
    except BatchFailed as failed:
        reason = type(failed).__name__
        return complain(f"their sessions could not be ended ({reason}): revoke them by the api", 1)
    finally:
        await connection.close()
    print("they are logged out everywhere")
    return 0


def _day(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).date().isoformat()
