"""The claims of `muster people`: who somebody is, and who is staff."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from muster.cli.__main__ import main
from muster.ids import CONTROL_ROOM
from tests.vocabulary import log_of, new_id, person


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    try:
        yield connection
    finally:
        await connection.close()


async def _people(url: str, *arguments: str) -> int:
    return await asyncio.to_thread(main, ["people", *arguments], {"MUSTER_DATABASE_URL": url})


async def test_promoting_makes_staff_and_ends_no_session(
    database: asyncpg.Connection, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Handles in any case; doing it again changes nothing."""
    ada = await person(database, "ada")
    assert await _people(database_url, "promote", "ADA", "--role", "support") == 0
    role = await database.fetchval("SELECT service_role FROM people WHERE person_id = $1", ada)
    assert role == "support"
    assert await log_of(database, CONTROL_ROOM) == []
    capsys.readouterr()
    assert await _people(database_url, "promote", "ada", "--role", "support") == 0
    assert "is support already" in capsys.readouterr().out
    acts = await database.fetch("SELECT action, actor_as FROM audit")
    assert [tuple(row) for row in acts] == [("promote", "operator")]


async def test_who_loses_rights_is_logged_out(
    database: asyncpg.Connection, database_url: str
) -> None:
    """Tokens say the old role; the control log tells every hub not to believe them."""
    ada = await person(database, "ada")
    await _people(database_url, "promote", "ada", "--role", "admin")
    await database.execute(
        "INSERT INTO sessions (session_id, person_id, device_id, expires_at)"
        " VALUES ($1, $2, $1, now() + interval '1 day')",
        new_id(),
        ada,
    )
    assert await _people(database_url, "promote", "ada", "--role", "user") == 0
    assert await database.fetchval("SELECT count(*) FROM sessions WHERE revoked_at IS NULL") == 0
    assert [row["kind"] for row in await log_of(database, CONTROL_ROOM)] == ["revoke"]
    assert await database.fetchval("SELECT count(*) FROM publish_leases") == 0


async def test_show_tells_who_that_is(
    database: asyncpg.Connection, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """By handle or id."""
    ada = await person(database, "ada")
    for who in ("@ada", str(ada)):
        assert await _people(database_url, "show", who) == 0
        shown = capsys.readouterr().out
        assert str(ada) in shown
        assert "role      user" in shown


async def test_nobody_of_that_name_is_exit_code_1(
    database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """For both actions."""
    assert await _people(database_url, "show", "zoe") == 1
    assert await _people(database_url, "promote", "zoe", "--role", "admin") == 1
    assert capsys.readouterr().err.count("nobody is called zoe") == 2


async def test_a_role_there_is_not_is_misuse(database_url: str) -> None:
    """Refused before any database is asked."""
    with pytest.raises(SystemExit) as ended:
        main(["people", "promote", "ada", "--role", "king"], {"MUSTER_DATABASE_URL": database_url})
    assert ended.value.code == 2


async def test_without_a_database_or_a_schema_it_says_what_to_do(
    empty_database_url: str, capsys: pytest.CaptureFixture[str], tmp_path: object
) -> None:
    """Exit codes 2 and 1."""
    nothing = {"MUSTER_DATA": str(tmp_path)}
    assert await asyncio.to_thread(main, ["people", "show", "ada"], nothing) == 2
    assert "MUSTER_DATABASE_URL" in capsys.readouterr().err
    assert await _people(empty_database_url, "show", "ada") == 1
    assert "muster migrate" in capsys.readouterr().err


async def test_somebody_is_forgotten_by_an_operator(
    database: asyncpg.Connection, database_url: str
) -> None:
    """Only who says that it is meant; the audit says that it was an operator, and it begins at once."""
    ada = await person(database, "ada")
    assert await _people(database_url, "erase", "ada") == 2
    assert await database.fetchval("SELECT count(*) FROM erasures") == 0
    assert await _people(database_url, "erase", "ada", "--yes") == 0
    row = await database.fetchrow("SELECT person_id, asked_as, due_at <= now() FROM erasures")
    assert tuple(row or ()) == (ada, "operator", True)
    acts = await database.fetch("SELECT action, actor_as FROM audit")
    assert [tuple(row) for row in acts] == [("erase", "operator")]
    await database.execute("UPDATE people SET erased_at = now()")
    assert await _people(database_url, "erase", "ada", "--yes") == 1
