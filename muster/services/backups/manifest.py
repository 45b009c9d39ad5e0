"""Holding an unpacked base to the manifest that Postgres wrote while it sent it: every file, its size, its SHA-256.

What pg_verifybackup does but for reading the log, which Postgres itself does at once when the base is brought back.
Done here because that of the embedded Postgres crashes. Owns reading the manifest. Must never change a file.
"""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from muster.backups import BackupError

CHECKSUMS: Final = "SHA256"
_NAME: Final = "backup_manifest"
_NOT_LISTED: Final = frozenset({_NAME, "postgresql.auto.conf", "recovery.signal", "standby.signal"})
_NOT_LISTED_BELOW: Final = "pg_wal"


class _File(Struct, rename={"path": "Path", "encoded": "Encoded-Path", "size": "Size",
                            "algorithm": "Checksum-Algorithm", "checksum": "Checksum"}):  # fmt: skip
    size: int
    path: str = ""
    encoded: str = ""
    algorithm: str = ""
    checksum: str = ""


class _Manifest(
    Struct,
    rename={"files": "Files", "checksum": "Manifest-Checksum", "system": "System-Identifier"},
):
    files: list[_File]
    checksum: str
    system: int = 0


async def verify(cluster: Path) -> int:
    """How many files are as the manifest says. Raises `BackupError` at the first that is not."""
    return await asyncio.to_thread(_verify, cluster)


def _verify(cluster: Path) -> int:
    manifest = _read(cluster / _NAME)
    listed = set()
    for file in manifest.files:
        name = file.path or bytes.fromhex(file.encoded).decode(errors="surrogateescape")
        listed.add(name)
        _compare(cluster / name, name, file)
    there = (path.relative_to(cluster) for path in cluster.rglob("*") if not path.is_dir())
    for path in there:
        known = path.as_posix() in listed or path.as_posix() in _NOT_LISTED
        if not known and path.parts[0] != _NOT_LISTED_BELOW:
            raise BackupError(f"the base backup has a file that its manifest does not name: {path}")
    return len(listed)


def _read(path: Path) -> _Manifest:
    try:
        text = path.read_bytes()
        manifest = msgspec.json.decode(text, type=_Manifest)
        # Its own checksum is of all lines before the one that tells it.
        before = text[: text.rindex(b"\n", 0, len(text) - 1) + 1]
    except (OSError, ValueError, msgspec.DecodeError):
        raise BackupError("the base backup has no manifest that can be read") from None
    if hashlib.sha256(before).hexdigest() != manifest.checksum:
        raise BackupError("the manifest of the base backup is damaged")
    return manifest


def _compare(path: Path, name: str, file: _File) -> None:
    try:
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
            size = stream.tell()
    except OSError:
        raise BackupError(f"the base backup lacks {name}") from None
    if file.algorithm != CHECKSUMS or (size, found) != (file.size, file.checksum):
        raise BackupError(f"the base backup is not what its manifest says: {name}")
