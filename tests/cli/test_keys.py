"""The claims of `muster keys`: signing keys rotate; service keys are made, listed and ended, a word is shown once."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from muster.cli.__main__ import main
from muster.keys import load, new_key, next_kids
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


def test_signing_keys_are_rotated_and_listed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A next key is published first and signs when it is old enough; what it replaced is kept and listed."""
    environ = {"MUSTER_KEYS_DIR": str(tmp_path), "MUSTER_DATA": str(tmp_path / "data")}
    assert main(["keys"], environ) == 1
    assert "muster up" in capsys.readouterr().err
    first = new_key(tmp_path)
    assert main(["keys", "rotate"], environ) == 0
    [following] = next_kids(tmp_path)
    assert following in capsys.readouterr().out
    assert load(tmp_path).current_kid == first
    assert main(["keys", "rotate"], environ) == 1
    assert "too new" in capsys.readouterr().err
    # As if it had been published yesterday.
    aged = f"20200102{following[8:]}"
    (tmp_path / f"{following}.next").rename(tmp_path / f"{aged}.next")
    (tmp_path / f"{first}.pem").rename(tmp_path / "20200101T000000Z-00000000.pem")
    assert main(["keys", "rotate"], environ) == 0
    assert load(tmp_path).current_kid == aged
    capsys.readouterr()
    assert main(["keys", "list"], environ) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["next", "current", "previous"]
    assert "goes after" in lines[2]
    assert main(["keys", "prune"], environ) == 0
    assert "nothing" in capsys.readouterr().out
    assert main(["keys", "rotate", "--compromised"], environ) == 0
    assert set(load(tmp_path).publics).isdisjoint({first, aged, following})
