"""The depot: where the bytes of media lie. The contract, in prose, between the api and any S3 or a directory of ours.

    ticket    what a client needs to upload one object straight into the depot: an address and form fields
    fetch     an object -> a file on this machine
    put       a file on this machine -> an object
    remove    objects that are there go, others are no error
    link      an address that reads one object, for a while, as this type and under this name
    ping      is it there, and may we write

Keys are made here and nowhere else, of an area, a media id, a secret and a size: no part of one is ever a client's
words. What a client uploads lies in `quarantine`, and nothing links there; what was checked lies in `media`.
Owns these promises. Every call ends within a deadline of its own or raises `Refused`: `unavailable`. Must never hold
an object in memory as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple, Protocol
from urllib.parse import quote
from uuid import UUID

QUARANTINE: Final = "quarantine"
MEDIA: Final = "media"
UPLOADED: Final = "upload"
ARCHIVE: Final = "archive"
KEY: Final = re.compile(
    r"(quarantine|media)/[0-9a-f]{32}-[0-9a-f]{32}-(upload|full|512|96|archive)"
)
"""Every key there is."""

OCTETS: Final = "application/octet-stream"


class Absent(Exception):
    """There is no such object."""


class TooLarge(Exception):
    """The object is larger than was asked for."""


class Ticket(NamedTuple):
    """A POST of multipart/form-data: these fields first, then the bytes as `file`."""

    url: str
    fields: Mapping[str, str]


class Served(NamedTuple):
    """How an object is handed out. With a `name` it is to be saved, not shown."""

    type: str
    name: str | None = None


class Depot(Protocol):
    """See the module."""

    async def ticket(self, key: str, type_: str, most_bytes: int, within_s: int) -> Ticket:
        """An upload of 1 to `most_bytes` of this type under this key, begun within so many seconds."""
        ...

    async def fetch(self, key: str, into: Path, most_bytes: int) -> int:
        """Its size. Raises `Absent`, `TooLarge`."""
        ...

    async def put(self, key: str, source: Path, served: Served) -> None:
        """Keep the file under this key, in place of what was there."""
        ...

    async def remove(self, keys: Sequence[str]) -> None: ...

    async def link(self, key: str, served: Served, within_s: int) -> str:
        """An address; one without a host is the api's own."""
        ...

    async def ping(self) -> None:
        """Raises `Refused`: `unavailable`."""
        ...


def key(area: str, media: UUID, secret: str, part: str) -> str:
    """The key of one object of a medium."""
    return f"{area}/{media.hex}-{secret}-{part}"


def keys_of(media: UUID, secret: str) -> list[str]:
    """Every key a medium may have."""
    return [
        key(QUARANTINE, media, secret, UPLOADED),
        *(key(MEDIA, media, secret, part) for part in ("full", "512", "96")),
    ]


def archive_key(export: UUID, secret: str) -> str:
    """Where the copy lies that somebody asked for of what is kept of them."""
    return key(MEDIA, export, secret, ARCHIVE)


def disposition(served: Served) -> str:
    """The Content-Disposition of what is handed out (RFC 6266); no byte of a name is special in it."""
    if served.name is None:
        return "inline"
    encoded = quote(served.name.encode("utf-8", "replace"), safe="")
    return f"attachment; filename*=UTF-8''{encoded}" if encoded else "attachment"
