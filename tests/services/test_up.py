"""The claims of `muster up`: order, restarts, a clean end, nothing left behind."""

import asyncio
import os
import signal
import socket
from pathlib import Path

import asyncpg
import pytest

from loadtest.ports import reserved_ports
from muster.services import runfile
from tests.services.up import gone, up

pytestmark = pytest.mark.timeout(120)

_DATA_KEY = (
    "INSERT INTO data_keys (key_id, purpose, master, wrapped, seals_from)"
    " VALUES (1, 'seal', '0123456789abcdef', '', now())"
)


async def test_a_signal_stops_all_in_order_and_the_data_stays(tmp_path: Path) -> None:
    """Exit code 0, no process, no run file, a checkpoint; the next run finds what was there."""
    async with up(tmp_path) as muster:
        await muster.line("ready")
        children = muster.children
        assert set(children) == {"postgres", "redis", "hub 1", "api"}
        await _sql(muster.data, "CREATE TABLE kept AS SELECT 7 AS n")
        muster.signal(signal.SIGINT)
        assert await muster.ended() == 0
    await gone(list(children.values()))
    assert not (tmp_path / "run.json").exists()
    assert "database system is shut down" in (tmp_path / "postgres.log").read_text()
    kids = sorted((tmp_path / "keys").iterdir())
    async with up(tmp_path) as muster:
        await muster.line("ready")
        assert await _sql(muster.data, "SELECT n FROM kept") == 7
        muster.signal(signal.SIGTERM)
        assert await muster.ended() == 0
    assert sorted((tmp_path / "keys").iterdir()) == kids


async def test_a_killed_child_is_restarted_and_said_so(tmp_path: Path) -> None:
    """Whichever child dies, it is back on the address it had."""
    async with up(tmp_path) as muster:
        await muster.line("ready")
        for name, pid in muster.children.items():
            os.kill(pid, signal.SIGKILL)
            assert "SIGKILL" in await muster.line(f"{name} was killed")
            await muster.line(f"{name} is back")
        assert await _sql(muster.data, "SELECT 1") == 1


async def test_kill_9_of_the_supervisor_leaves_nothing_behind(tmp_path: Path) -> None:
    """The kernel tells the children; Postgres still ends by a checkpoint."""
    async with up(tmp_path) as muster:
        await muster.line("ready")
        children = list(muster.children.values())
        muster.signal(signal.SIGKILL)
        await muster.ended()
        await gone(children)
    assert runfile.read(tmp_path) is None
    assert "database system is shut down" in (tmp_path / "postgres.log").read_text()


async def test_a_second_up_on_the_same_data_says_so_and_exits(tmp_path: Path) -> None:
    """One sentence, exit code 1, and the first is not disturbed."""
    async with up(tmp_path) as first:
        await first.line("ready")
        async with up(tmp_path) as second:
            said = await second.line("already runs")
            assert str(first.process.pid) in said
            assert await second.ended() == 1
        assert await _sql(tmp_path, "SELECT 1") == 1


async def test_a_data_directory_of_no_use_is_a_sentence(tmp_path: Path) -> None:
    """Not a traceback."""
    (tmp_path / "file").touch()
    async with up(tmp_path / "file") as muster:
        assert "MUSTER_DATA" in await muster.line("cannot be used")
        assert await muster.ended() == 1


async def test_a_taken_port_is_named_with_its_setting(tmp_path: Path) -> None:
    """The sentence says which port and what to set; everything else is stopped again."""
    with socket.create_server(("127.0.0.1", 0)) as occupant:
        port = occupant.getsockname()[1]
        async with up(tmp_path, MUSTER_API_PORT=str(port)) as muster:
            said = await muster.line("cannot listen")
            assert str(port) in said
            assert "MUSTER_API_PORT" in said
            assert await muster.ended() == 1


async def test_ctrl_c_during_the_first_start_is_obeyed(tmp_path: Path) -> None:
    """Even while initdb runs; the next start begins anew."""
    async with up(tmp_path) as muster:
        await muster.line("making a new database cluster")
        muster.signal(signal.SIGINT)
        assert await muster.ended() == 0
    async with up(tmp_path) as muster:
        await muster.line("ready")


async def test_an_orphaned_postgres_is_stopped_first(tmp_path: Path) -> None:
    """A server still on the data directory, of a run that is no more, does not stop the next."""
    async with up(tmp_path) as muster:
        await muster.line("ready")
        postgres = muster.children["postgres"]
        # It cannot obey the signal that the kernel sends it when its supervisor dies.
        os.kill(postgres, signal.SIGSTOP)
        muster.signal(signal.SIGKILL)
        await muster.ended()
    async with up(tmp_path) as muster:
        os.kill(postgres, signal.SIGCONT)
        await muster.line("ready")
        assert await _sql(tmp_path, "SELECT 1") == 1
    await gone([postgres])


async def test_services_of_yours_are_used_instead(
    tmp_path: Path, database_url: str, fresh_redis_url: str
) -> None:
    """Nothing embedded is started for what a URL names."""
    async with up(
        tmp_path, MUSTER_DATABASE_URL=database_url, MUSTER_REDIS_URL=fresh_redis_url
    ) as muster:
        await muster.line("ready")
        assert set(muster.children) == {"hub 1", "api"}
    assert not (tmp_path / "postgres").exists()


async def test_an_absent_database_is_named_without_its_password(tmp_path: Path) -> None:
    """Which, where, and another try: until it appears or we are told to stop."""
    url = "postgresql://app:hunter2@127.0.0.1:1/app"
    async with up(tmp_path, MUSTER_DATABASE_URL=url) as muster:
        said = await muster.line("cannot reach Postgres")
        assert "127.0.0.1:1/app" in said
        await muster.line("cannot reach Postgres")
        muster.signal(signal.SIGTERM)
        assert await muster.ended() == 0
        assert "hunter2" not in "".join(muster.said)


async def test_lan_speaks_tls_with_a_certificate_of_its_own(tmp_path: Path) -> None:
    """Ready means that the doors answered over TLS; the URL is https."""
    async with up(tmp_path, MUSTER_LAN="1") as muster:
        await muster.line("wss://")
        await muster.line("https://")
        assert "https://" in await muster.line("/app")
        await muster.line("ready")
    assert (tmp_path / "dev-key.pem").stat().st_mode & 0o077 == 0


async def test_backups_without_a_key_are_said_before_a_phone_comes(tmp_path: Path) -> None:
    """Better now than on the day they are needed."""
    async with up(tmp_path / "data", MUSTER_BACKUP_DIR=str(tmp_path / "archive")) as muster:
        assert "MUSTER_BACKUP_KEY_FILE" in await muster.line("backups need a key")
        assert await muster.ended() == 1


@pytest.mark.prove  # with SIGKILL at its end it is in tests/walk/test_restore.py
async def test_backups_are_made_where_there_is_a_place_for_them(tmp_path: Path) -> None:
    """By a child of its own that is kept like the others, and ends in order; what its master key seals needs that."""
    with reserved_ports(1) as port:
        told = {"MUSTER_BACKUP_KEY": "0f" * 32, "MUSTER_BACKUP_PORT": str(port)}
        told["MUSTER_BACKUP_DIR"] = str(tmp_path / "archive")
        async with up(tmp_path / "data", **told) as muster:
            await muster.line("ready")
            assert "backups" in muster.children
            await muster.line("a base backup is there")
            await _sql(tmp_path / "data", _DATA_KEY)
            muster.signal(signal.SIGTERM)
            assert await muster.ended() == 0
    assert list((tmp_path / "archive").glob("*/base/*/label"))
    assert list((tmp_path / "archive").glob("*/wal/0*"))
    (tmp_path / "data" / "keys" / "master.key").unlink()
    async with up(tmp_path / "data") as muster:
        assert "0123456789abcdef, which is not here" in await muster.line("put the copy")
        assert await muster.ended() == 1
    assert not (tmp_path / "data" / "keys" / "master.key").exists()


async def test_secrets_are_for_their_owner_alone(tmp_path: Path) -> None:
    """No file that holds a password or a key can be read by others."""
    async with up(tmp_path) as muster:
        await muster.line("ready")
        secret = ["run.json", "postgres.password", "redis.conf"]
        keys = [str(path.relative_to(tmp_path)) for path in (tmp_path / "keys").iterdir()]
        for name in (*secret, *keys):
            assert (tmp_path / name).stat().st_mode & 0o077 == 0, name


async def _sql(data: Path, query: str) -> object:
    running = runfile.read(data)
    assert running is not None
    async with asyncio.timeout(10):
        connection = await asyncpg.connect(running.database_url)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()
