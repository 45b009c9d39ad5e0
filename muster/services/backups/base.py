"""One base backup: what pg_basebackup writes, sealed as it comes, cut into pieces and put into the archive.

It holds the log that was written meanwhile, so it can be brought back by itself. Nothing plain touches a disk but
within Postgres. Owns the order: pieces, keys, and the label last, for a base without one is none.
"""

from __future__ import annotations

import asyncio
import io
import re
import secrets
import tarfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import asyncpg
import msgspec

from muster.archive import PIECE_BYTES, base_name
from muster.backups import BackupError, Label
from muster.config import Settings
from muster.keys import NEXT, SIGNING
from muster.rotation import RETIRED
from muster.services.backups.manifest import CHECKSUMS
from muster.services.backups.programs import connection, program
from muster.services.backups.vault import READ_BYTES, Vault, stream_name
from muster.services.unprivileged import leashed
from muster.stores.postgres.backups import APPLICATION, Server, read_server

STALLED_S: Final = 600.0
"""A server that sends nothing for so long is given up."""

CONNECT_WITHIN_S: Final = 10.0
_POINT: Final = re.compile(r"write-ahead log (start|end) point: ([0-9A-F]+)/([0-9A-F]+)")
_SAID_BYTES: Final = 1 << 16


class _Written(NamedTuple):
    pieces: int
    bytes: int


async def take_base(settings: Settings, vault: Vault) -> Label:
    """Take one now. Raises `BackupError`, `Refused`, and what asyncpg raises."""
    before = await _server(settings.database_url)
    at = datetime.fromtimestamp(before.now_ms / 1_000, UTC)
    base = f"{at:%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
    written, points = await _stream(settings, vault, stream_name(before.system, base), base, before)
    if settings.backup_signing_keys:
        name = base_name(before.system, base, "keys")
        await vault.put(name, await asyncio.to_thread(_keys, settings.keys_path))
    after = await _server(settings.database_url)
    if after.timeline != before.timeline:
        raise BackupError("Postgres failed over meanwhile")
    label = Label(
        id=base,
        system=before.system,
        began_ms=before.now_ms,
        ended_ms=after.now_ms,
        timeline=before.timeline,
        start=points["start"],
        end=points["end"],
        segment_bytes=before.segment_bytes,
        server_version=before.version,
        role=before.role,
        database=before.database,
        pieces=written.pieces,
        bytes=written.bytes,
        keys=settings.backup_signing_keys,
    )
    await vault.put(base_name(label.system, base, "label"), msgspec.json.encode(label))
    return label


async def _server(url: str) -> Server:
    database = await asyncpg.connect(
        url,
        timeout=CONNECT_WITHIN_S,
        command_timeout=CONNECT_WITHIN_S,
        statement_cache_size=0,
        server_settings={"application_name": f"{APPLICATION}-asking"},
    )
    try:
        return await read_server(database)
    finally:
        await database.close(timeout=CONNECT_WITHIN_S)


async def _stream(
    settings: Settings, vault: Vault, stream: str, base: str, server: Server
) -> tuple[_Written, dict[str, int]]:
    dsn, environment = connection(settings.database_url, APPLICATION + "-base")
    argv = (
        program(settings, "pg_basebackup"), "--pgdata=-", "--format=tar", "--wal-method=fetch",
        "--checkpoint=fast", f"--manifest-checksums={CHECKSUMS}", "--verbose", "--no-password",
        f"--label=muster {base}", f"--dbname={dsn}",
    )  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        *leashed(argv), env=environment, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, limit=READ_BYTES
    )
    assert process.stderr is not None, "it was asked for"
    try:
        said, written = await asyncio.gather(
            _said(process.stderr),  # ends with the process, whatever becomes of the other
            _put(process, vault, stream, lambda n: base_name(server.system, base, n)),
        )
        code = await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
        await _drained(process)
    points = {
        which: (int(high, 16) << 32) + int(low, 16) for which, high, low in _POINT.findall(said)
    }
    if code != 0 or points.keys() != {"start", "end"}:
        last = said.strip().splitlines()[-1:] or ["it said nothing"]
        raise BackupError(f"pg_basebackup failed: {last[0]}")
    return written, points


async def _drained(process: Process) -> None:
    """It has ended, and nothing it wrote waits for a reader: `wait` alone returns only then."""
    assert process.stdout is not None, "it was asked for"
    while await process.stdout.read(READ_BYTES):
        pass
    await process.wait()


async def _said(stream: asyncio.StreamReader) -> str:
    """The end of what a program says, however much that is."""
    said = b""
    while part := await stream.read(READ_BYTES):
        said = (said + part)[-_SAID_BYTES:]
    return said.decode(errors="replace")


async def _put(
    process: Process, vault: Vault, stream: str, name_of: Callable[[str], str]
) -> _Written:
    assert process.stdout is not None, "it was asked for"
    sealing = vault.sealing(stream)
    number, total, ended = 0, 0, False
    while not ended:
        with vault.scratch() as file:
            size = 0
            piece = await asyncio.to_thread(file.open, "wb")
            try:
                while size < PIECE_BYTES and not ended:
                    async with asyncio.timeout(STALLED_S):
                        part = await process.stdout.read(READ_BYTES)
                    ended = not part
                    done = sealing.finish if ended else partial(sealing.feed, part)
                    ready = await asyncio.to_thread(done)
                    await asyncio.to_thread(piece.write, ready)
                    size += len(ready)
            finally:
                await asyncio.to_thread(piece.close)
            await vault.put_sealed(name_of(f"{number:06d}"), file)
        number, total = number + 1, total + size
    return _Written(number, total)


def _keys(directory: Path) -> bytes:
    """The signing keys and what belongs to them, as a tar. Never the master key beside them."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for file in sorted(directory.iterdir()):
            if file.suffix in (SIGNING, NEXT, RETIRED):
                tar.add(file, file.name)
    return packed.getvalue()
