"""A vault: an archive and the keys together. What goes in is sealed on the way, what comes out is whole.

Owns the scratch files in between. An archive that is away is asked again a few times, with pauses; then it is
`Refused`. Must never leave anything plain in the archive, or anything in the scratch directory.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from muster.archive import Archive, Kept, base_name
from muster.backoff import pause_s
from muster.backup_key import Keyring
from muster.backups import BackupError, Holding, Label
from muster.depot import Absent
from muster.errors import Refused
from muster.sealed_stream import SALT_BYTES, Damaged, Opening, Sealing, opened, sealed

READ_BYTES: Final = 1 << 20
_TRIES: Final = 4
_FIRST_S: Final = 0.5
_MOST_S: Final = 10.0
T = TypeVar("T")


class Vault:
    """See the module. `scratch` is a directory of ours on this machine."""

    def __init__(self, archive: Archive, ring: Keyring, scratch: Path) -> None:
        self._archive = archive
        self._ring = ring
        self._scratch = scratch
        self._rng = random.Random()  # noqa: S311  # spreads tries, hides nothing
        self._labels: dict[str, Label] = {}

    def sealing(self, name: str) -> Sealing:
        """A stream to be put in pieces by `put_sealed`."""
        return Sealing(self._ring, name, secrets.token_bytes(SALT_BYTES))

    async def put(self, name: str, plain: bytes) -> int:
        """Keep these bytes; how many they are sealed."""
        whole = await asyncio.to_thread(
            sealed, self._ring, name, secrets.token_bytes(SALT_BYTES), plain
        )
        with self.scratch() as file:
            await asyncio.to_thread(file.write_bytes, whole)
            await self.put_sealed(name, file)
        return len(whole)

    async def put_sealed(self, name: str, file: Path) -> None:
        """Keep a file that is sealed already."""
        await self._tried(lambda: self._archive.put(name, file))

    async def get(self, name: str) -> bytes:
        """What was put. Raises `Damaged`, `Absent`."""
        with self.scratch() as file:
            await self._tried(lambda: self._archive.fetch(name, file))
            return await asyncio.to_thread(lambda: opened(self._ring, name, file.read_bytes()))

    async def base(self, label: Label) -> AsyncIterator[bytes]:
        """The tar of a base, as it comes. Raises `Damaged`; until the end is reached nobody knows that it is whole."""
        opening = Opening(self._ring, stream_name(label.system, label.id))
        for number in range(label.pieces):
            name = base_name(label.system, label.id, f"{number:06d}")
            with self.scratch() as file:
                try:
                    await self._tried(partial(self._archive.fetch, name, file))
                except Absent:
                    raise Damaged(f"{name} is not there") from None
                stream = await asyncio.to_thread(file.open, "rb")
                try:
                    while part := await asyncio.to_thread(stream.read, READ_BYTES):
                        if plain := await asyncio.to_thread(opening.feed, part):
                            yield plain
                finally:
                    stream.close()
        yield await asyncio.to_thread(opening.finish)

    async def kept(self, beginning: str = "") -> list[Kept]:
        """Every object there is, or those of a beginning."""
        return await self._tried(lambda: self._archive.kept(beginning))

    async def remove(self, names: list[str]) -> None:
        """In this order."""
        await self._tried(lambda: self._archive.remove(names))

    async def holdings(self) -> list[Holding]:
        """What is there of each server. Raises `Damaged` where a label does not open."""
        objects: dict[str, list[Kept]] = {}
        for kept in await self.kept():
            objects.setdefault(kept.name.split("/", 1)[0], []).append(kept)
        return [
            Holding(system, await self._read_labels(found), found)
            for system, found in sorted(objects.items())
        ]

    async def holding(self, system: str = "") -> Holding:
        """That of one server. Raises `BackupError` if there is none, or no telling which."""
        found = [one for one in await self.holdings() if system in ("", one.system) and one.labels]
        if not found:
            raise BackupError("there is no finished base backup")
        if len(found) > 1:
            raise BackupError(
                "backups of several servers lie here; name one by --of: "
                + ", ".join(one.system for one in found)
            )
        return found[0]

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """The name of a file that is gone afterwards."""
        self._scratch.mkdir(0o700, parents=True, exist_ok=True)
        file = self._scratch / f"scratch.{secrets.token_hex(8)}"
        file.touch(0o600)
        try:
            yield file
        finally:
            file.unlink(missing_ok=True)

    async def _read_labels(self, objects: list[Kept]) -> list[Label]:
        labels = []
        for kept in objects:
            if not kept.name.endswith("/label"):
                continue
            if kept.name not in self._labels:
                try:
                    text = await self.get(kept.name)
                except Absent:  # pruned meanwhile
                    continue
                self._labels[kept.name] = msgspec.json.decode(text, type=Label)
            labels.append(self._labels[kept.name])
        return sorted(labels, key=lambda label: label.ended_ms)

    async def _tried(self, ask: Callable[[], Awaitable[T]]) -> T:
        for attempt in range(1, _TRIES):
            try:
                return await ask()
            except Refused:
                await asyncio.sleep(pause_s(attempt, self._rng, first_s=_FIRST_S, most_s=_MOST_S))
        return await ask()


def stream_name(system: str, base: str) -> str:
    """What the stream of a base is bound to: one for all its pieces."""
    return base_name(system, base, "pieces")
