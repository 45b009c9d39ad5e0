"""A copy that is written as its parts come: a zip on disk.

Owns that nothing of it is in memory but the piece at hand, and that disk and compression wait in a thread. Must never
know what is written.
"""

from __future__ import annotations

import asyncio
import zipfile
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Final

_MODE: Final = 0o600


class Member:
    """A file in an archive, being written."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    async def write(self, piece: bytes) -> None:
        """The next piece."""
        await asyncio.to_thread(self._stream.write, piece)


class Zipped:
    """One zip; one member is written at a time."""

    def __init__(self, zipped: zipfile.ZipFile) -> None:
        self._zip = zipped

    @classmethod
    @asynccontextmanager
    async def new(cls, path: Path) -> AsyncIterator[Zipped]:
        """Made anew, readable for its owner alone; whole once this is left. Raises `OSError`."""
        await asyncio.to_thread(path.touch, _MODE)
        zipped = await asyncio.to_thread(zipfile.ZipFile, path, "w", zipfile.ZIP_DEFLATED)
        try:
            yield cls(zipped)
        finally:
            await asyncio.to_thread(zipped.close)

    @asynccontextmanager
    async def member(self, name: str) -> AsyncIterator[Member]:
        """A file that is written piece by piece."""
        stream = await asyncio.to_thread(self._zip.open, name, "w", force_zip64=True)
        try:
            yield Member(stream)
        finally:
            await asyncio.to_thread(stream.close)

    async def file(self, name: str, pieces: Iterable[bytes]) -> None:
        """A small file at once."""
        async with self.member(name) as member:
            for piece in pieces:
                await member.write(piece)

    async def add(self, name: str, source: Path) -> None:
        """A file as it lies on disk; not compressed, for media are."""
        await asyncio.to_thread(self._zip.write, source, name, zipfile.ZIP_STORED)
