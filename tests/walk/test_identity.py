"""Keys that change and tokens that are refreshed while everybody talks: over REST, and on both hubs."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import jwt
import pytest

from loadtest.client.connection import Closed, Connection
from loadtest.stack import Stack
from muster.keys import load
from muster.rotation import replace, rotate
from proto.codes import Close
from proto.frames import Auth, Ok, Ready, Refresh

pytestmark = pytest.mark.asyncio(loop_scope="session")
PASSWORD = "a long enough password"


class Holder:
    """Somebody's tokens, and a client that asks with them."""

    def __init__(self, http: httpx.AsyncClient, grant: dict[str, Any]) -> None:
        self.http = http
        self.grant = grant

    @property
    def access(self) -> str:
        return str(self.grant["access_token"])

    async def refresh(self, token: str | None = None) -> httpx.Response:
        body = {"refresh_token": token or self.grant["refresh_token"]}
        return await self.http.post("/v1/sessions/refresh", json=body)

    async def refreshed(self) -> str:
        answer = await self.refresh()
        assert answer.status_code == 200, answer.text
        self.grant = answer.json()
        return self.access

    async def me(self) -> int:
        bearer = {"Authorization": f"Bearer {self.access}"}
        return (await self.http.get("/v1/me", headers=bearer)).status_code


@asynccontextmanager
async def somebody(stack: Stack) -> AsyncIterator[Holder]:
    """A new person, logged in."""
    async with httpx.AsyncClient(base_url=stack.api_url, timeout=10.0) as http:
        who = {"handle": f"kim_{secrets.token_hex(4)}", "password": PASSWORD}
        assert (await http.post("/v1/people", json=who)).status_code == 201
        answer = await http.post("/v1/sessions", json={**who, "install": "phone"})
        yield Holder(http, answer.json())


@asynccontextmanager
async def sockets(stack: Stack, token: str) -> AsyncIterator[list[tuple[Connection, Any]]]:
    """One socket on each hub, authenticated, each with the task that reads it."""
    opened = []
    async with asyncio.TaskGroup() as tasks:
        for number, url in enumerate(stack.hub_urls):
            connection = await Connection.open(url, lambda _: None)
            reading: asyncio.Task[Closed] = tasks.create_task(connection.read())
            ready = await connection.request(Auth(0, token, install=f"phone-{number}"))
            assert isinstance(ready, Ready)
            opened.append((connection, reading))
        yield opened
        for connection, _ in opened:
            await connection.close()


async def test_keys_rotate_while_everybody_goes_on(stack: Stack) -> None:
    """No request and no socket is refused for it, and what was signed before is believed after."""
    keys = stack.data / "keys"
    async with somebody(stack) as kim, sockets(stack, kim.access) as opened:
        before = load(keys).current_kid
        refused: list[object] = []

        async def goes_on(until: Callable[[], bool]) -> None:
            while not until():
                token = await kim.refreshed()
                answers = [await connection.request(Refresh(0, token)) for connection, _ in opened]
                refused.extend(answer for answer in answers if not isinstance(answer, Ok))
                if await kim.me() != 200:
                    refused.append(token)

        old = await kim.refreshed()
        # The next key has been published since the start, so that it need not wait any longer.
        done = rotate(keys, datetime.now(UTC), 3_600, published_s=0)
        assert (done.promoted, done.current != before) == (True, True)
        async with asyncio.timeout(15):
            await goes_on(lambda: _kid(kim.access) == done.current)
        assert refused == []
        assert _kid(old) == before
        for connection, _ in opened:
            assert isinstance(await connection.request(Refresh(0, old)), Ok)
        published = (await kim.http.get("/.well-known/jwks.json")).json()["keys"]
        assert {before, done.current, done.next} <= {key["kid"] for key in published}


async def test_keys_that_were_stolen_are_worth_nothing_and_nobody_logs_in_anew(
    stack: Stack,
) -> None:
    """Their tokens end on every process; refresh tokens are none of theirs, and give new ones at once."""
    async with somebody(stack) as kim:
        stolen = kim.access
        done = replace(stack.data / "keys")
        async with asyncio.timeout(15):
            while _kid(kim.access) != done.current:
                await kim.refreshed()
        assert await kim.me() == 200
        async with sockets(stack, kim.access):
            pass
        kim.grant["access_token"] = stolen
        assert await kim.me() == 401


async def test_fifty_refreshes_at_once_are_one_chain_on_every_hub(stack: Stack) -> None:
    """All fifty get the same successor and tokens that both hubs take; the thief's ends it on both."""
    async with somebody(stack) as kim, sockets(stack, kim.access) as opened:
        first = kim.grant["refresh_token"]
        answers = await asyncio.gather(*(kim.refresh() for _ in range(50)))
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.json()["refresh_token"] for answer in answers}) == 1
        for number, answer in enumerate(answers[:8]):
            connection, _ = opened[number % len(opened)]
            frame = Refresh(0, answer.json()["access_token"])
            assert isinstance(await connection.request(frame), Ok)
        kim.grant = answers[0].json()
        await kim.refreshed()
        assert (await kim.refresh(first)).status_code == 401
        async with asyncio.timeout(5):
            ended = [await reading for _, reading in opened]
        assert [closed.code for closed in ended] == [Close.revoked] * len(opened)
        assert (await kim.refresh()).status_code == 401


def _kid(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])
