"""An archive in a bucket of any S3, by the depot that keeps media there: one driver, one set of deadlines.

Owns nothing but the translation. Must never put an object under a name that is not one of muster/archive.py.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from muster.archive import NAME, PIECE_BYTES, Kept
from muster.clock import Clock
from muster.config import Settings
from muster.depot import OCTETS, Served
from muster.errors import Refused
from muster.sealed_stream import CHUNK_BYTES
from muster.stores.depots.s3 import S3Depot, open_s3
from proto.codes import Code

_MOST_BYTES: Final = PIECE_BYTES + 2 * CHUNK_BYTES
_SERVED: Final = Served(OCTETS, "backup")


class S3Archive:
    """See `muster.archive.Archive`."""

    def __init__(self, depot: S3Depot) -> None:
        self._depot = depot

    async def put(self, name: str, source: Path) -> None:
        if NAME.fullmatch(name) is None:
            raise Refused(Code.not_found, "there is no such object")
        with _named():
            await self._depot.put(name, source, _SERVED)

    async def fetch(self, name: str, into: Path) -> int:
        with _named():
            return await self._depot.fetch(name, into, _MOST_BYTES)

    async def kept(self, beginning: str = "") -> list[Kept]:
        with _named():
            found = [Kept(*one) for one in await self._depot.listed(beginning)]
        return sorted(one for one in found if NAME.fullmatch(one.name))

    async def remove(self, names: Sequence[str]) -> None:
        for name in names:  # each with a deadline of its own: there may be thousands
            with _named():
                await self._depot.remove([name])


@contextmanager
def _named() -> Iterator[None]:
    """It is not the media store that is away."""
    try:
        yield
    except Refused as refused:
        raise Refused(refused.code, "the bucket of backups does not answer just now") from None


@asynccontextmanager
async def open_s3_archive(settings: Settings, clock: Clock) -> AsyncIterator[S3Archive]:
    """The bucket of these settings; nothing is asked of it yet."""
    backups = replace(
        settings,
        media_s3_bucket=settings.backup_s3_bucket,
        media_s3_url=settings.backup_s3_url,
        media_s3_region=settings.backup_s3_region,
        media_s3_path_style=settings.backup_s3_path_style,
        media_s3_key=settings.backup_s3_key,
        media_s3_secret=settings.backup_s3_secret,
        media_cdn_url="",
    )
    async with open_s3(backups, clock) as depot:
        yield S3Archive(depot)
