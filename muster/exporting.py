"""Exporting: a copy of everything that is kept of somebody, for them to take away.

    ask      a row, one at a time and so many a day
    make     any api process leases it, writes an archive beside, a page of rows in memory at once, and puts it into
             the depot; whoever dies over it lets the lease run out, and another begins anew
    fetch    an address for a few minutes, as with other media; after some days the bytes go

The archive is a zip: a README, per table a file of JSON lines, and what they uploaded. What a copy holds, the rules say
(muster/holdings.py). Owns when copies are made, how often one is tried, and when it is over. Must never hold more than
a page of rows or a piece of a file in memory, and never copy what opens something.
"""

from __future__ import annotations

import asyncio
import mimetypes
import random
import secrets
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple, NoReturn, Protocol
from uuid import UUID

from msgspec import Struct

from muster.clock import Clock
from muster.depot import MEDIA, Absent, Depot, Served, TooLarge, archive_key, key
from muster.errors import Refused
from muster.held_rows import ROWS
from muster.holdings import Find, Table
from muster.ids import PersonId, Random, uuid7
from muster.metrics import PrivacyMetrics
from muster.telemetry import get_logger
from muster.zipped import Zipped
from proto.codes import Code

LEASE_S: Final = 120.0
"""Longer than the longest step of making one: an object of 100 MB from a slow depot."""

EVERY_S: Final = 5.0
ATTEMPTS_MOST: Final = 5
EXPIRED_MOST: Final = 50
OBJECT_BYTES_MOST: Final = 1 << 30
_SERVED: Final = Served("application/zip", "muster-copy.zip")
_log = get_logger()

README: Final = """\
What this service keeps of you
==============================

Made at {at} (UTC) for {person}.

Each file in `data` is one table: a line of JSON per row that is yours. Times are in UTC, ids are the ones that the
service uses. What you wrote is in `data/entries.jsonl`; who else wrote is not in it, for that is theirs. In `media` is
what you uploaded, by the id that `data/media.jsonl` gives it.

Not in it is what opens your account (passwords, tokens, secrets, of which only hashes or seals are kept), and:

{left_out}
"""


class Export(Struct, frozen=True, gc=False):
    """A copy: `waiting` until it is made, `ready` until `expires_at_ms`, then `gone`; `failed`: ask again.

    `url`: where it is downloaded, for a few minutes; ask again for another. Without a host it is the api's own.
    """

    id: UUID
    state: str
    asked_at_ms: int
    ready_at_ms: int | None = None
    expires_at_ms: int | None = None
    bytes: int = 0
    url: str | None = None


class Kept(NamedTuple):
    """A copy as it is kept."""

    export: Export
    secret: str


class Taken(NamedTuple):
    """A copy that is ours to make."""

    id: UUID
    person: PersonId
    secret: str
    attempts: int


class Medium(NamedTuple):
    """Something somebody uploaded."""

    id: UUID
    secret: str
    type: str


class ExportStore(Protocol):
    """Where copies are noted. All raise `Refused`: `unavailable`."""

    async def ask(self, export: UUID, person: PersonId, secret: str, most: int) -> str:
        """ok, busy or often."""
        ...

    async def of_person(self, person: PersonId) -> list[Kept]:
        """The newest first."""
        ...

    async def take(self, lease: UUID, lease_s: float) -> Taken | None: ...

    async def keep(self, export: UUID, lease: UUID, lease_s: float) -> bool:
        """Still at it; false: it is somebody else's now, or nobody's."""
        ...

    async def ready(self, export: UUID, lease: UUID, size: int, days: float) -> bool: ...

    async def failed(self, export: UUID, lease: UUID) -> None: ...

    async def expired(self, most: int) -> list[tuple[UUID, str]]: ...

    async def gone(self, exports: Sequence[UUID]) -> None: ...


class HeldReader(Protocol):
    """What is kept of somebody."""

    def rows(self, rule: Table, person: PersonId) -> AsyncIterator[list[bytes]]:
        """Pages of JSON lines."""
        ...

    def media(self, person: PersonId) -> AsyncIterator[list[Medium]]:
        """Pages of what is ready."""
        ...


class Terms(NamedTuple):
    """The settings: how many a day, how long a copy stays, how long an address is good."""

    per_day: int
    days: float
    link_s: int


class Lost(Exception):
    """Somebody else is at it, or its person is no more."""


class Exports:
    """Asks for copies, and hands them out."""

    def __init__(
        self, store: ExportStore, depot: Depot, terms: Terms, clock: Clock, rng: Random
    ) -> None:
        self._store = store
        self._depot = depot
        self._terms = terms
        self._clock = clock
        self._random = rng

    async def ask(self, person: PersonId) -> Export:
        """A copy is to be made. Raises `Refused`: `conflict`, `limit_exceeded`."""
        export = uuid7(self._clock.now_ms(), self._random)
        secret = f"{self._random.getrandbits(128):032x}"
        match await self._store.ask(export, person, secret, self._terms.per_day):
            case "busy":
                raise Refused(Code.conflict, "a copy is being made; GET /v1/me/exports says when")
            case "often":
                raise Refused(
                    Code.limit_exceeded, f"at most {self._terms.per_day} copies are made in a day"
                )
        return Export(export, "waiting", self._clock.now_ms())

    async def of_person(self, person: PersonId) -> list[Export]:
        """Somebody's copies, the newest first, with addresses of those that are there."""
        listed = []
        for export, secret in await self._store.of_person(person):
            if export.state == "ready":
                place = archive_key(export.id, secret)
                url = await self._depot.link(place, _SERVED, self._terms.link_s)
                listed.append(Export(*_facts(export), url))
            else:
                listed.append(export)
        return listed


class Exporter:
    """Makes copies, one at a time, until cancelled."""

    def __init__(
        self,
        store: ExportStore,
        reader: HeldReader,
        depot: Depot,
        terms: Terms,
        clock: Clock,
        metrics: PrivacyMetrics,
    ) -> None:
        self._store = store
        self._reader = reader
        self._depot = depot
        self._days = terms.days
        self._clock = clock
        self._metrics = metrics

    async def run(self, rng: random.Random) -> NoReturn:
        """Look about every `EVERY_S`. What is away is asked again."""
        while True:
            await asyncio.sleep(EVERY_S * (0.75 + rng.random() / 2))
            try:
                while await self.round():
                    pass
            except Refused as refused:
                _log.warning("no copy made", code=refused.code.name)

    async def round(self) -> bool:
        """Make one copy if one waits, and remove those that are over; whether one waited."""
        for export, secret in (over := await self._store.expired(EXPIRED_MOST)):
            await self._depot.remove([archive_key(export, secret)])
            self._metrics.exports.labels("gone").inc()
        if over:
            await self._store.gone([export for export, _ in over])
        lease = UUID(int=secrets.randbits(128))
        taken = await self._store.take(lease, LEASE_S)
        if taken is None:
            return False
        if taken.attempts > ATTEMPTS_MOST:
            await self._store.failed(taken.id, lease)
            self._metrics.exports.labels("failed").inc()
            return True
        try:
            await self._make(taken, lease)
        except Lost:
            _log.info("copy given up")
        except Refused:
            raise
        except Exception as fault:  # noqa: BLE001  # a full disk, or a bug of ours: tried again when the lease is over
            _log.error("copy failed", exc_info=fault)
        return True

    async def _make(self, taken: Taken, lease: UUID) -> None:
        place = archive_key(taken.id, taken.secret)
        with TemporaryDirectory(prefix="muster-copy-") as directory:
            path = Path(directory) / "copy.zip"
            async with Zipped.new(path) as archive:
                await archive.file("README.txt", [self._readme(taken.person)])
                for rule in ROWS:
                    if rule.find is not Find.none:
                        await self._table(archive, rule, taken, lease)
                await self._media(archive, Path(directory), taken, lease)
            size = (await asyncio.to_thread(path.stat)).st_size
            await self._put(place, path, taken, lease)
        if await self._store.ready(taken.id, lease, size, self._days):
            self._metrics.exports.labels("ready").inc()
            return
        await self._depot.remove([place])
        raise Lost

    async def _put(self, place: str, path: Path, taken: Taken, lease: UUID) -> None:
        """An archive of gigabytes takes longer than a lease: it stays ours meanwhile, or is given up."""
        try:
            async with asyncio.TaskGroup() as tasks:
                keeping = tasks.create_task(self._keep(taken, lease))
                await self._depot.put(place, path, _SERVED)
                keeping.cancel()
        except ExceptionGroup as faults:  # of one of the two: it ended the other
            raise faults.exceptions[0] from None

    async def _keep(self, taken: Taken, lease: UUID) -> NoReturn:
        while True:
            await asyncio.sleep(LEASE_S / 4)
            await self._still_ours(taken, lease)

    async def _table(self, archive: Zipped, rule: Table, taken: Taken, lease: UUID) -> None:
        async with archive.member(f"data/{rule.name}.jsonl") as member:
            async for lines in self._reader.rows(rule, taken.person):
                await member.write(b"".join(line + b"\n" for line in lines))
                await self._still_ours(taken, lease)

    async def _media(self, archive: Zipped, beside: Path, taken: Taken, lease: UUID) -> None:
        async for page in self._reader.media(taken.person):
            for medium in page:
                await self._still_ours(taken, lease)
                copy = beside / "medium"
                try:
                    place = key(MEDIA, medium.id, medium.secret, "full")
                    await self._depot.fetch(place, copy, OBJECT_BYTES_MOST)
                except (Absent, TooLarge):
                    continue
                suffix = mimetypes.guess_extension(medium.type) or ""
                await archive.add(f"media/{medium.id}{suffix}", copy)

    async def _still_ours(self, taken: Taken, lease: UUID) -> None:
        if not await self._store.keep(taken.id, lease, LEASE_S):
            raise Lost

    def _readme(self, person: PersonId) -> bytes:
        left_out = [
            f"- {rule.name}: {rule.why}" for rule in ROWS if rule.find is Find.none and rule.why
        ]
        at = f"{datetime.fromtimestamp(self._clock.now_ms() // 1000, UTC):%Y-%m-%d %H:%M}"
        return README.format(at=at, person=person, left_out="\n".join(left_out)).encode()


def _facts(export: Export) -> tuple[UUID, str, int, int | None, int | None, int]:
    return (
        export.id,
        export.state,
        export.asked_at_ms,
        export.ready_at_ms,
        export.expires_at_ms,
        export.bytes,
    )
