"""The claims of `muster keys`: service keys are made, listed and ended; a word is shown once."""

import asyncio

import asyncpg
import pytest

from muster.cli.__main__ import main
from muster.service_keys import read_word


async def _keys(url: str, *arguments: str) -> int:
    environ = {"MUSTER_DATABASE_URL": url}
    return await asyncio.to_thread(main, ["keys", "service", *arguments], environ)


async def test_a_key_is_shown_once_and_ended_for_good(
    database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is kept is a hash; what is listed is no secret."""
    assert (
        await _keys(database_url, "add", "shop", "--scope", "post", "--scope", "rooms:write") == 0
    )
    word = capsys.readouterr().out.strip()
    parts = read_word(word)
    assert parts is not None
    assert await _keys(database_url, "list") == 0
    listed = capsys.readouterr().out
    assert "shop" in listed
    assert "post, rooms:write" in listed
    assert "never" in listed
    secret = word.split("_", 2)[2]
    assert secret not in listed
    connection = await asyncpg.connect(database_url)
    assert secret not in str(await connection.fetchrow("SELECT * FROM service_keys"))
    await connection.close()
    assert await _keys(database_url, "revoke", str(parts[0])) == 0
    assert await _keys(database_url, "revoke", str(parts[0])) == 1
    capsys.readouterr()
    assert await _keys(database_url, "list") == 0
    assert "revoked" in capsys.readouterr().out


async def test_keys_that_cannot_be(database_url: str) -> None:
    """A scope nobody knows, a life of nothing."""
    assert await _keys(database_url, "add", "x", "--scope", "post", "--days", "0") == 2
    with pytest.raises(SystemExit):
        await _keys(database_url, "add", "x", "--scope", "everything")
    with pytest.raises(SystemExit):
        await _keys(database_url, "add", "x")


def test_without_more_words_it_makes_a_signing_key(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    """As before there were service keys."""
    directory = tmp_path_factory.mktemp("keys")
    assert main(["keys"], {"MUSTER_KEYS_DIR": str(directory)}) == 0
    assert capsys.readouterr().out.strip() == str(next(directory.glob("*.pem")))
