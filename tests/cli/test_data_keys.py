"""The claims of `muster keys data`: a rotation is one command, and nothing that lies plain is given up too early."""

import asyncio
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from prometheus_client import CollectorRegistry

from muster import master
from muster.cli.__main__ import main
from muster.clock import SystemClock
from muster.data_keys import DataKeys
from muster.push_device import TOKEN
from muster.sealing import KIND
from muster.stores.postgres.data_keys import data_keys
from muster.stores.postgres.pool import open_database
from tests.cli.sql import execute

PLAIN = (
    "INSERT INTO push_devices (device_id, person_id, install, provider, environment, topic, token, target_kind,"
    " locale, zone, session_id) VALUES (gen_random_uuid(), gen_random_uuid(), '', 'fcm', 'production', 'p',"
    " gen_random_uuid()::text, 'token', 'en', 'UTC', gen_random_uuid())"
)


async def _said(
    url: str, keys: Path, capsys: pytest.CaptureFixture[str], *words: str, code: int = 0
) -> str:
    environ = {"MUSTER_DATABASE_URL": url, "MUSTER_KEYS_DIR": str(keys)}
    assert await asyncio.to_thread(main, list(words), environ) == code
    told = capsys.readouterr()
    return told.out + told.err


async def _sealing(url: str, keys: Path) -> tuple[DataKeys, bytes]:
    """What an api makes at its start, and something sealed under it."""
    pool = await open_database(url, "test", 1, lambda _: None)
    masters = master.load(keys / "master.key", "")
    kept = data_keys(pool, masters, SystemClock(), CollectorRegistry())
    await kept.begin()
    device = uuid4()
    sealed = kept.sealer.seal(b"token", TOKEN, device.bytes)
    await pool.execute(
        "INSERT INTO push_devices (device_id, person_id, install, provider, environment, topic, token_sealed,"
        " token_blind, target_kind, locale, zone, session_id) VALUES ($1, $1, '', 'fcm', 'production', 'p', $2, $3,"
        " 'token', 'en', 'UTC', $1)",
        device,
        sealed,
        kept.sealer.blind(b"token", TOKEN),
    )
    await pool.close()
    return kept, sealed


async def test_a_rotation_makes_a_key_and_a_round(
    database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The key seals in a minute, the round comes after it; until then all lies under the old one."""
    said = await _said(database_url, tmp_path, capsys, "keys", "data", "rotate", code=1)
    assert "no master key" in said
    master.ensure(tmp_path / "master.key")
    await _sealing(database_url, tmp_path)
    said = await _said(database_url, tmp_path, capsys, "keys", "data", "rotate")
    assert "key 3 seals in 60 s" in said
    said = await _said(database_url, tmp_path, capsys, "keys", "data", "status")
    assert [line.split()[:3] for line in said.splitlines()[:2]] == [
        ["key", "2", "seals,"],
        ["key", "3", "seals"],
    ]
    assert "push_devices.token_sealed: 1 under 2" in said
    connection = await asyncpg.connect(database_url)
    [[due]] = await connection.fetch(
        "SELECT due_at > now() + interval '60 seconds' FROM jobs WHERE kind = $1", KIND
    )
    assert due
    await connection.close()
    (tmp_path / "master.key").unlink()
    master.ensure(tmp_path / "master.key")
    await execute(database_url, "DELETE FROM data_keys WHERE key_id = 3")
    said = await _said(database_url, tmp_path, capsys, "keys", "data", "rotate", code=1)
    assert "which is not here" in said


async def test_plain_tokens_are_given_up_only_when_all_are_sealed(
    database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Else the release before still runs, or no api does."""
    words = ("keys", "data", "contract")
    await execute(
        database_url,
        "INSERT INTO installation (lanes, generation, timeline, push_tokens) VALUES (4, gen_random_uuid(), 1, 'both')",
    )
    await execute(database_url, PLAIN)
    assert "1 push tokens lie plain alone" in await _said(
        database_url, tmp_path, capsys, *words, code=1
    )
    assert "lie plain as well" in await _said(
        database_url, tmp_path, capsys, "keys", "data", "status"
    )
    await execute(database_url, "DELETE FROM push_devices")
    assert "from now on" in await _said(database_url, tmp_path, capsys, *words)
    assert "already" in await _said(database_url, tmp_path, capsys, *words)


async def test_the_doctor_looks_at_keys_and_rows(
    database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A master key that is missing, exposed or another one; rows that nobody can open."""
    path = tmp_path / "master.key"

    async def told(what: str) -> str:
        said = await _said(database_url, tmp_path, capsys, "doctor", code=1)
        return next(line.strip() for line in said.splitlines() if f"  {what}: " in line)

    assert "no master key" in await told("master key")
    master.ensure(path)
    await _sealing(database_url, tmp_path)
    assert (await told("master key")).startswith("ok")
    assert (await told("sealed rows")).startswith("ok    sealed rows: 1, 1 of them under key 2")
    path.chmod(0o644)
    assert "can be read by others" in await told("master key")
    await execute(
        database_url, "UPDATE push_devices SET token_sealed = set_byte(token_sealed, 4, 9)"
    )
    assert "fail  sealed rows: 1 under keys that are gone" in await told("sealed rows")
    path.unlink()
    master.ensure(path)
    assert "which is not here" in await told("master key")
