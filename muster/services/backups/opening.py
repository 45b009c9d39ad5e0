"""The vault of these settings: archive, keys and scratch directory.

Owns reading the file of keys. Must never say what stands in it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from muster.backup_key import BackupKeyError, Keyring, keyring
from muster.clock import SystemClock
from muster.config import Settings
from muster.services.backups.vault import Vault
from muster.stores.archives.opening import open_archive


def read_keyring(settings: Settings) -> Keyring:
    """Raises `BackupKeyError`."""
    if settings.backup_key_file is None:
        return keyring(settings.backup_key)
    try:
        return keyring(settings.backup_key_file.read_text("ascii"))
    except (OSError, UnicodeDecodeError) as error:
        raise BackupKeyError(
            f"the file of MUSTER_BACKUP_KEY_FILE cannot be read ({type(error).__name__})"
        ) from None


@asynccontextmanager
async def open_vault(settings: Settings) -> AsyncIterator[Vault]:
    """Nothing is asked of the archive yet. Raises `BackupError`, `BackupKeyError`."""
    ring = read_keyring(settings)
    async with open_archive(settings, SystemClock()) as archive:
        yield Vault(archive, ring, settings.backup_spool)
