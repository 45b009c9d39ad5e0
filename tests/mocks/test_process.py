"""The mocks as a process: `muster mock-push` keeps them, and a worker finds all it needs in one directory."""

import asyncio
import os
import signal
import ssl
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import jwt
import msgspec
import pytest

from loadtest.mocks.kit import Kit
from loadtest.ports import reserved_ports
from muster.clock import SystemClock
from muster.config import Settings
from muster.services.child import ServiceFailedError
from muster.services.mock_push import mock_push, page_url, worker_files

_PHONE = "ef" * 32


@asynccontextmanager
async def _muster(settings: Settings) -> AsyncIterator[asyncio.subprocess.Process]:
    """`muster mock-push`, ready."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "muster", "mock-push"),
        env={**os.environ, **settings.to_env()},
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            while b"ready" not in await process.stdout.readline():
                assert process.returncode is None
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def _pushed(directory: Path) -> int:
    """Push as a worker that knows this directory alone; the status."""
    kit = msgspec.json.decode((directory / "mock-push.json").read_bytes(), type=Kit)
    account = msgspec.json.decode((directory / kit.service_account).read_bytes())
    assert account["token_uri"] == kit.token_url
    token = jwt.encode(
        {"iss": kit.apns_team_id, "iat": SystemClock().now_ms() // 1_000},
        (directory / kit.apns_key).read_bytes(),
        algorithm="ES256",
        headers={"kid": kit.apns_key_id},
    )
    headers = {
        "authorization": f"bearer {token}",
        "apns-topic": kit.apns_topics[0],
        "apns-push-type": "alert",
    }
    trusting = ssl.create_default_context(cafile=str(directory / kit.ca))
    async with httpx.AsyncClient(http2=True, verify=trusting) as http:
        answer = await http.post(
            f"{kit.apns_url}/3/device/{_PHONE}", headers=headers, json={"aps": {"alert": "Hello"}}
        )
    assert answer.http_version == "HTTP/2"
    return answer.status_code


async def test_a_worker_needs_one_directory_and_outlives_a_restart(tmp_path: Path) -> None:
    """Keys and authority stay the same; the page says what came; Ctrl-C leaves nothing."""
    with reserved_ports(5) as port:
        settings = Settings(data_dir=tmp_path, mock_push_port=port)
        async with _muster(settings) as process:
            directory = worker_files(settings)
            held = {path.name: path.read_bytes() for path in directory.glob("*")}
            assert {"ca.pem", "mock-push.json", "service-account.json"} < set(held)
            assert await _pushed(directory) == 200
            async with httpx.AsyncClient(base_url=page_url(settings)) as http:
                assert "Hello" in (await http.get("/")).text
                assert (await http.get("/phones.js")).status_code == 200
            process.send_signal(signal.SIGINT)
            assert await process.wait() == 0
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        async with _muster(settings):
            again = {path.name: path.read_bytes() for path in directory.glob("*")}
            assert {name for name in held if held[name] != again[name]} == {"server.pem"}
            assert await _pushed(directory) == 200


async def test_a_port_that_is_taken_is_said_so(tmp_path: Path) -> None:
    """Whichever of the five, before anything is started."""
    with reserved_ports(5) as port:
        server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", port + 3)
        async with server:
            settings = Settings(data_dir=tmp_path, mock_push_port=port)
            with pytest.raises(ServiceFailedError, match=f"{port + 3}.*MUSTER_MOCK_PUSH_PORT"):
                await mock_push(settings, {}).program()
