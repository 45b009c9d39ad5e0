"""Show the generation of the log, or begin a new one after losing entries in a way that nothing tells.

It never touches the log itself. A new generation costs every phone one refetch of its rooms, no more; not beginning one
after a loss lets phones keep what no longer is.
"""

from __future__ import annotations

import argparse
import asyncio
from uuid import uuid4

import asyncpg

from muster.cli._where import complain, located, with_database
from muster.config import Settings
from muster.stores.postgres.installation import installation, new_generation


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`--renew`, or nothing: then it is shown."""
    parser.add_argument(
        "--renew", action="store_true", help="begin a new one; restart hubs and api afterwards"
    )


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Say which it is, after beginning it if that was asked."""

    async def ask(database: asyncpg.Connection) -> int:
        if args.renew:
            await new_generation(database, uuid4())
        try:
            found = await installation(database)
        except LookupError:
            return complain("no process of Muster has started on this database yet", 1)
        print(f"generation {found.generation}")
        if args.renew:
            print("restart hubs and api: phones are told a gap when they come back")
        return 0

    return asyncio.run(with_database(located(settings), ask))
