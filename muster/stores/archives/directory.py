"""An archive in a directory.

Owns it: every file in it lies under a name of muster/archive.py, and is whole and on the disk: written beside, synced
and renamed. Must never make a path of anything that is not such a name.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from muster.archive import NAME, Kept
from muster.depot import Absent
from muster.errors import Refused
from proto.codes import Code

_DIRECTORY_MODE: Final = 0o700
_FILE_MODE: Final = 0o600
_WITHIN_S: Final = 120.0  # a mount that hangs must not hang us
T = TypeVar("T")


class DirectoryArchive:
    """See `muster.archive.Archive`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def put(self, name: str, source: Path) -> None:
        await _on_disk(_keep, source, self._path(name))

    async def fetch(self, name: str, into: Path) -> int:
        return await _on_disk(_copy, self._path(name), into)

    async def kept(self, beginning: str = "") -> list[Kept]:
        return await _on_disk(_list, self._directory, beginning)

    async def remove(self, names: Sequence[str]) -> None:
        await _on_disk(_remove, [self._path(name) for name in names])

    def _path(self, name: str) -> Path:
        if NAME.fullmatch(name) is None:
            raise Refused(Code.not_found, "there is no such object")
        return self._directory / name


async def _on_disk(work: Callable[..., T], *args: Any) -> T:
    try:
        async with asyncio.timeout(_WITHIN_S):
            return await asyncio.to_thread(work, *args)
    except (OSError, TimeoutError) as error:
        raise Refused(
            Code.unavailable, "the directory of backups does not answer just now"
        ) from error


def _keep(source: Path, path: Path) -> None:
    _make(path.parent)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with source.open("rb") as whole, beside.open("xb") as copy:
            os.fchmod(copy.fileno(), _FILE_MODE)
            shutil.copyfileobj(whole, copy, 1 << 20)
            copy.flush()
            os.fsync(copy.fileno())
        beside.rename(path)
        _sync(path.parent)
    finally:
        beside.unlink(missing_ok=True)


def _make(directory: Path) -> None:
    """And those above it: a mode given to `mkdir` is for the last alone."""
    if not directory.is_dir():
        _make(directory.parent)
        directory.mkdir(_DIRECTORY_MODE, exist_ok=True)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _copy(path: Path, into: Path) -> int:
    try:
        shutil.copyfile(path, into)
    except FileNotFoundError:
        raise Absent from None
    return into.stat().st_size


def _list(directory: Path, beginning: str) -> list[Kept]:
    found = []
    for path in directory.glob("*/*/**/*"):
        name = path.relative_to(directory).as_posix()
        if not (name.startswith(beginning) and NAME.fullmatch(name)):
            continue
        try:
            state = path.stat()
        except FileNotFoundError:  # pruned meanwhile
            continue
        found.append(Kept(name, state.st_size, state.st_mtime_ns // 1_000_000))
    return sorted(found)


def _remove(paths: Sequence[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
    for directory in {path.parent for path in paths}:
        if directory.is_dir() and not any(directory.iterdir()):
            directory.rmdir()
