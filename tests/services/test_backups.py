"""The claims of `muster backup` and `muster restore`, on a real Postgres of their own.

What takes long is in test_rounds.py and test_recovery.py, which `make prove` runs.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import stat
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from muster import data_keys, master
from muster.archive import wal_name
from muster.backups import BackupError
from muster.keys import KeysError
from muster.sealed_stream import Damaged
from muster.services.backups.base import take_base
from muster.services.backups.manifest import verify
from muster.services.backups.opening import open_vault
from muster.services.backups.programs import connection
from muster.services.backups.recovery import Order, restore
from muster.services.backups.shipping import Shipper
from muster.services.master_key import ensure_master
from tests.fixtures.backups import (
    CANARY,
    KEY,
    SIGNING_KEYS,
    WITHIN_S,
    Place,
    generation_of,
    muster,
    running,
    words,
)

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]


async def test_a_base_alone_can_be_brought_back(place: Place, tmp_path: Path) -> None:
    """Without any of the log beside it: it holds what it needs, signing keys too if that was asked."""
    label = await place.base()
    before = await generation_of(place.settings.database_url)
    without_log = shutil.ignore_patterns("wal")
    shutil.copytree(place.archive, tmp_path / "alone", ignore=without_log, copy_function=os.link)
    settings = replace(place.settings, backup_dir=tmp_path / "alone")
    async with open_vault(settings) as vault:
        restored = await restore(settings, vault, Order(tmp_path / "again", None), print)
    assert restored.timeline > restored.followed == label.timeline
    keys = {file.name: file for file in (tmp_path / "again" / "keys").iterdir()}
    assert {name: file.read_text() for name, file in keys.items()} == SIGNING_KEYS
    assert {stat.S_IMODE(file.stat().st_mode) for file in keys.values()} == {0o600}
    async with running(tmp_path / "again") as url:
        assert CANARY in await words(url)
        assert await generation_of(url) == restored.generation != before
    masters = master.load(place.settings.master_path, "")
    for key in restored.data_keys:
        assert masters.unwrap(key.wrapped, key.master, data_keys.about(key.id, key.purpose))
    assert len(restored.data_keys) == 2


async def test_no_backup_holds_the_master_key(place: Place) -> None:
    """Although it lies beside the signing keys: who has archive and backup key still opens no sealed field."""
    label = await place.base()
    text = place.settings.master_path.read_text().strip()
    plain = [part async for part in place.vault.base(label)]
    plain.append(await place.vault.get(f"{label.system}/base/{label.id}/keys"))
    whole = b"".join(plain)
    assert SIGNING_KEYS["one.pem"].encode() in whole
    assert CANARY.encode() in whole
    assert text.encode() not in whole
    assert bytes.fromhex(text) not in whole


async def test_muster_up_makes_no_master_key_that_opens_nothing(
    place: Place, tmp_path: Path
) -> None:
    """After a restore the old one is asked for by its name; a key made there would hide what is missing."""
    elsewhere = replace(place.settings, keys_dir=tmp_path)
    with pytest.raises(KeysError, match="put the copy") as refused:
        await ensure_master(elsewhere, print)
    assert master.load(place.settings.master_path, "").current in str(refused.value)
    assert not elsewhere.master_path.exists()
    shutil.copy(place.settings.master_path, elsewhere.master_path)
    await ensure_master(elsewhere, print)


async def test_muster_up_makes_a_master_key_where_nothing_is_sealed(
    database_url: str, place: Place, tmp_path: Path
) -> None:
    """The first of an installation; one that is there or given stays what it is."""
    said: list[str] = []
    fresh = replace(place.settings, database_url=database_url, keys_dir=tmp_path)
    await ensure_master(replace(fresh, master_key="ab" * 32), print)
    assert not fresh.master_path.exists()
    await ensure_master(fresh, said.append)
    made = fresh.master_path.read_text()
    assert "keep a copy" in said[0]
    assert made.strip() not in said[0]
    await ensure_master(fresh, said.append)
    assert (fresh.master_path.read_text(), len(said)) == (made, 1)


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
    """A piece of a base that is torn or gone, and a file of the log; whole, the check says so."""
    label = await place.base()
    shell = {**place.shell, "MUSTER_BACKUP_DIR": str(tmp_path / "copy")}
    shutil.copytree(place.archive, tmp_path / "copy")
    assert await muster(shell, "backup", "check") == 0
    assert "0 fault(s)" in capsys.readouterr().out
    pieces = tmp_path / "copy" / label.system / "base" / label.id
    whole = (pieces / "000000").read_bytes()
    (pieces / "000000").write_bytes(whole[: len(whole) // 2])
    assert await muster(shell, "backup", "check") == 1
    assert f"fault: base {label.id}" in capsys.readouterr().out
    assert await muster(shell, "restore", "--into", str(tmp_path / "never")) == 1
    assert not (tmp_path / "never" / "postgres" / "cluster").exists()
    (pieces / "000000").unlink()
    assert await muster(shell, "backup", "check") == 1
    assert "lacks 1 of its parts" in capsys.readouterr().out
    assert await muster(shell, "restore", "--into", str(tmp_path / "nor")) == 1
    assert "000000 is not there" in capsys.readouterr().err


async def test_nothing_in_the_archive_can_be_read_without_the_key(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither words nor names; and another key says what is wrong."""
    await place.base()
    for path in place.archive.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert CANARY.encode() not in content
            assert b"PG_VERSION" not in content
    shell = {**place.shell, "MUSTER_BACKUP_KEY": "00" * 32}
    assert await muster(shell, "backup", "list") == 1
    assert "a key that is not among those given" in capsys.readouterr().err


async def test_a_base_that_is_given_up_on_its_way_ends_at_once(
    place: Place, tmp_path: Path
) -> None:
    """Although its program has more to say than anybody reads any more: a stop must not wait for that."""
    async with place.apart(tmp_path) as apart:
        scratch = apart.settings.backup_spool
        async with asyncio.timeout(WITHIN_S), asyncio.TaskGroup() as tasks:
            taking = tasks.create_task(take_base(apart.settings, apart.vault))
            await place.until(lambda: any(one.stat().st_size for one in scratch.glob("scratch.*")))
            taking.cancel()
        assert taking.cancelled()
        assert not [*scratch.glob("scratch.*")]
        assert not await apart.vault.kept()


async def test_a_base_is_held_to_its_manifest(tmp_path: Path) -> None:
    """A byte, a file too few, a file too many, the manifest itself."""
    files = {"PG_VERSION": b"18\n", "base/1": b"rows", "name with \xff": b"x"}
    cluster = _cluster(tmp_path / "whole", files)
    assert await verify(cluster) == len(files)
    (cluster / "pg_wal").mkdir()
    (cluster / "pg_wal" / "000000010000000000000001").touch()
    assert await verify(cluster) == len(files), "the log is Postgres' own to judge"
    listed = (cluster / "backup_manifest").read_bytes()
    for name, content in (
        ("PG_VERSION", b"19\n"),
        ("PG_VERSION", None),
        ("base/extra", b"x"),
        ("backup_manifest", listed.replace(b'"Size": 3,', b'"Size": 4,')),
        ("backup_manifest", None),
    ):
        shutil.copytree(cluster, again := tmp_path / "again")
        (again / name).unlink(missing_ok=True)
        if content is not None:
            (again / name).write_bytes(content)
        with pytest.raises(BackupError):
            await verify(again)
        shutil.rmtree(again)


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
    assert await muster(shell, "backup") == 1
    assert "muster backup key" in capsys.readouterr().err
    shell["MUSTER_BACKUP_KEY_FILE"] = str(tmp_path / "none")
    assert await muster(shell, "backup") == 1
    assert "cannot be read" in capsys.readouterr().err
    assert await muster({}, "backup", "key") == 0
    assert len(capsys.readouterr().out.strip()) == 64


async def test_doctor_says_how_old_backups_are_and_that_the_log_is_received(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    """Or that nobody receives it. Of the programs that run for it no argument has a password: all may read those."""
    await place.base()
    await muster(place.shell, "doctor")
    shown = capsys.readouterr().out
    assert "ok    base backup: 0.0 h old" in shown
    assert "fail  archived log: nobody receives it" in shown
    password = place.settings.database_url.split(":")[2].split("@")[0]
    async with place.rounds() as metrics:
        await place.covered(metrics)
        lines = _command_lines()
        assert any("pg_receivewal" in line for line in lines)
        assert all(password not in line and KEY not in line for line in lines)
        await muster(place.shell, "doctor")
    assert "ok    archived log: received" in capsys.readouterr().out


async def test_doctor_looks_where_keys_and_backups_lie(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A key beside what it opens, a key that all may read, and an archive that goes with the disk."""
    (place.archive / "master.key").write_text("ab" * 32)
    (place.archive / "master.key").chmod(0o600)
    (tmp_path / "backup.key").write_text(KEY)
    (tmp_path / "backup.key").chmod(0o644)
    shell = {name: value for name, value in place.shell.items() if name != "MUSTER_BACKUP_KEY"}
    shell["MUSTER_BACKUP_KEY_FILE"] = str(tmp_path / "backup.key")
    try:
        await muster(
            {**shell, "MUSTER_MASTER_KEY_FILE": str(place.archive / "master.key")}, "doctor"
        )
        shown = capsys.readouterr().out
        assert f"fail  keys of backups: {place.archive / 'master.key'} lies with" in shown
        assert "warn  keys of backups: can be read by others" in shown
        assert "warn  where backups lie: on the disk of the database" in shown
    finally:
        (place.archive / "master.key").unlink()
    (tmp_path / "backup.key").chmod(0o600)
    await muster(shell, "doctor")
    assert "keys of backups" not in capsys.readouterr().out


async def test_a_label_of_another_server_is_asked_for_by_name(place: Place) -> None:
    """Where an archive has several; and a label that lies about its base opens nothing."""
    label = await place.base()
    with pytest.raises(BackupError, match="no finished base"):
        await place.vault.holding("12345")
    assert (await place.vault.holding(label.system)).labels
    with pytest.raises(Damaged):
        async for _ in place.vault.base(msgspec.structs.replace(label, pieces=label.pieces + 1)):
            pass


def _cluster(into: Path, files: Mapping[str, bytes]) -> Path:
    """These files, and a manifest as Postgres writes it: a file a line, its own checksum in the last."""
    lines = []
    for name, content in files.items():
        raw = name.encode("latin-1")
        path = into / os.fsdecode(raw)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        told = (
            f'"Path": "{name}"' if raw.isascii() else f'"Encoded-Path": "{raw.hex()}"',
            f'"Size": {len(content)}',
            '"Last-Modified": "2026-01-01 00:00:00 GMT"',
            '"Checksum-Algorithm": "SHA256"',
            f'"Checksum": "{hashlib.sha256(content).hexdigest()}"',
        )
        lines.append(f"{{ {', '.join(told)} }}")
    text = '{ "PostgreSQL-Backup-Manifest-Version": 2,\n"System-Identifier": 7,\n"Files": [\n'
    text += ",\n".join(lines) + '\n],\n"WAL-Ranges": [\n],\n'
    checksum = hashlib.sha256(text.encode()).hexdigest()
    (into / "backup_manifest").write_text(f'{text}"Manifest-Checksum": "{checksum}"}}\n')
    return into


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
