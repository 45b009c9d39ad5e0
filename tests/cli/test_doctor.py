"""The claims of `muster doctor` against real services."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from redis.asyncio import Redis

from loadtest.torture.cluster import RedisCluster
from muster import keys, master
from muster.cli.__main__ import main
from muster.services import runfile
from muster.services.runfile import Running
from muster.stores.postgres.installation import join_installation
from tests.cli.sql import execute

Shell = Mapping[str, str]


@pytest.fixture
def shell(tmp_path: Path, database_url: str, redis_url: str) -> Shell:
    """The environment of somebody with a sound installation."""
    keys.ensure_key(tmp_path / "keys")
    master.ensure(tmp_path / "keys" / "master.key")
    return {
        "MUSTER_DATA": str(tmp_path),
        "MUSTER_DATABASE_URL": database_url,
        "MUSTER_REDIS_URL": redis_url,
    }


async def _doctor(shell: Shell) -> int:
    return await asyncio.to_thread(main, ["doctor"], shell)


async def test_a_sound_installation_passes(
    shell: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 0, and no line that fails; no password is shown."""
    code = await _doctor(shell)
    shown = capsys.readouterr().out
    assert (code, "  fail" in shown) == (0, False), shown
    assert "warn  audit: our role has rights above it" in shown, "a superuser's"
    for url in (shell["MUSTER_DATABASE_URL"], shell["MUSTER_REDIS_URL"]):
        assert url.split("@")[0].rsplit(":", 1)[1] not in shown


async def test_a_database_that_may_lose_acks_fails(
    shell: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    """As this database has it, whatever the server's default is."""
    url = shell["MUSTER_DATABASE_URL"]
    name = url.rsplit("/", 1)[1]
    await execute(url, f"ALTER DATABASE {name} SET synchronous_commit = off")
    assert await _doctor(shell) == 1
    assert "fail  synchronous_commit: off" in capsys.readouterr().out


async def test_lanes_that_were_not_recorded_fail(
    shell: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before a hub refuses to start."""
    connection = await asyncpg.connect(shell["MUSTER_DATABASE_URL"])
    try:
        await join_installation(connection, 8, uuid4())
    finally:
        await connection.close()
    assert await _doctor(shell) == 1
    assert "set MUSTER_LANES=8" in capsys.readouterr().out


async def test_a_restore_shows_as_another_timeline(
    shell: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    """A warning: it works on, and phones are to be told."""
    connection = await asyncpg.connect(shell["MUSTER_DATABASE_URL"])
    try:
        await join_installation(connection, 16, uuid4())
        await connection.execute("UPDATE installation SET timeline = timeline + 6")
    finally:
        await connection.close()
    assert await _doctor(shell) == 0
    assert "warn  generation" in capsys.readouterr().out


async def test_a_lease_left_over_fails(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    """No hub runs here that would take it."""
    await execute(
        shell["MUSTER_DATABASE_URL"],
        "INSERT INTO publish_leases VALUES (gen_random_uuid(), now() - interval '1 hour',"
        " ARRAY[gen_random_uuid()], ARRAY[1], ARRAY[2])",
    )
    assert await _doctor(shell) == 1
    assert "fail  unpublished" in capsys.readouterr().out


async def test_an_empty_database_has_no_schema(
    shell: Shell, empty_database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A sentence, not a traceback over a missing table."""
    assert await _doctor({**shell, "MUSTER_DATABASE_URL": empty_database_url}) == 1
    assert "run `muster migrate`" in capsys.readouterr().out


async def test_a_redis_that_evicts_fails(
    shell: Shell, fresh_redis_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Read without CONFIG, which managed ones do not allow."""
    redis = Redis.from_url(fresh_redis_url)
    async with redis:
        await redis.config_set("maxmemory-policy", "allkeys-lru")
    assert await _doctor({**shell, "MUSTER_REDIS_URL": fresh_redis_url}) == 1
    assert "fail  maxmemory-policy: allkeys-lru" in capsys.readouterr().out


async def test_every_primary_of_a_cluster_is_looked_at(
    shell: Shell, redis_cluster: RedisCluster, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each with its own clock and memory; without the setting it is no bus for us."""
    clustered = {**shell, "MUSTER_REDIS_URL": redis_cluster.url}
    assert await _doctor({**clustered, "MUSTER_REDIS_CLUSTER": "1"}) == 0
    assert capsys.readouterr().out.count("clock of Redis") == len(redis_cluster.urls)
    assert await _doctor(clustered) == 1
    assert "set MUSTER_REDIS_CLUSTER=1" in capsys.readouterr().out


async def test_services_that_are_not_there_fail(
    shell: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both are named, each with its own reason."""
    nowhere = "127.0.0.1:1"
    absent = {
        **shell,
        "MUSTER_DATABASE_URL": f"postgresql://muster:hunter2@{nowhere}/muster",
        "MUSTER_REDIS_URL": f"redis://:hunter2@{nowhere}/0",
    }
    assert await _doctor(absent) == 1
    shown = capsys.readouterr().out
    assert shown.count("fail  answer") == 2
    assert "hunter2" not in shown


async def test_nothing_known_says_what_to_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Three things: keys, database, Redis."""
    assert await _doctor({"MUSTER_DATA": str(tmp_path)}) == 1
    shown = capsys.readouterr().out
    for setting in ("MUSTER_KEYS_DIR", "MUSTER_DATABASE_URL", "MUSTER_REDIS_URL"):
        assert setting in shown


async def test_a_key_that_others_may_read_is_a_warning(
    shell: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    """It works, and whoever reads it is anybody."""
    [key] = (Path(shell["MUSTER_DATA"]) / "keys").glob("*.pem")
    key.chmod(0o644)
    assert await _doctor(shell) == 0
    assert f"warn  signing keys: {key.name}" in capsys.readouterr().out


async def test_a_process_that_does_not_answer_fails(
    shell: Shell, capsys: pytest.CaptureFixture[str]
) -> None:
    """Found in the run file, which also says where everything else is."""
    runfile.write(
        Path(shell["MUSTER_DATA"]),
        Running(
            pid=1,
            api_url="http://127.0.0.1:1",
            hub_urls=("ws://127.0.0.1:1",),
            database_url=shell["MUSTER_DATABASE_URL"],
            redis_url=shell["MUSTER_REDIS_URL"],
            keys_dir=str(Path(shell["MUSTER_DATA"]) / "keys"),
            tls_cert=None,
            children={},
        ),
    )
    assert await _doctor({"MUSTER_DATA": shell["MUSTER_DATA"]}) == 1
    shown = capsys.readouterr().out
    assert "fail  hub 1: no answer" in shown
    assert "fail  api: no answer" in shown
    assert shown.count("  fail") == 2
