"""The archive: where backups lie. The contract between what makes them and a directory or any S3.

    put      a file on this machine -> an object, whole and lasting once this returns, in place of what was there
    fetch    an object -> a file on this machine
    kept     every object there is, or those of a beginning
    remove   objects that are there go, others are no error

What lies there is sealed (muster/sealed_stream.py): an archive is trusted with keeping, not with reading or changing.
Owns these promises and every object's name. Every call ends within a deadline of its own or raises `Refused`:
`unavailable`. Must never hold an object in memory as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple, Protocol

PIECE_BYTES: Final = 32 << 20
"""A base backup is cut into objects of this: each can be moved within a deadline, and tried again by itself."""

NAME: Final = re.compile(
    r"[0-9]{1,20}/(base/[0-9TZ]{16}-[0-9a-f]{8}/([0-9]{6}|label|keys)|wal/[0-9A-F]{8}([0-9A-F]{16}(\.partial)?|\.history))"
)
"""Every name there is. A server's objects lie below its system identifier: what two servers wrote is never mixed."""


class Kept(NamedTuple):
    """An object: its size and, in Unix milliseconds, when it was put."""

    name: str
    bytes: int
    at_ms: int


class Archive(Protocol):
    """See the module."""

    async def put(self, name: str, source: Path) -> None: ...

    async def fetch(self, name: str, into: Path) -> int:
        """Its size. Raises `muster.depot.Absent`."""
        ...

    async def kept(self, beginning: str = "") -> list[Kept]:
        """In the order of names."""
        ...

    async def remove(self, names: Sequence[str]) -> None: ...


def base_name(system: str, base: str, part: str) -> str:
    """A part of a base backup: `label`, `keys`, or the number of a piece in six digits."""
    return f"{system}/base/{base}/{part}"


def wal_name(system: str, file: str) -> str:
    """A file of the write-ahead log, as Postgres names it."""
    return f"{system}/wal/{file}"
