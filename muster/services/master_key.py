"""When `muster up` makes a master key: where there is none, and nothing in the database that needs another.

Owns that choice alone. A new key beside what an older one sealed would open nothing and hide what is missing: after a
restore the operator has to bring the old one. Must never read or show a key.
"""

from __future__ import annotations

from typing import Final

import asyncpg

from muster import master
from muster.config import Settings
from muster.keys import KeysError
from muster.services.child import Say
from muster.stores.postgres.sealed import read_data_keys

_ASK_WITHIN_S: Final = 10.0


async def ensure_master(settings: Settings, say: Say) -> None:
    """There is one afterwards. Raises `KeysError`, `OSError`: the database holds what only another one opens."""
    path = settings.master_path
    if settings.master_key or path.exists():
        return
    try:
        needed = await _needed(settings.database_url)
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise OSError(f"Postgres went away: {type(error).__name__}") from None
    if needed:
        raise KeysError(
            f"fields of this database are sealed under master key {', '.join(needed)}, which is not here: put the copy"
            f" that was kept of it into {path}, or set MUSTER_MASTER_KEY_FILE. It is in no backup: see docs/backups.md"
        )
    master.ensure(path)
    say(f"made a first master key: keep a copy of {path} elsewhere, it is in no backup")


async def _needed(url: str) -> list[str]:
    database = await asyncpg.connect(
        url, timeout=_ASK_WITHIN_S, command_timeout=_ASK_WITHIN_S, statement_cache_size=0
    )
    try:
        return sorted({key.master for key in await read_data_keys(database)})
    finally:
        await database.close(timeout=_ASK_WITHIN_S)
