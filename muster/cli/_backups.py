"""What `muster doctor` reads of backups: the archive, and the slot over which the log is received.

Must never change anything, and never says what a key is.
"""

from __future__ import annotations

import asyncio
from typing import Final

from muster.backup_key import BackupKeyError
from muster.backups import BackupError, Holding
from muster.cli._where import UNREACHABLE, connected, reason
from muster.clock import SystemClock
from muster.config import Settings
from muster.depot import Absent
from muster.errors import Refused
from muster.facts import BackupFacts, SlotFacts
from muster.sealed_stream import Damaged
from muster.services.backups.opening import open_vault
from muster.stores.postgres.backups import archives_itself, read_server, read_slot

_ASK_WITHIN_S: Final = 15.0
_OTHERS_MAY_READ: Final = 0o077


async def backup_facts(settings: Settings) -> BackupFacts:
    """Never raises for what is away: that is a fact."""
    slot: SlotFacts | None = None
    does_archive, system = False, ""
    if settings.database_url:
        try:
            async with asyncio.timeout(_ASK_WITHIN_S), connected(settings.database_url) as database:
                does_archive = await archives_itself(database)
                slot, system = await read_slot(database), (await read_server(database)).system
        except UNREACHABLE:  # the part about Postgres says so
            pass
    if not settings.backs_up:
        return BackupFacts("", None, None, slot, does_archive)
    away = BackupFacts("", None, None, slot, does_archive)
    facts = await asyncio.to_thread(_placed, away, settings)
    try:
        async with asyncio.timeout(_ASK_WITHIN_S), open_vault(settings) as vault:
            found = [one for one in await vault.holdings() if system in ("", one.system)]
    except (BackupKeyError, BackupError, Damaged, Absent, Refused, OSError, TimeoutError) as error:
        return facts._replace(trouble=reason(error))
    base_s, wal_s = _ages(found, SystemClock().now_ms())
    return facts._replace(base_age_s=base_s, wal_age_s=wal_s)


def _placed(facts: BackupFacts, settings: Settings) -> BackupFacts:
    """Whether others may read the keys, which of them lie with the backups, and whether these lie with the database."""
    file, archive = settings.backup_key_file, settings.backup_dir
    exposed = file is not None and file.is_file() and bool(file.stat().st_mode & _OTHERS_MAY_READ)
    facts = facts._replace(key_exposed=exposed)
    if archive is None:
        return facts
    keys = [path for path in (file, settings.master_path) if path is not None and path.exists()]
    beside = [str(path) for path in keys if path.resolve().is_relative_to(archive.resolve())]
    cluster = settings.data_dir / "postgres"
    there = archive.exists() and cluster.exists()
    same_disk = there and archive.stat().st_dev == cluster.stat().st_dev
    return facts._replace(keys_beside=beside, same_disk=same_disk)


def _ages(found: list[Holding], now_ms: int) -> tuple[float | None, float | None]:
    """Of the newest base, and of what was last put of the log."""
    bases = [label.ended_ms for one in found for label in one.labels]
    wal = [kept.at_ms for one in found for kept in one.objects if "/wal/" in kept.name]
    base_s, wal_s = ((now_ms - max(at)) / 1_000 if at else None for at in (bases, wal))
    return base_s, wal_s
