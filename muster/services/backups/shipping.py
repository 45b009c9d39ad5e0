"""What was received of the log, put into the archive: files that are full once, the one being written whenever it grew.

The full one replaces the one that was partial. The newest full file stays here as well: by it the receiver knows where
to go on. Owns the directory of received files. Must never replace a full file in the archive by another: two servers
that write to one archive under one name would spoil both.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Final

from muster.archive import wal_name
from muster.backups import BackupError
from muster.services.backups.vault import Vault

_PARTIAL: Final = ".partial"
_FULL_NAME: Final = 24
_HISTORY: Final = ".history"


class Shipper:
    """One server's log, from this directory."""

    def __init__(self, vault: Vault, system: str, directory: Path) -> None:
        self._vault = vault
        self._system = system
        self._directory = directory
        self._there: set[str] | None = None
        self._shipped: dict[str, tuple[int, int]] = {}

    async def ship(self) -> int:
        """Put what is new; how many files. Raises `BackupError`, `Refused`, `OSError`."""
        if self._there is None:
            kept = await self._vault.kept(wal_name(self._system, ""))
            self._there = {one.name.rsplit("/", 1)[1] for one in kept}
        count = 0
        if not self._directory.is_dir():  # nothing was received yet
            return 0
        files = sorted(await asyncio.to_thread(lambda: list(self._directory.iterdir())))
        full = [file for file in files if len(file.name) == _FULL_NAME or file.suffix == _HISTORY]
        for file in full:
            count += await self._full(file, self._there)
        for file in files:
            if file.suffix == _PARTIAL:
                count += await self._growing(file, self._there)
        newest = max((file.name for file in full if file.suffix != _HISTORY), default="")
        for file in full:
            if file.name < newest and file.suffix != _HISTORY:
                await asyncio.to_thread(file.unlink)
                self._shipped.pop(file.name, None)
        return count

    async def _full(self, file: Path, there: set[str]) -> bool:
        if file.name in self._shipped:
            return False
        plain = await asyncio.to_thread(file.read_bytes)
        name = wal_name(self._system, file.name)
        if file.name not in there:
            await self._vault.put(name, plain)
            there.add(file.name)
        elif await self._vault.get(name) != plain:
            raise BackupError(
                f"{file.name} is in the archive already, with other contents: another server of the same origin writes"
                " there. Give each an archive of its own."
            )
        self._shipped[file.name] = (0, 0)
        self._shipped.pop(file.name + _PARTIAL, None)
        if file.name + _PARTIAL in there:
            await self._vault.remove([name + _PARTIAL])
            there.discard(file.name + _PARTIAL)
        return True

    async def _growing(self, file: Path, there: set[str]) -> bool:
        try:
            state = await asyncio.to_thread(file.stat)
            grown = (state.st_mtime_ns, state.st_size)
            if self._shipped.get(file.name) == grown:
                return False
            plain = await asyncio.to_thread(file.read_bytes)
        except FileNotFoundError:  # it became full meanwhile: next time
            return False
        await self._vault.put(wal_name(self._system, file.name), plain)
        there.add(file.name)
        self._shipped[file.name] = grown
        return True
