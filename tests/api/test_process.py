"""`python -m api`: how the process starts, stops, and waits for what is not there."""

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from muster import keys, master
from muster.config import Settings
from tests.api.door import PASSWORD


@asynccontextmanager
async def _process(settings: Settings) -> AsyncIterator[Process]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MUSTER_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "api", env={**kept, **settings.to_env()}, stderr=PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def _settings(database_url: str, redis_url: str, tmp_path: Path, port: int) -> Settings:
    keys.ensure_key(tmp_path)
    master.ensure(tmp_path / "master.key")
    return Settings(
        database_url=database_url,
        redis_url=redis_url,
        keys_dir=tmp_path,
        api_port=port,
        password_memory_kib=64,
        password_passes=1,
    )


async def _listening(process: Process) -> None:
    """Read what the process says until it listens."""
    assert process.stderr is not None
    async with asyncio.timeout(20):
        while b'"listening"' not in await process.stderr.readline():
            assert not process.stderr.at_eof()


async def _register(client: httpx.AsyncClient, handle: str) -> int | None:
    """The status, or None if the server is no longer to be reached."""
    try:
        answer = await client.post("/v1/people", json={"handle": handle, "password": PASSWORD})
    except httpx.ConnectError:
        return None
    return answer.status_code


async def test_what_was_asked_is_answered_before_it_stops(
    database_url: str, redis_url: str, tmp_path: Path, own_port: int
) -> None:
    """SIGTERM lets requests in flight finish, ends with 0, and leaves no connection behind."""
    settings = _settings(database_url, redis_url, tmp_path, own_port)
    async with (
        _process(settings) as process,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{settings.api_port}") as client,
    ):
        await _listening(process)
        async with asyncio.TaskGroup() as tasks:
            asked = [tasks.create_task(_register(client, f"ada{n}")) for n in range(20)]
            await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
            process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 10) == 0
    # Those that had not reached the server yet are refused; none that had is cut off.
    statuses = {one.result() for one in asked}
    assert 201 in statuses
    assert statuses <= {201, None}


async def test_a_process_fires_what_is_due(
    database_url: str, redis_url: str, tmp_path: Path, own_port: int
) -> None:
    """Nobody asks again: the message is there after its time, posted by the process itself."""
    settings = replace(_settings(database_url, redis_url, tmp_path, own_port), jobs_every_s=0.05)
    url = f"http://127.0.0.1:{settings.api_port}"
    async with _process(settings) as process, httpx.AsyncClient(base_url=url) as client:
        await _listening(process)
        assert await _register(client, "ada") == 201
        login = {"handle": "ada", "password": PASSWORD, "install": "phone"}
        token = (await client.post("/v1/sessions", json=login)).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        made = await client.post("/v1/rooms", json={"kind": "group", "title": "a room"})
        room = f"/v1/rooms/{made.json()['id']}"
        at_ms = time.time_ns() // 1_000_000 + 500
        message = {"client_id": "c", "at_ms": at_ms, "text": "good morning"}
        assert (await client.post(f"{room}/scheduled", json=message)).status_code == 201
        posted: list[dict[str, Any]] = []
        async with asyncio.timeout(10):
            while not posted:
                page = (await client.get(f"{room}/history")).json()
                posted = [entry for entry in page["entries"] if entry["kind"] == "post"]
        assert posted[0]["body"]["text"] == "good morning"
        assert posted[0]["at_ms"] >= at_ms
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 10) == 0


async def test_it_waits_for_postgres_and_can_be_stopped_meanwhile(
    redis_url: str, tmp_path: Path, own_port: int
) -> None:
    """It says what it misses and where, without the password, and ends when told to."""
    nowhere = "postgresql://muster:secret@127.0.0.1:1/muster"
    settings = _settings(nowhere, redis_url, tmp_path, own_port)
    async with _process(settings) as process:
        assert process.stderr is not None
        said = (await asyncio.wait_for(process.stderr.readline(), 20)).decode()
        assert "Postgres at postgresql://muster:***@127.0.0.1:1/muster" in said
        with pytest.raises(ConnectionRefusedError):  # nobody hangs on a door that does not open
            await asyncio.open_connection("127.0.0.1", settings.api_port)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 10) == 0


async def test_a_taken_port_is_a_sentence(
    database_url: str, redis_url: str, tmp_path: Path, own_port: int
) -> None:
    """Not a traceback."""
    settings = _settings(database_url, redis_url, tmp_path, own_port)
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", settings.api_port)
    async with server, _process(settings) as process:
        _, said = await asyncio.wait_for(process.communicate(), 20)
        assert process.returncode == 1
        assert said.startswith(b"muster api: cannot listen")


async def test_a_list_of_passwords_that_cannot_be_read_is_a_sentence(
    database_url: str, redis_url: str, tmp_path: Path, own_port: int
) -> None:
    """Who asked for a list does not get a door without one."""
    nowhere = tmp_path / "pwned.txt"
    settings = _settings(database_url, redis_url, tmp_path, own_port)
    async with _process(replace(settings, breached_file=nowhere)) as process:
        _, said = await asyncio.wait_for(process.communicate(), 20)
        assert process.returncode == 1
        assert f"{nowhere} cannot be read" in said.decode()
        assert "Traceback" not in said.decode()
