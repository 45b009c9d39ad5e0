"""Where Postgres' own programs are, and how they are told whom to connect to.

Owns both. Must never put a password into an argument: everybody on the machine can read those.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from muster.backups import BackupError
from muster.config import Settings
from muster.services.child import ServiceFailedError
from muster.services.postgres import binaries

_SECRET: Final = {"password": "PGPASSWORD", "passfile": "PGPASSFILE"}


def program(settings: Settings, name: str) -> str:
    """The path of one. Raises `BackupError`."""
    try:
        found = (settings.backup_programs or binaries()) / name
    except ServiceFailedError:
        found = Path(name)
    if not os.access(found, os.X_OK):
        raise BackupError(
            f"{found} is not there: set MUSTER_BACKUP_PROGRAMS to where Postgres' programs are"
        )
    return str(found)


def connection(url: str, application: str) -> tuple[str, dict[str, str]]:
    """A URL for an argument and, for the environment, what must not be in one."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    name, _, password = user.partition(":")
    environment = {"LC_ALL": "C", "PGAPPNAME": application, "PGCONNECT_TIMEOUT": "10"}
    if password:
        environment["PGPASSWORD"] = unquote(password)
    query = parse_qsl(parts.query, keep_blank_values=True)
    environment |= {_SECRET[key]: value for key, value in query if key in _SECRET}
    shown = urlencode([pair for pair in query if pair[0] not in _SECRET], quote_via=quote)
    return urlunsplit(parts._replace(netloc=f"{name}{at}{host}", query=shown)), environment
