"""Which archive these settings mean, opened.

Owns that choice alone.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from muster.archive import Archive
from muster.backups import BackupError
from muster.clock import Clock
from muster.config import Settings
from muster.stores.archives.directory import DirectoryArchive
from muster.stores.archives.s3 import open_s3_archive


@asynccontextmanager
async def open_archive(settings: Settings, clock: Clock) -> AsyncIterator[Archive]:
    """The archive; nothing is asked of it yet. Raises `BackupError` where the settings name none."""
    if settings.backup_s3_bucket:
        async with open_s3_archive(settings, clock) as archive:
            yield archive
    elif settings.backup_dir is not None:
        yield DirectoryArchive(settings.backup_dir)
    else:
        raise BackupError(
            "nothing says where backups lie: set MUSTER_BACKUP_DIR or MUSTER_BACKUP_S3_BUCKET"
        )
