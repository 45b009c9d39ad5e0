"""The claims of `muster backup` and `muster restore`, on a real Postgres of their own."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry

from loadtest.torture.server import Server
from muster.archive import wal_name
from muster.backups import BackupError, Label, missing
from muster.cli.__main__ import main
from muster.clock import SystemClock
from muster.config import Settings
from muster.metrics import BackupMetrics
from muster.sealed_stream import Damaged
from muster.services.backups.base import take_base
from muster.services.backups.manifest import verify
from muster.services.backups.opening import open_vault
from muster.services.backups.programs import connection
from muster.services.backups.recovery import Order, restore
from muster.services.backups.rounds import Rounds
from muster.services.backups.shipping import Shipper
from muster.services.backups.unpacking import unpack
from muster.services.backups.vault import Vault
from muster.services.postgres import EmbeddedPostgres
from muster.stores.migrate import migrate
from muster.stores.postgres.backups import read_server
from muster.stores.postgres.installation import installation, join_installation
from tests.walk.test_restore import KEY

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

WITHIN_S = 30.0
MARK = "CREATE TABLE marks (at timestamptz, word text)"
SAY = "INSERT INTO marks VALUES (clock_timestamp(), $1)"


class Place:
    """A server, an archive, and what was done: one for all tests here, since each base costs a second."""

    def __init__(self, server: Server, settings: Settings, vault: Vault) -> None:
        self.server = server
        self.settings = settings
        self.vault = vault

    async def sql(self, query: str, *arguments: object) -> Any:
        """One value of the server that is backed up."""
        return await sql(self.settings.database_url, query, *arguments)

    @property
    def shell(self) -> Mapping[str, str]:
        """The environment of somebody who has archive and key."""
        return self.settings.to_env()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    """With the schema, and an installation that has joined."""
    directory = tmp_path_factory.mktemp("backups")
    postgres = EmbeddedPostgres(directory / "data", print)
    server = Server(postgres)
    await server.start()
    await postgres.finish()
    settings = Settings(
        data_dir=directory / "data",
        database_url=postgres.url,
        backup_dir=directory / "archive",
        backup_key=KEY,
        backup_wal_s=0.3,
        keys_dir=directory / "keys",
    )
    (directory / "keys").mkdir()
    (directory / "keys" / "one.pem").write_text("the key itself")
    try:
        await migrate(postgres.url)
        database = await asyncpg.connect(postgres.url)
        await join_installation(database, 16, uuid4())
        await database.execute(MARK)
        await database.close()
        async with open_vault(settings) as vault:
            yield Place(server, settings, vault)
    finally:
        await server.kill()


async def test_a_base_alone_can_be_brought_back(place: Place, tmp_path: Path) -> None:
    """Without any of the log beside it: it holds what it needs. Keys come with it if that was asked."""
    await place.sql(SAY, "in the base")
    settings = replace(place.settings, backup_signing_keys=True, backup_dir=tmp_path / "alone")
    async with open_vault(settings) as vault:
        label = await take_base(settings, vault)
        assert label.keys
        assert label.pieces >= 1
        before = await _generation(place.settings.database_url)
        restored = await restore(settings, vault, Order(tmp_path / "again", None), print)
    assert restored.timeline > label.timeline
    assert (tmp_path / "again" / "keys" / "one.pem").read_text() == "the key itself"
    assert (tmp_path / "again" / "keys" / "one.pem").stat().st_mode & 0o077 == 0
    async with running(tmp_path / "again") as url:
        assert await sql(url, "SELECT count(*) FROM marks WHERE word = 'in the base'") == 1
        assert await _generation(url) == restored.generation != before


async def test_the_log_is_archived_all_the_time_and_restored_to_a_moment(
    place: Place, tmp_path: Path
) -> None:
    """Exactly: what was committed before it is there, what was committed after it is not."""
    async with rounds(place) as metrics:
        await until(place, lambda: metrics("muster_backup_base_bytes") > 0)
        await place.sql(SAY, "before")
        moment = await place.sql("SELECT clock_timestamp() FROM pg_sleep(0.02)")
        await place.sql(SAY, "after")
    # The rounds are over: what was committed while they ran is in the archive, without any wait for it.
    at_ms = int(moment.timestamp() * 1000)
    restored = await restore(place.settings, place.vault, Order(tmp_path / "then", at_ms), print)
    assert restored.reached
    async with running(tmp_path / "then") as url:
        words = await sql(
            url, "SELECT array_agg(word) FROM marks WHERE word IN ('before', 'after')"
        )
        assert words == ["before"]


async def test_a_moment_that_nothing_was_committed_after_is_all_there_is(
    place: Place, tmp_path: Path
) -> None:
    """It is brought back, and said so."""
    await _a_base(place)
    now_ms = await place.sql("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")
    order = Order(tmp_path / "late", now_ms + 3_600_000)
    restored = await restore(place.settings, place.vault, order, print)
    assert not restored.reached
    with pytest.raises(BackupError, match="before the end of the oldest"):
        await restore(place.settings, place.vault, Order(tmp_path / "early", 1000), print)


async def test_a_restore_goes_into_nothing_that_is_there(place: Place, tmp_path: Path) -> None:
    """Not over a data directory that somebody may still need."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "precious").write_text("x")
    with pytest.raises(BackupError, match="is not empty"):
        await restore(place.settings, place.vault, Order(tmp_path / "data", None), print)
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["precious"]


async def test_a_damaged_archive_is_found_by_a_check_and_never_restored(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A piece that is changed, cut short, or gone; and a file of the log."""
    label = await _a_base(place)
    shell = {**place.shell, "MUSTER_BACKUP_DIR": str(tmp_path / "copy")}
    assert place.settings.backup_dir is not None
    shutil.copytree(place.settings.backup_dir, tmp_path / "copy")
    assert await _muster(shell, "backup", "check", "--into", str(tmp_path / "look")) == 0
    assert "are what its manifest says" in capsys.readouterr().out
    piece = tmp_path / "copy" / label.system / "base" / label.id / "000000"
    whole = piece.read_bytes()
    for wrong in (whole[:-1], whole[: len(whole) // 2], whole[:5000] + b"!" + whole[5001:], None):
        piece.unlink()
        if wrong is not None:
            piece.write_bytes(wrong)
        assert await _muster(shell, "backup", "check") == 1
        assert f"fault: base {label.id}" in capsys.readouterr().out
        assert await _muster(shell, "restore", "--into", str(tmp_path / "never")) == 1
        assert not (tmp_path / "never" / "postgres" / "cluster").exists()
        shutil.rmtree(tmp_path / "never")
        piece.touch()
    piece.write_bytes(whole)
    wal = next((tmp_path / "copy" / label.system / "wal").iterdir())
    wal.write_bytes(wal.read_bytes()[:-1])
    assert await _muster(shell, "backup", "check") == 1
    assert wal.name in capsys.readouterr().out


async def test_nothing_in_the_archive_can_be_read_without_the_key(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither words nor names; and another key says what is wrong."""
    await place.sql(SAY, "a canary in a coal mine")
    await _a_base(place)
    assert place.settings.backup_dir is not None
    for path in place.settings.backup_dir.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert b"canary" not in content
            assert b"PG_VERSION" not in content
    shell = {**place.shell, "MUSTER_BACKUP_KEY": "00" * 32}
    assert await _muster(shell, "backup", "list") == 1
    assert "a key that is not among those given" in capsys.readouterr().err


async def test_a_base_is_held_to_its_manifest(place: Place, tmp_path: Path) -> None:
    """A byte, a file too few, a file too many, the manifest itself."""
    label = await _a_base(place)
    cluster = tmp_path / "cluster"
    await unpack(place.vault.base(label), cluster)
    count = await verify(cluster)
    assert count > 500
    version = cluster / "PG_VERSION"
    for change in (
        lambda: version.write_text("19\n"),
        version.unlink,
        lambda: version.write_text("18\n") and (cluster / "base" / "extra").write_text("x"),
        lambda: (cluster / "backup_manifest").write_bytes(
            (cluster / "backup_manifest").read_bytes().replace(b'"Size": 3,', b'"Size": 4,')
        ),
    ):
        change()
        with pytest.raises(BackupError):
            await verify(cluster)


async def test_another_file_of_the_same_name_is_refused(place: Place, tmp_path: Path) -> None:
    """Two servers of one origin would spoil each other's log; the same file again is fine."""
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "0000000900000000000000AA").write_bytes(b"one")
    assert await Shipper(place.vault, "99", tmp_path / "one").ship() == 1
    assert await Shipper(place.vault, "99", tmp_path / "one").ship() == 1
    (tmp_path / "one" / "0000000900000000000000AA").write_bytes(b"two")
    with pytest.raises(BackupError, match="another server"):
        await Shipper(place.vault, "99", tmp_path / "one").ship()
    assert await place.vault.get(wal_name("99", "0000000900000000000000AA")) == b"one"
    await place.vault.remove([wal_name("99", "0000000900000000000000AA")])


async def test_a_file_that_grew_full_takes_the_place_of_its_beginning(
    place: Place, tmp_path: Path
) -> None:
    """Partial ones are put again whenever they grew; here only the newest full one stays."""
    one, two = (f"0000000900000000000000B{n}" for n in (1, 2))
    shipper = Shipper(place.vault, "98", tmp_path)
    (tmp_path / f"{one}.partial").write_bytes(b"begun")
    assert await shipper.ship() == 1
    assert await shipper.ship() == 0
    (tmp_path / f"{one}.partial").rename(tmp_path / one)
    (tmp_path / two).write_bytes(b"full")
    (tmp_path / f"{two}.partial").write_bytes(b"")
    assert await shipper.ship() == 3
    kept = [kept.name.rsplit("/", 1)[1] for kept in await place.vault.kept("98/")]
    assert kept == [one, two, f"{two}.partial"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [two, f"{two}.partial"]
    await place.vault.remove([kept.name for kept in await place.vault.kept("98/")])


async def test_backups_go_on_after_postgres_and_the_archive_were_away(
    place: Place, tmp_path: Path
) -> None:
    """What was committed meanwhile is in the archive afterwards: the slot keeps it."""
    assert place.settings.backup_dir is not None
    aside = tmp_path / "aside"
    async with rounds(place) as metrics:
        await until(place, lambda: metrics("muster_backup_base_bytes") > 0)
        place.settings.backup_dir.rename(aside)
        place.settings.backup_dir.touch()  # no directory can be made there
        await place.sql(SAY, "while the archive was away")
        await until(place, lambda: metrics("muster_backup_failures_total") > 0)
        place.settings.backup_dir.unlink()
        aside.rename(place.settings.backup_dir)
        await place.server.kill()
        await place.server.start()
        await place.sql(SAY, "after the crash")
        since = asyncio.get_running_loop().time()
        await until(
            place,
            lambda: (
                metrics("muster_backup_wal_age_seconds") < asyncio.get_running_loop().time() - since
            ),
        )
    await restore(place.settings, place.vault, Order(tmp_path / "whole", None), print)
    async with running(tmp_path / "whole") as url:
        for word in ("while the archive was away", "after the crash"):
            assert await sql(url, "SELECT count(*) FROM marks WHERE word = $1", word) == 1


async def test_a_log_that_was_lost_is_made_up_for_by_a_base(place: Place, tmp_path: Path) -> None:
    """When Postgres kept it for us no longer: a base is taken at once, though none is due."""
    async with rounds(place) as metrics:
        await until(place, lambda: metrics("muster_backup_wal_age_seconds") < WITHIN_S)
        await until(place, lambda: metrics("muster_backup_base_bytes") > 0)
    before = (await place.vault.holding()).labels
    await place.sql("SELECT pg_drop_replication_slot('muster_backup')")
    for _ in range(4):
        await place.sql(SAY, "fills a file")
        await place.sql("SELECT pg_switch_wal()")
    await place.sql("CHECKPOINT")
    async with rounds(place) as metrics:
        await until(place, lambda: metrics("muster_backup_wal_files_total") > 0)
        async with asyncio.timeout(WITHIN_S):
            while len((await place.vault.holding()).labels) == len(before):
                await place.sql("SELECT pg_sleep(0.02)")
        since = asyncio.get_running_loop().time()
        await until(
            place,
            lambda: (
                metrics("muster_backup_wal_age_seconds") < asyncio.get_running_loop().time() - since
            ),
        )
    holding = await place.vault.holding()
    assert missing(holding)
    restored = await restore(place.settings, place.vault, Order(tmp_path / "on", None), print)
    assert restored.label == holding.labels[-1] != before[-1]


async def test_a_password_is_in_no_argument(place: Place) -> None:
    """Of any program that runs for a backup; /proc shows arguments to everybody."""
    password = place.settings.database_url.split(":")[2].split("@")[0]
    async with rounds(place) as metrics:
        await until(place, lambda: metrics("muster_backup_wal_age_seconds") < WITHIN_S)
        await until(place, lambda: any("pg_receivewal" in line for line in _command_lines()))
        assert all(password not in line and KEY not in line for line in _command_lines())


@pytest.mark.parametrize(
    ("url", "shown", "secret"),
    [
        ("postgresql://a:b%40c@h:1/d", "postgresql://a@h:1/d", "b@c"),
        (
            "postgresql://a@h/d?password=b%20c&sslmode=require",
            "postgresql://a@h/d?sslmode=require",
            "b c",
        ),
        ("postgresql://h/d", "postgresql://h/d", None),
        ("postgresql://a:p@/d?host=/run/x", "postgresql://a@/d?host=%2Frun%2Fx", "p"),
    ],
)
async def test_a_url_goes_without_its_password(url: str, shown: str, secret: str | None) -> None:
    """It goes by the environment."""
    argument, environment = connection(url, "x")
    assert (argument, environment.get("PGPASSWORD")) == (shown, secret)


async def test_a_missing_key_is_a_sentence(
    place: Place, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Before anything is written; and a file that is not there too."""
    shell = {k: v for k, v in place.shell.items() if k != "MUSTER_BACKUP_KEY"}
    assert await _muster(shell, "backup") == 1
    assert "muster backup key" in capsys.readouterr().err
    shell["MUSTER_BACKUP_KEY_FILE"] = str(tmp_path / "none")
    assert await _muster(shell, "backup") == 1
    assert "cannot be read" in capsys.readouterr().err
    assert await _muster({}, "backup", "key") == 0
    assert len(capsys.readouterr().out.strip()) == 64


async def test_doctor_says_how_old_backups_are(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    """And that nobody receives the log, when nobody does."""
    await _a_base(place)
    await _muster(place.shell, "doctor")
    shown = capsys.readouterr().out
    assert "ok    base backup: 0.0 h old" in shown
    assert "fail  archived log: nobody receives it" in shown
    async with rounds(place) as metrics:
        await until(place, lambda: metrics("muster_backup_wal_age_seconds") < WITHIN_S)
        await until(place, lambda: any("pg_receivewal" in line for line in _command_lines()))
        await _received(place)
        await _muster(place.shell, "doctor")
    assert "ok    archived log: received" in capsys.readouterr().out


async def test_a_label_of_another_server_is_asked_for_by_name(place: Place) -> None:
    """Where an archive has several."""
    label = await _a_base(place)
    with pytest.raises(BackupError, match="no finished base"):
        await place.vault.holding("12345")
    assert (await place.vault.holding(label.system)).labels
    with pytest.raises(Damaged):
        async for _ in place.vault.base(_renamed(label)):
            pass


def _renamed(label: Label) -> Label:
    return Label(
        **{**{f: getattr(label, f) for f in label.__struct_fields__}, "pieces": label.pieces + 1}
    )


async def _a_base(place: Place) -> Label:
    """One of this server; taken if there is none."""
    database = await asyncpg.connect(place.settings.database_url)
    system = (await read_server(database)).system
    await database.close()
    for holding in await place.vault.holdings():
        if holding.system == system and holding.labels:
            return holding.labels[-1]
    return await take_base(place.settings, place.vault)


async def _received(place: Place) -> None:
    """Return once the slot is in use."""
    async with asyncio.timeout(WITHIN_S):
        while not await place.sql("SELECT bool_or(active) FROM pg_replication_slots"):
            continue


@asynccontextmanager
async def rounds(place: Place) -> AsyncIterator[Callable[[str], float]]:
    """What `muster backup run` does, until the end of the block; its metrics."""
    registry, stop = CollectorRegistry(), asyncio.Event()
    async with asyncio.timeout(60.0), asyncio.TaskGroup() as tasks:
        made = Rounds(place.settings, place.vault, BackupMetrics(registry), SystemClock())
        tasks.create_task(made.run(stop))

        def read(name: str) -> float:
            made.measured()
            return max(
                (s.value for m in registry.collect() for s in m.samples if s.name == name),
                default=0.0,
            )

        try:
            yield read
        finally:
            stop.set()


@asynccontextmanager
async def running(data: Path) -> AsyncIterator[str]:
    """The embedded Postgres of a data directory, as `muster up` starts it; its URL."""
    postgres = EmbeddedPostgres(data, print)
    server = Server(postgres)
    await server.start()
    try:
        yield postgres.url
    finally:
        await server.kill()


async def until(place: Place, holds: Callable[[], bool]) -> None:
    """Return once this holds; looked at after each answer of Postgres, so that what is looked at can go on."""
    async with asyncio.timeout(WITHIN_S):
        while not holds():
            await place.sql("SELECT pg_sleep(0.02)")


async def sql(url: str, query: str, *arguments: object) -> Any:
    """One value."""
    database = await asyncpg.connect(url, timeout=WITHIN_S)
    try:
        return await database.fetchval(query, *arguments)
    finally:
        await database.close()


async def _generation(url: str) -> object:
    database = await asyncpg.connect(url)
    try:
        return (await installation(database)).generation
    finally:
        await database.close()


async def _muster(shell: Mapping[str, str], *arguments: str) -> int:
    return await asyncio.to_thread(main, list(arguments), shell)


def _command_lines() -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if "pg_receivewal" in line or "pg_basebackup" in line or f"{os.getpid()}" in path.parts:
            found.append(line)
    return found
