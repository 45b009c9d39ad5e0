"""A depot in a directory of ours, for one machine: nothing else need run.

The api serves its addresses (api/store.py): `receive` takes an upload, `read` hands an object out. Owns the
directory: every file in it lies under a key that was made by muster/depot.py, and is whole: written beside and renamed.
Must never make a path of anything that is not such a key.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from muster.clock import Clock
from muster.depot import KEY, Absent, Served, Ticket, TooLarge
from muster.errors import Refused, unavailable
from muster.stores.depots.signing import Policy, Signer
from proto.codes import Code

UPLOAD_URL: Final = "/v1/store"
"""Where the api takes uploads; objects are read below it."""

WRITE_BYTES: Final = 1 << 19
"""An upload is written in pieces of this: a visit to a thread for each of its packets would cost more."""

_DIRECTORY_MODE: Final = 0o700
T = TypeVar("T")


class LocalDepot:
    """See `muster.depot.Depot`."""

    def __init__(self, directory: Path, signer: Signer, clock: Clock, cdn_url: str = "") -> None:
        """`cdn_url` stands before keys in links, where somebody caches what we hand out."""
        self._directory = directory
        self._signer = signer
        self._clock = clock
        self._reads = (cdn_url.rstrip("/") or UPLOAD_URL) + "/"

    async def ticket(self, key: str, type_: str, most_bytes: int, within_s: int) -> Ticket:
        until_ms = self._clock.now_ms() + within_s * 1_000
        return Ticket(UPLOAD_URL, self._signer.fields(Policy(key, type_, most_bytes, until_ms)))

    async def link(self, key: str, served: Served, within_s: int) -> str:
        until_ms = self._clock.now_ms() + within_s * 1_000
        return f"{self._reads}{key}?{self._signer.query(key, served, until_ms)}"

    async def fetch(self, key: str, into: Path, most_bytes: int) -> int:
        return await _on_disk(_copy, self._path(key), into, most_bytes)

    async def put(self, key: str, source: Path, served: Served) -> None:  # noqa: ARG002  # a link says it
        await _on_disk(_keep, source, self._path(key))

    async def remove(self, keys: Sequence[str]) -> None:
        await _on_disk(_remove, [self._path(key) for key in keys])

    async def ping(self) -> None:
        await _on_disk(_probe, self._directory)

    def policy(self, fields: Mapping[str, str]) -> Policy:
        """What an upload's fields allow. Raises `Refused`: `permission_denied`."""
        return self._signer.policy(fields, self._clock.now_ms())

    async def receive(self, policy: Policy, parts: AsyncIterator[bytes]) -> int:
        """Keep an upload as it comes; its size. Raises `Refused`: `too_large`, `bad_request`."""
        path = self._path(policy.key)
        beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        size, held = 0, bytearray()
        await _on_disk(path.parent.mkdir, _DIRECTORY_MODE, True, True)
        file = await _on_disk(beside.open, "xb")
        try:
            async for part in parts:
                size += len(part)
                if size > policy.most_bytes:
                    raise Refused(Code.too_large, f"at most {policy.most_bytes} bytes are taken")
                held += part
                if len(held) >= WRITE_BYTES:
                    await _on_disk(file.write, bytes(held))
                    held.clear()
            if not size:
                raise Refused(Code.bad_request, "there is nothing in the file")
            await _on_disk(file.write, bytes(held))
            await _on_disk(file.flush)
            await _on_disk(beside.rename, path)
        finally:
            file.close()
            await _on_disk(beside.unlink, True)
        return size

    def readable(self, key: str, said: Mapping[str, str]) -> tuple[Path, Served]:
        """The file of a signed address. Raises `Refused`: `permission_denied`; the file may be gone."""
        served = self._signer.served(key, said, self._clock.now_ms())
        return self._path(key), served

    def _path(self, key: str) -> Path:
        if KEY.fullmatch(key) is None:
            raise Refused(Code.not_found, "there is no such object")
        area, name = key.split("/")
        # By two digits of the id's random end: a directory of a million files is slow on some disks.
        return self._directory / area / name[30:32] / name


async def _on_disk(work: Callable[..., T], *args: Any) -> T:
    try:
        return await asyncio.to_thread(work, *args)
    except OSError as error:
        raise unavailable("the media store") from error


def _copy(source: Path, into: Path, most_bytes: int) -> int:
    try:
        size = source.stat().st_size
        if size > most_bytes:
            raise TooLarge
        shutil.copyfile(source, into)
    except FileNotFoundError:
        raise Absent from None
    return size


def _keep(source: Path, path: Path) -> None:
    path.parent.mkdir(_DIRECTORY_MODE, parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        shutil.copyfile(source, beside)
        beside.rename(path)
    finally:
        beside.unlink(missing_ok=True)


def _remove(paths: Sequence[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)


def _probe(directory: Path) -> None:
    directory.mkdir(_DIRECTORY_MODE, parents=True, exist_ok=True)
    if not os.access(directory, os.W_OK | os.X_OK):
        raise PermissionError(directory)
