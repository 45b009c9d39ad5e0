"""Intake: how an upload becomes a medium.

    open        a row under quota, and a ticket to upload into the quarantine
    complete    fetched, judged by its first bytes, opened in the darkroom, kept under keys that are handed out

Owns this order, and that each step may be repeated: whoever asks again gets what came of it. Must never hand out a
byte of what a client uploaded as a picture: only what the darkroom made of it.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Final, NamedTuple, Protocol
from uuid import UUID

from muster.clock import Clock
from muster.darkroom.pool import Darkroom
from muster.depot import MEDIA, QUARANTINE, UPLOADED, Absent, Depot, Served, Ticket, TooLarge, key
from muster.errors import Refused, unavailable
from muster.ids import PersonId, Random
from muster.magic import HEAD_BYTES, sniff
from muster.media import (
    BOXED,
    SENTENCES,
    SIDES,
    Developed,
    Media,
    MediaInfo,
    Purpose,
    Refusal,
    State,
    Terms,
    Unfit,
    Upload,
    check,
    judge,
)
from muster.metrics import MediaMetrics
from muster.telemetry import get_logger
from proto.codes import Code

LEASE_MORE_S: Final = 10.0
"""A medium is one process's for this much longer than it may take."""

UNFINISHED_S: Final = 3_600
"""What is not uploaded and completed so long after its ticket ended is collected."""

_QUOTAS: Final = {
    "day_count": "that is more uploads than one person may make in a day",
    "day_bytes": "that is more bytes than one person may upload in a day",
    "total_bytes": "that is more than is kept for one person; delete something first",
}
_log = get_logger()


class Row(NamedTuple):
    """A medium as it is kept. `taken`: it is ours to process now."""

    media: UUID
    owner: PersonId
    purpose: Purpose
    state: State
    secret: str
    type: str
    name: str
    bytes: int
    info: MediaInfo
    refusal: Refusal | None
    taken: bool = False


class MediaStore(Protocol):
    """Where media are kept, but for their bytes."""

    async def open(self, wanted: Upload, secret: str, terms: Terms, wait_s: int) -> str:
        """`open`, or the name of the quota that is used up; the same id twice is one row."""
        ...

    async def row(self, owner: PersonId, media: UUID) -> Row | None: ...

    async def take(self, owner: PersonId, media: UUID, lease_s: float) -> Row | None:
        """The row; `taken` if it waited, or whoever had it is over time."""
        ...

    async def give_back(self, media: UUID) -> None:
        """It waits again."""
        ...

    async def ready(self, media: UUID, info: MediaInfo, kept_bytes: int) -> None: ...

    async def refuse(self, media: UUID, refusal: Refusal) -> None: ...


class Opened(NamedTuple):
    """What may be uploaded, and how."""

    media: UUID
    ticket: Ticket
    until_ms: int


class Tools(NamedTuple):
    """What intake works with."""

    depot: Depot
    darkroom: Darkroom
    metrics: MediaMetrics
    clock: Clock
    random: Random


class Intake:
    """Takes uploads in."""

    def __init__(self, store: MediaStore, tools: Tools, terms: Terms) -> None:
        self._store = store
        self._tools = tools
        self._terms = terms

    async def open(self, asked: Upload) -> Opened:
        """A ticket. Raises `Refused`: `limit_exceeded` for a quota, `already_done` where it was completed before."""
        wanted, terms, tools = check(asked, self._terms), self._terms, self._tools
        secret = f"{tools.random.getrandbits(128):032x}"
        answer = await self._store.open(wanted, secret, terms, terms.upload_s + UNFINISHED_S)
        if answer != "open":
            tools.metrics.refused.labels(answer).inc()
            raise Refused(Code.limit_exceeded, _QUOTAS[answer])
        row = await self._store.row(wanted.owner, wanted.media)
        if row is not None and row.state is not State.waiting:
            raise Refused(Code.already_done, "this upload was completed; ask what became of it")
        said = (wanted.purpose, wanted.type, wanted.bytes)
        if row is None or (row.purpose, row.type, row.bytes) != said:
            raise Refused(Code.conflict, "this Idempotency-Key began another upload")
        until_ms = tools.clock.now_ms() + terms.upload_s * 1_000
        ticket = await tools.depot.ticket(
            key(QUARANTINE, row.media, row.secret, UPLOADED), row.type, row.bytes, terms.upload_s
        )
        return Opened(row.media, ticket, until_ms)

    async def complete(self, owner: PersonId, media: UUID) -> Media:
        """What became of it. Raises `Refused`: `not_found`; `conflict` before it is uploaded; `unavailable`."""
        row = await self._store.take(owner, media, self._terms.within_s + LEASE_MORE_S)
        if row is None or row.state is State.gone:
            raise Refused(Code.not_found, "you have no such upload")
        if not row.taken:
            return as_seen(row)
        tools, began = self._tools, self._tools.clock.monotonic()
        settled = False
        try:
            async with asyncio.timeout(self._terms.within_s):
                row = await self._settle(row)
            settled = True
        except Absent:
            raise Refused(Code.conflict, "nothing has been uploaded yet") from None
        except TimeoutError:
            tools.metrics.unavailable.inc()
            raise unavailable("the media store") from None
        except Refused:
            tools.metrics.unavailable.inc()
            raise
        finally:
            if not settled:
                await self._store.give_back(media)
        tools.metrics.seconds.observe(tools.clock.monotonic() - began)
        return as_seen(row)

    async def _settle(self, row: Row) -> Row:
        tools = self._tools
        uploaded = key(QUARANTINE, row.media, row.secret, UPLOADED)
        try:
            with tempfile.TemporaryDirectory(prefix="muster-media-") as directory:
                info, kept = await self._process(row, uploaded, Path(directory))
            await self._store.ready(row.media, info, kept)
            tools.metrics.uploads.labels(row.purpose.value).inc()
            tools.metrics.bytes.inc(kept)
            row = row._replace(state=State.ready, info=info)
        except Unfit as unfit:
            await self._store.refuse(row.media, unfit.refusal)
            tools.metrics.refused.labels(unfit.refusal.value).inc()
            row = row._replace(state=State.refused, refusal=unfit.refusal)
        try:
            await tools.depot.remove([uploaded])
        except Refused:
            # It lies where nothing links to, and goes with its medium.
            _log.warning("an upload stays in quarantine", code=Code.unavailable.name)
        return row

    async def _process(self, row: Row, uploaded: str, directory: Path) -> tuple[MediaInfo, int]:
        """How it reads, and the bytes kept. Raises `Unfit`, `Absent`, `Refused`."""
        tools, source = self._tools, directory / "upload"
        try:
            size = await tools.depot.fetch(uploaded, source, row.bytes)
        except TooLarge:
            raise Unfit(Refusal.too_large) from None
        if not size:
            raise Unfit(Refusal.empty)
        found = sniff(await asyncio.to_thread(_head, source))
        type_ = judge(row.purpose, row.type, found)
        if type_ is None:
            developed = await tools.darkroom.develop(source, self._terms.pixels)
            await self._keep_sizes(row, developed, directory)
            return _pictured(row, developed), developed.bytes
        if found in BOXED:
            await tools.darkroom.blank(source)
        served = Served(type_, row.name)
        await tools.depot.put(key(MEDIA, row.media, row.secret, "full"), source, served)
        return MediaInfo(row.media, type_, size, row.name, duration_ms=row.info.duration_ms), size

    async def _keep_sizes(self, row: Row, developed: Developed, directory: Path) -> None:
        served = Served(developed.type)
        try:
            async with asyncio.TaskGroup() as tasks:
                for part in ("full", *map(str, SIDES)):
                    to = key(MEDIA, row.media, row.secret, part)
                    tasks.create_task(self._tools.depot.put(to, directory / part, served))
        except* Refused as refused:
            raise _first(refused) from None


def as_seen(row: Row) -> Media:
    """The row as its owner sees it."""
    return Media(
        row.media,
        row.purpose,
        row.state,
        row.info if row.state is State.ready else None,
        row.refusal,
        None if row.refusal is None else SENTENCES[row.refusal],
    )


def _pictured(row: Row, developed: Developed) -> MediaInfo:
    return MediaInfo(
        row.media,
        developed.type,
        developed.bytes,
        row.name,
        developed.width,
        developed.height,
        developed.blurhash,
    )


def _head(source: Path) -> bytes:
    with source.open("rb") as file:
        return file.read(HEAD_BYTES)


def _first(group: BaseExceptionGroup[Refused]) -> Refused:
    one = group.exceptions[0]
    return one if isinstance(one, Refused) else _first(one)
