"""The process that makes backups: the log all the time, a base when one is due, and what is outlived goes.

    the log     every MUSTER_BACKUP_WAL_S; covered up to where Postgres was when it was asked the time before
    a base      every MUSTER_BACKUP_EVERY_H, and at once where this history of the log has none, or lost a part of it
    pruning     after each base

Owns when. What fails is counted, said and tried again: backups that do not work must never stop the chat.
"""

from __future__ import annotations

import asyncio
import random
import shutil
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import asyncpg

from muster.archive import wal_name
from muster.backoff import pause_s
from muster.backups import BackupError, Label, is_due, outlived, segment
from muster.clock import Clock
from muster.config import Settings
from muster.errors import Refused
from muster.metrics import BackupMetrics
from muster.sealed_stream import Damaged
from muster.services.backups.base import CONNECT_WITHIN_S, take_base
from muster.services.backups.receiver import Receiver
from muster.services.backups.shipping import Shipper
from muster.services.backups.vault import Vault
from muster.services.child import ServiceFailedError
from muster.stores.postgres.backups import (
    APPLICATION,
    Receiving,
    Server,
    ensure_slot,
    read_kept_from,
    read_receiving,
    read_server,
)
from muster.telemetry import get_logger

EXPECTED: Final = (
    BackupError, Refused, Damaged, ServiceFailedError, OSError, TimeoutError,
    asyncpg.PostgresError, asyncpg.InterfaceError,
)  # fmt: skip
"""What passes: somebody is away, or the operator has to mend something."""

WAITING_BYTES: Final = 4 << 30
"""So much may wait here for an archive that is away: backups must not fill the disk of what they are to save."""

_LOOK_S: Final = 1.0
_FIRST_PAUSE_S: Final = 5.0
_MOST_PAUSE_S: Final = 600.0
_SILENT_S: Final = 60.0  # a receiver that hangs on a dead connection
_LAST_WITHIN_S: Final = 15.0
_HOUR_MS: Final = 3_600_000
_log = get_logger()


class Rounds:
    """One of it for one Postgres: a second one finds the slot taken."""

    def __init__(
        self, settings: Settings, vault: Vault, metrics: BackupMetrics, clock: Clock
    ) -> None:
        self._settings = settings
        self._vault = vault
        self._metrics = metrics
        self._clock = clock
        self._rng = random.Random()  # noqa: S311  # spreads tries, hides nothing
        self._server: Server | None = None
        self._receiver: Receiver | None = None
        self._shipper: Shipper | None = None
        self._labels: list[Label] = []
        self._asked: Receiving | None = None
        self._base_needed = False
        self._heard_at = clock.monotonic()
        # Ages, by our own clock: that of Postgres may be another.
        self._covered_at = clock.monotonic()
        self._based_at = clock.monotonic()
        self._asked_at = clock.monotonic()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`; what was committed by then is in the archive, if all goes well."""
        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(self._again("wal", self._log_round, self._settings.backup_wal_s)),
                tasks.create_task(self._again("base", self._base_round, _LOOK_S)),
            ]
            await stop.wait()
            for each in running:
                each.cancel()
            await asyncio.wait(running)
            try:
                async with asyncio.timeout(_LAST_WITHIN_S):
                    await self._last()
            except EXPECTED:
                self._metrics.failures.labels("wal").inc()
                _log.warning("the last of the log did not get into the archive", exc_info=True)
            finally:
                if self._receiver is not None:
                    await self._receiver.stop()

    async def measure(self) -> None:
        """Before somebody is told."""
        self.measured()

    def measured(self) -> None:
        """Ages are what they are when somebody asks."""
        now = self._clock.monotonic()
        self._metrics.base_age.set(now - self._based_at)
        self._metrics.wal_age.set(now - self._covered_at)

    async def _again(self, what: str, work: Callable[[], Awaitable[None]], every_s: float) -> None:
        failures = 0
        while True:
            try:
                await work()
                failures = 0
                await asyncio.sleep(every_s)
            except EXPECTED:
                failures += 1
                self._metrics.failures.labels(what).inc()
                _log.warning("a backup failed", kind=what, attempt=failures, exc_info=True)
                first = min(every_s, _FIRST_PAUSE_S)
                await asyncio.sleep(
                    pause_s(failures, self._rng, first_s=first, most_s=_MOST_PAUSE_S)
                )

    async def _log_round(self) -> None:
        """Receive, ship, and know up to where it is whole."""
        async with asyncio.timeout(CONNECT_WITHIN_S):
            database = await self._connect()
        try:
            receiver = await self._follow(await read_server(database))
            if await asyncio.to_thread(receiver.waiting_bytes) > WAITING_BYTES:
                await receiver.stop()  # the slot keeps some more, until Postgres gives it up too
            else:
                await self._keep_receiving(database, receiver)
            now, now_at = await read_receiving(database), self._clock.monotonic()
        finally:
            await database.close(timeout=CONNECT_WITHIN_S)
        assert self._shipper is not None, "it was begun"
        self._metrics.wal_files.inc(await self._shipper.ship())
        if now.received is not None:
            self._heard_at = now_at
            if self._asked is not None and now.received >= self._asked.flushed:
                self._covered_at, self._asked = self._asked_at, None
        if self._asked is None:
            self._asked, self._asked_at = now, now_at

    async def _keep_receiving(self, database: asyncpg.Connection, receiver: Receiver) -> None:
        if self._clock.monotonic() - self._heard_at > _SILENT_S:
            await receiver.stop()
            self._heard_at = self._clock.monotonic()
        if not receiver.runs:
            if await ensure_slot(database) or await self._behind(database, receiver):
                await self._lost(receiver)
            await receiver.start()

    async def _behind(self, database: asyncpg.Connection, receiver: Receiver) -> bool:
        """Whether Postgres keeps the log from later on than we have it: somebody else, or a disk that is gone, had it.

        Going on from what is here would then be refused for ever.
        """
        assert self._server is not None, "whose it is is known"
        here = await asyncio.to_thread(receiver.received)
        if not here:
            beginning = wal_name(self._server.system, f"{self._server.timeline:08X}")
            here = [one.name.rsplit("/", 1)[1] for one in await self._vault.kept(beginning)]
        size = self._server.segment_bytes
        numbers = [one.number for one in (segment(name, size) for name in here) if one is not None]
        return not numbers or await read_kept_from(database) // size > max(numbers) + 1

    async def _lost(self, receiver: Receiver) -> None:
        """There may be a hole in the log: what is here ends before it, a base goes after it."""
        assert self._shipper is not None, "it was begun"
        self._base_needed = True
        _log.warning("some of the log may be lost: a base is taken")
        if receiver.directory.exists():
            await self._shipper.ship()
            await asyncio.to_thread(shutil.rmtree, receiver.directory)

    async def _follow(self, now: Server) -> Receiver:
        """Whose log it is, and where it goes on: elsewhere after a failover or a restore."""
        before, self._server = self._server, now
        if before is not None and before.system != now.system:
            self._server = before
            raise BackupError(
                "another Postgres answers than the one that was backed up: start anew"
            )
        if before is not None and before.timeline == now.timeline and self._receiver is not None:
            return self._receiver
        if self._receiver is not None:
            await self._receiver.stop()
            self._receiver = None
        here = self._settings.backup_spool / f"{now.system}-{now.timeline}"
        # What is left of the history before goes first; from it nothing goes on.
        for other in self._settings.backup_spool.glob(f"{now.system}-*"):
            if other != here and other.is_dir():
                await Shipper(self._vault, now.system, other).ship()
                await asyncio.to_thread(shutil.rmtree, other)
        self._receiver, self._asked = Receiver(self._settings, here), None
        self._shipper = Shipper(self._vault, now.system, here)
        return self._receiver

    async def _base_round(self) -> None:
        if self._server is None:
            return
        if not self._labels:
            await self._look()
        server = self._server
        every_ms = int(self._settings.backup_every_h * _HOUR_MS)
        if self._base_needed or is_due(self._labels, server.timeline, server.now_ms, every_ms):
            started = self._clock.monotonic()
            label = await take_base(self._settings, self._vault)
            self._base_needed = False
            elapsed_ms = int((self._clock.monotonic() - started) * 1_000)
            _log.info("a base backup is there", bytes=label.bytes, elapsed_ms=elapsed_ms)
            self._based_at = self._clock.monotonic()
            self._metrics.base_bytes.set(label.bytes)
            self._labels.append(label)
            await self._prune(server)

    async def _look(self) -> None:
        """What was there before us, and how old it is."""
        assert self._server is not None, "whose it is is known"
        for holding in await self._vault.holdings():
            if holding.system == self._server.system and holding.labels:
                self._labels = list(holding.labels)
                newest = self._labels[-1]
                age_s = max(0.0, (self._clock.now_ms() - newest.ended_ms) / 1_000)
                self._based_at = self._clock.monotonic() - age_s
                self._metrics.base_bytes.set(newest.bytes)

    async def _prune(self, server: Server) -> None:
        try:
            names = await prune(self._vault, self._settings, server.system, server.now_ms)
        except EXPECTED:  # the base is there all the same
            self._metrics.failures.labels("prune").inc()
            _log.warning("a backup failed", kind="prune", exc_info=True)
        else:
            self._metrics.pruned.inc(len(names))

    async def _last(self) -> None:
        """What was committed before we were told to stop."""
        if self._receiver is None or self._shipper is None or not self._receiver.runs:
            return
        with suppress(*EXPECTED):  # Postgres may have gone first
            database = await self._connect()
            try:
                wanted = (await read_receiving(database)).flushed
                while ((await read_receiving(database)).received or 0) < wanted:  # noqa: ASYNC110  # only asking tells
                    await asyncio.sleep(_LOOK_S / 10)
            finally:
                await database.close(timeout=CONNECT_WITHIN_S)
        await self._receiver.stop()
        await self._shipper.ship()

    async def _connect(self) -> asyncpg.Connection:
        return await asyncpg.connect(
            self._settings.database_url,
            timeout=CONNECT_WITHIN_S,
            command_timeout=CONNECT_WITHIN_S,
            statement_cache_size=0,
            server_settings={"application_name": f"{APPLICATION}-asking"},
        )


async def prune(vault: Vault, settings: Settings, system: str, now_ms: int) -> list[str]:
    """Remove what no moment of the days kept needs; the names."""
    keep_ms = int(settings.backup_keep_days * 24 * _HOUR_MS)
    names: list[str] = []
    for holding in await vault.holdings():
        if holding.system == system:
            names = outlived(holding, now_ms, keep_ms)
            await vault.remove(names)
    return names
