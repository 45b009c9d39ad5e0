"""Owns running mocks for a test, and a worker's view of them: its files, its tokens, its connections."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import jwt
import msgspec
import pytest
import pytest_asyncio

from loadtest.mocks.admin import Admin
from loadtest.mocks.mocks import SERVICES, Mocks, running
from loadtest.ports import reserved_ports
from tests.mocks.client import Answer, Client, connected

PHONE = "ab" * 32
OTHER = "cd" * 32
ANDROID = "fcm-registration-token-of-a-phone:APA91b"
ALERT = msgspec.json.encode({"aps": {"alert": {"title": "Ada", "body": "Hello"}}})


class Scene:
    """Mocks, and everything one needs to speak to them."""

    def __init__(self, mocks: Mocks, directory: Path, port: int) -> None:
        self.mocks = mocks
        self.directory = directory
        self.port = port
        self.kit = mocks.kit
        self._bearer = ""
        self._since_ms = 0

    def bearer(self) -> str:
        """One provider token for all connections, made anew when it is old, as a good worker does."""
        now_ms = self.mocks.notes.clock.now_ms()
        if now_ms - self._since_ms > 3_000_000:
            self._bearer, self._since_ms = f"bearer {self.provider_token()}", now_ms
        return self._bearer

    def at(self, service: str) -> AbstractAsyncContextManager[Client]:
        """A connection to it."""
        number = 1 + SERVICES.index(service)
        return connected(self.port + number, str(self.directory / self.kit.ca))

    def provider_token(self, *, age_s: float = 0.0, **changed: Any) -> str:
        """As a worker signs it; `changed`: kid, iss, key, alg."""
        now_s = self.mocks.notes.clock.now_ms() / 1_000
        key = changed.get("key") or (self.directory / self.kit.apns_key).read_bytes()
        claims = {"iss": changed.get("iss", self.kit.apns_team_id), "iat": int(now_s - age_s)}
        return jwt.encode(
            claims,
            key,
            algorithm=changed.get("alg", "ES256"),
            headers={"kid": changed.get("kid", self.kit.apns_key_id)},
        )

    def push_headers(self, **changed: str | None) -> list[tuple[str, str]]:
        """What every push has; a keyword names a header without its `apns-`, None leaves it out."""
        headers: dict[str, str | None] = {
            "authorization": self.bearer(),
            "apns-topic": self.kit.apns_topics[0],
            "apns-push-type": "alert",
        }
        for name, value in changed.items():
            whole = name if name == "authorization" else f"apns-{name.replace('_', '-')}"
            headers[whole] = value
        return [(name, value) for name, value in headers.items() if value is not None]

    async def push(
        self, client: Client, token: str = PHONE, body: bytes = ALERT, **changed: str | None
    ) -> Answer:
        """To Apple."""
        return await client.request(
            "POST", f"/3/device/{token}", self.push_headers(**changed), body
        )

    def assertion(self, **changed: Any) -> str:
        """As a worker signs it for an access token."""
        account = msgspec.json.decode((self.directory / self.kit.service_account).read_bytes())
        now_s = int(self.mocks.notes.clock.now_ms() / 1_000)
        key = changed.pop("key", account["private_key"])
        claims = {
            "iss": account["client_email"],
            "aud": account["token_uri"],
            "scope": "https://www.googleapis.com/auth/firebase.messaging",
            "iat": now_s,
            "exp": now_s + 3_600,
        }
        return jwt.encode({**claims, **changed}, key, algorithm="RS256")

    async def grant(self, client: Client, assertion: str | None = None) -> Answer:
        """From Google's token endpoint."""
        grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
        form = httpx.QueryParams(grant_type=grant, assertion=assertion or self.assertion())
        headers = [("content-type", "application/x-www-form-urlencoded")]
        return await client.request("POST", "/token", headers, str(form).encode())

    def access(self) -> str:
        """An access token, without the way to it."""
        return self.mocks.notes.access.give()

    async def message(
        self, client: Client, message: object, access: str | None = None, **more: object
    ) -> Answer:
        """To FCM."""
        headers = [("authorization", f"Bearer {access or self.access()}")]
        body = msgspec.json.encode({"message": message, **more})
        path = f"/v1/projects/{self.kit.project}/messages:send"
        return await client.request("POST", path, headers, body)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """One set of mocks for all tests: keys and certificates take longer than most of these."""
    directory = tmp_path_factory.mktemp("mock-push")
    with reserved_ports(5) as port:
        async with running(directory, port) as mocks:
            yield Scene(mocks, directory, port)


@pytest_asyncio.fixture(loop_scope="session")
async def scene(shared: Scene) -> AsyncIterator[Scene]:
    """As if they had just begun."""
    yield Scene(shared.mocks, shared.directory, shared.port)
    await _closed(shared.mocks)
    await shared.mocks.reset()


@pytest_asyncio.fixture(loop_scope="session")
async def admin(scene: Scene) -> AsyncIterator[httpx.AsyncClient]:
    """The admin API, without a port."""
    async with administering(scene.mocks) as client:
        yield client


@asynccontextmanager
async def administering(mocks: Mocks) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=Admin(mocks).app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


async def _closed(mocks: Mocks) -> None:
    """What the test closed is closed on the other side as well."""
    async with asyncio.timeout(5):
        for listener in mocks.listeners.values():
            while listener.connections:  # noqa: ASYNC110  # nothing tells of it but the loop's next turn
                await asyncio.sleep(0)
