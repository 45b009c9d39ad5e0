"""Owns running a step's SQL files: several statements each, with bodies of functions in them.

It uses the driver's simple query, because SQLAlchemy would prepare and thereby allow only one
statement at a time. It never commits.
"""

import asyncpg
from sqlalchemy.engine import Connection

from muster.stores.schema import scripts


class MigrationError(Exception):
    """A SQL file of a step does not run; the message names the file and the line."""


def execute(bind: Connection, step: str) -> None:
    """Run every SQL file of `step`, in the order of names."""
    adapted = bind.connection.dbapi_connection
    if adapted is None:
        raise MigrationError("the database connection is closed")
    for name, sql in scripts(step):
        try:
            adapted.run_async(lambda driver, sql=sql: driver.execute(sql))
        except asyncpg.PostgresError as error:
            raise MigrationError(f"{step}/{name}{_line(error, sql)}: {error}") from error


def _line(error: asyncpg.PostgresError, sql: str) -> str:
    position = getattr(error, "position", None)
    return f" line {sql.count(chr(10), 0, int(position)) + 1}" if position else ""
