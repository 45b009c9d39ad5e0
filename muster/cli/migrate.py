"""Bring the database at MUSTER_DATABASE_URL forward to the newest schema.

It never goes backwards, and any number of these may run at once.
"""

import argparse
import asyncio
import sys

import asyncpg

from muster.config import Settings, hide_password
from muster.stores.migrate import migrate
from muster.stores.migrations.execute import MigrationError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing to choose: the only way is forward."""


def run(_args: argparse.Namespace, settings: Settings) -> int:
    """Migrate and say where the database is now."""
    url = settings.database_url
    if not url:
        print(
            "muster: set MUSTER_DATABASE_URL to the database to migrate;"
            " the embedded one is migrated by 'muster up'",
            file=sys.stderr,
        )
        return 2
    try:
        revision = asyncio.run(migrate(url, settings.search_language))
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        print(f"muster: no database at {hide_password(url)}: {error}", file=sys.stderr)
        return 1
    except MigrationError as error:
        print(f"muster: {error}", file=sys.stderr)
        return 1
    print(f"the database is at revision {revision}")
    return 0
