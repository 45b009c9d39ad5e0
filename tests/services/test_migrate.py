"""The claims of muster/stores/migrate.py."""

import asyncio
import secrets

import asyncpg
import pytest

from muster.cli.__main__ import main
from muster.stores.migrate import Patience, migrate
from muster.stores.migrations.execute import MigrationError


async def test_a_fresh_database_comes_forward_to_the_newest_revision(
    empty_database_url: str,
) -> None:
    """`migrate` answers the revision that the database is at afterwards."""
    revision = await migrate(empty_database_url)
    connection = await asyncpg.connect(empty_database_url)
    try:
        assert await connection.fetchval("SELECT version_num FROM alembic_version") == revision
    finally:
        await connection.close()


async def test_many_processes_may_migrate_at_once(empty_database_url: str) -> None:
    """One goes forward, the others wait for it and agree."""
    async with asyncio.TaskGroup() as group:
        tries = [group.create_task(migrate(empty_database_url)) for _ in range(5)]
    assert len({each.result() for each in tries}) == 1


async def test_a_second_migrate_changes_nothing(database_url: str, empty_database_url: str) -> None:
    """The template is forward already; going forward again ends at the same place."""
    assert await migrate(database_url) == await migrate(empty_database_url)


async def test_the_command_migrates_what_the_setting_names(
    empty_database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """`muster migrate` tells the revision; in a thread, because it runs a loop of its own."""
    environ = {"MUSTER_DATABASE_URL": empty_database_url}
    assert await asyncio.to_thread(main, ["migrate"], environ) == 0
    assert "is at revision" in capsys.readouterr().out


def test_the_command_names_a_database_that_is_not_there(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Which and where, without the password; it does not wait: whoever calls it may."""
    url = "postgresql://app:hunter2@127.0.0.1:1/app"  # where nobody ever listens
    assert main(["migrate"], {"MUSTER_DATABASE_URL": url}) == 1
    said = capsys.readouterr().err
    assert "no database at postgresql://app:***@" in said
    assert "hunter2" not in said


async def test_a_database_that_allows_too_little_is_a_sentence(
    empty_database_url: str,
) -> None:
    """An account that may not create tables is told so, and nothing is half done."""
    owner = await asyncpg.connect(empty_database_url)
    role = f"reader_{secrets.token_hex(4)}"
    await owner.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'x'")
    try:
        host = empty_database_url.split("@", 1)[1]
        with pytest.raises(MigrationError, match="permission denied"):
            await migrate(f"postgresql://{role}:x@{host}")
    finally:
        await owner.execute(f"DROP ROLE {role}")
        await owner.close()


@pytest.mark.parametrize("how", ["read", "made"])
async def test_a_table_in_use_is_let_go_of_again_and_again(
    empty_database_url: str, how: str
) -> None:
    """A dump holds it: whoever waits behind the migration waits a moment, and at last it is a plain sentence."""
    if how == "read":  # by Alembic, before any step
        await migrate(empty_database_url)
    held = (
        "LOCK TABLE alembic_version" if how == "read" else "CREATE TABLE installation (held text)"
    )
    holder = await asyncpg.connect(empty_database_url)
    transaction = holder.transaction()
    try:
        async with asyncio.TaskGroup() as group:
            await transaction.start()
            await holder.execute(held)
            with pytest.raises(MigrationError, match="stays in use"):
                await migrate(empty_database_url, patience=Patience(0.05, 2, 0.0))
            waiting = group.create_task(
                migrate(empty_database_url, patience=Patience(0.05, 1_000, 0.01))
            )
            await asyncio.wait([waiting], timeout=0.2)
            assert not waiting.done()
            await transaction.rollback()
        assert waiting.result() == await migrate(empty_database_url)
    finally:
        await holder.close()
