"""Bringing a backup back: a base, the log after it up to a moment, and a new generation of Muster's log.

    the base is unpacked and compared with its manifest, the log is laid beside it
    Postgres replays it, alone and reachable by nobody, and begins a timeline of its own
    the generation changes: every phone is told a gap, for what was acked after that moment is gone

Owns a new data directory from its first byte to a cluster that `muster up` starts. Must never touch one in which there
is something, and leaves no cluster under its final name that did not go all the way.
"""

from __future__ import annotations

import asyncio
import io
import os
import secrets
import shlex
import shutil
import signal
import tarfile
import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID, uuid4

import asyncpg

from muster.archive import base_name, wal_name
from muster.backups import BackupError, Course, Holding, Label, course, hole
from muster.config import Settings
from muster.facts import DataKeyFacts
from muster.services.backups.manifest import verify
from muster.services.backups.programs import program
from muster.services.backups.unpacking import unpack
from muster.services.backups.vault import Vault
from muster.services.child import Child, Program, Say
from muster.services.postgres import USER, write_private
from muster.services.unprivileged import SELF, not_root
from muster.stores.postgres.backups import read_recovered, read_server, set_password
from muster.stores.postgres.installation import new_generation
from muster.stores.postgres.sealed import read_data_keys

_PORT: Final = 5432  # of a socket in a directory of its own
_SHORT: Final = "recovery ended before configured recovery target was reached"
_CONNECT_WITHIN_S: Final = 10.0
_LOOK_S: Final = 0.1
_STOP_WITHIN_S: Final = 120.0
_HBA: Final = "local all all trust\n"
_NOT_YET: Final = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


class Order(NamedTuple):
    """What is to be brought back. `to_ms` None: everything there is; `timeline` None: the one lived on then."""

    into: Path
    to_ms: int | None
    timeline: int | None = None
    system: str = ""


class Restored(NamedTuple):
    """What was. `last_ms`: its last commit, if the log had any; `reached`: the archive goes beyond the moment.

    `followed` is the timeline it was replayed along, `timeline` the new one that begins there. `hole`: why not all
    there is could be replayed, else empty. `data_keys` are those that its sealed fields need, wrapped.
    """

    label: Label
    timeline: int
    followed: int
    generation: UUID
    last_ms: int | None
    data_keys: list[DataKeyFacts]
    reached: bool
    hole: str = ""


async def restore(settings: Settings, vault: Vault, order: Order, say: Say) -> Restored:
    """Do it. Raises `BackupError`, `Damaged`, `Refused`, `ServiceFailedError`, `CannotDropRootError`, `OSError`."""
    if order.into.exists() and any(order.into.iterdir()):
        raise BackupError(f"{order.into} is not empty: a restore goes into a directory of its own")
    holding = await vault.holding(order.system)
    histories = await _fetch_histories(vault, holding)
    way = course(holding, histories, order.to_ms, order.timeline)
    label = way.label
    home = order.into.absolute() / "postgres"
    cluster, log = home / "cluster.new", home / "restored-log"
    home.mkdir(0o700, parents=True)
    say(f"unpacking base {label.id}")
    await unpack(vault.base(label), cluster)
    await verify(cluster)
    say(f"{await _fetch_log(vault, holding, label, log)} file(s) of the log after it")
    if label.keys:
        keys = await vault.get(base_name(label.system, label.id, "keys"))
        await asyncio.to_thread(_put_keys, keys, order.into / "keys")
    restored = await _Recovery(settings, order, way).run(cluster, log)
    (home / "database-made").touch()
    cluster.rename(home / "cluster")
    shutil.rmtree(log)
    went_on = order.to_ms is not None and restored.reached
    return restored if went_on else restored._replace(hole=hole(holding, way))


async def _fetch_histories(vault: Vault, holding: Holding) -> dict[int, str]:
    return {
        timeline: (await vault.get(kept.name)).decode("ascii", errors="replace")
        for timeline, kept in holding.histories().items()
    }


async def _fetch_log(vault: Vault, holding: Holding, label: Label, into: Path) -> int:
    """Everything from the base on, of every timeline: Postgres picks what it needs."""
    await asyncio.to_thread(into.mkdir, 0o700)
    segments = [
        one for one in holding.segments() if one.number >= label.start // label.segment_bytes
    ]
    full = {one.name for one in segments if not one.partial}
    files = {one.name: one.name for one in segments if not one.partial}
    # The end of one that was being written is no record: replay ends there by itself.
    files |= {f"{one.name}.partial": one.name for one in segments if one.name not in full}
    histories = [kept.name.rsplit("/", 1)[1] for kept in holding.histories().values()]
    files |= {name: name for name in histories}
    for name, as_name in files.items():
        plain = await vault.get(wal_name(label.system, name))
        await asyncio.to_thread((into / as_name).write_bytes, plain)
    return len(files)


def _put_keys(packed: bytes, into: Path) -> None:
    into.mkdir(0o700)
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        tar.extractall(into, filter="data")
    for file in into.iterdir():
        file.chmod(0o600)


class _TooShort(Exception):
    """The log ends before the moment asked for."""


class _Recovery:
    """A Postgres that replays and is then put right. `private` is where its socket is, and nobody else."""

    def __init__(self, settings: Settings, order: Order, way: Course) -> None:
        self._postgres = program(settings, "postgres")
        self._order = order
        self._label, self._timeline = way.label, way.timeline
        self._said = order.into.absolute() / "postgres-restore.log"
        self._identity = SELF

    async def run(self, cluster: Path, log: Path) -> Restored:
        self._identity = await not_root((self._postgres, "--version"), cluster.parent)
        private = Path(tempfile.mkdtemp(prefix="muster-restore-"))
        try:
            await asyncio.to_thread(self._prepare, cluster, private)
            try:
                return await self._recover(cluster, log, private, self._order.to_ms)
            except _TooShort:
                # Nothing was committed after what there is and before that moment, as far as the archive knows.
                restored = await self._recover(cluster, log, private, None)
                return restored._replace(reached=False)
        finally:
            shutil.rmtree(private)

    def _prepare(self, cluster: Path, private: Path) -> None:
        made = (cluster / "recovery.signal", private / "hba.conf", private)
        made[0].touch()
        made[1].write_text(_HBA)
        if self._identity.uid > 0:
            for path in made:
                os.chown(path, self._identity.uid, self._identity.gid)

    async def _recover(
        self, cluster: Path, log: Path, private: Path, to_ms: int | None
    ) -> Restored:
        child = await Child.start(self._program(cluster, log, private, to_ms))
        try:
            database = await self._replayed(child, private)
            try:
                return await self._put_right(database)
            finally:
                await database.close(timeout=_CONNECT_WITHIN_S)
        finally:
            await child.stop()

    def _program(self, cluster: Path, log: Path, private: Path, to_ms: int | None) -> Program:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(private),
            "unix_socket_permissions": "0700",
            "hba_file": str(private / "hba.conf"),
            "hot_standby": "off",  # nothing to ask before its end, and no demands on max_connections
            "archive_mode": "off",
            "log_min_error_statement": "panic",
            "log_min_messages": "warning",
            "restore_command": f'cp {shlex.quote(str(log)).replace("%", "%%")}/%f "%p"',
            "recovery_target_timeline": str(self._timeline),
            "recovery_target_action": "promote",
        }
        if to_ms is not None:
            settings["recovery_target_time"] = datetime.fromtimestamp(
                to_ms / 1_000, UTC
            ).isoformat()
        options = [f"-c{key}={value}" for key, value in settings.items()]
        return Program(
            name="postgres",
            argv=(self._postgres, "-D", str(cluster), f"-p{_PORT}", *options),
            env={"LC_ALL": "C", "PATH": os.defpath},
            identity=self._identity,
            log=self._said,
            stop_signal=signal.SIGINT,
            stop_within_s=_STOP_WITHIN_S,
            death_signal=signal.SIGINT,
        )

    async def _replayed(self, child: Child, private: Path) -> asyncpg.Connection:
        """Connected, once it is over: that takes as long as there is log."""
        while True:
            if child.exit_code is not None:
                said = await asyncio.to_thread(self._said.read_text, errors="replace")
                if _SHORT in said and self._order.to_ms is not None:
                    raise _TooShort
                last = said.strip().splitlines()[-3:]
                raise BackupError("Postgres did not recover: " + " | ".join(last))
            with suppress(*_NOT_YET):
                database = await asyncpg.connect(
                    host=str(private),
                    port=_PORT,
                    user=self._label.role,
                    database=self._label.database,
                    timeout=_CONNECT_WITHIN_S,
                )
                if (await read_recovered(database)).is_over:
                    return database
                await database.close(timeout=_CONNECT_WITHIN_S)
            await asyncio.sleep(_LOOK_S)

    async def _put_right(self, database: asyncpg.Connection) -> Restored:
        fresh = uuid4()
        with suppress(asyncpg.UndefinedTableError):  # Muster never started there
            await new_generation(database, fresh)
        if self._label.role == USER:
            # That of the embedded Postgres: its password lay in the data directory that is gone.
            password = secrets.token_urlsafe(24)
            await set_password(database, password)
            await asyncio.to_thread(write_private, self._order.into / "postgres.password", password)
        recovered = await read_recovered(database)
        server = await read_server(database)
        return Restored(
            label=self._label,
            timeline=server.timeline,
            followed=self._timeline,
            generation=fresh,
            last_ms=recovered.last_ms,
            data_keys=await read_data_keys(database),
            reached=True,
        )
