"""Nothing that people are, say or hold gets into a log: of no process, by no field, in no error."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from loadtest.stack import Stack
from muster.route_rules import ROUTE_RULES
from proto import frames, limits
from proto.entry import Poll
from tests.realtime.sockets.door import Peer, masked, until

pytestmark = pytest.mark.asyncio(loop_scope="session")

MARK: Final = "c4n4ry" + secrets.token_hex(4)
PHONE: Final = "+4917099" + str(secrets.randbelow(900_000) + 100_000)
ADDRESS: Final = "127.0.0.99"
FORWARDED: Final = "203.0.113.77"
PASSWORD: Final = f"{MARK} {PHONE} password"
EMAIL: Final = f"{MARK}@example.org"
_LAST: Final = ("/v1/sessions", "/v1/sessions/current", "/v1/me/sessions/{session}")


@dataclass
class Canary:
    """Somebody all of whose words are canaries."""

    stack: Stack
    client: httpx.AsyncClient
    handle: str
    person: str = ""
    room: str = ""
    held: dict[str, str] = field(default_factory=dict)

    async def log_in(self) -> None:
        """Hold a session of one's own."""
        body = {"handle": self.handle, "password": PASSWORD, "install": EMAIL, "app": MARK}
        answer = await self.client.post(
            "/v1/sessions", json={**body, "version": MARK, "platform": MARK}
        )
        assert answer.status_code == 201, answer.text
        self.held = answer.json()
        self.person = self.held["person"]

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """With every header that takes words, and any of them as well."""
        headers = {
            "Authorization": f"Bearer {self.held['access_token']}",
            "User-Agent": MARK,
            "X-Forwarded-For": FORWARDED,
            "X-Request-Id": MARK,
            "Cookie": f"a={MARK}",
            "Referer": f"https://{MARK}/",
            "If-None-Match": MARK,
            MARK: EMAIL,
            **more.pop("headers", {}),
        }
        return await self.client.request(method, path, headers=headers, **more)


def _words(kind: str) -> dict[str, Any]:
    """A body with every field that any route has."""
    return {
        "handle": MARK + secrets.token_hex(2),
        "password": PASSWORD,
        "name": f"{MARK} {PHONE}",
        "bio": EMAIL,
        "email": EMAIL,
        "word": f"mml_{MARK}",
        "new_password": PASSWORD,
        "code": MARK,
        "verifier": MARK,
        "challenge": MARK.ljust(43, "x"),
        "redirect": f"https://{MARK}/",
        "install": PHONE,
        "app": MARK,
        "version": MARK,
        "platform": MARK,
        "refresh_token": f"mrt_{MARK}",
        "kind": kind,
        "title": f"{MARK} {PHONE}",
        "topic": EMAIL,
        "client_id": MARK + secrets.token_hex(4),
        "text": f"call me: {PHONE} or {EMAIL}",
        "meta": {MARK: EMAIL},
        "note": f"{MARK} {PHONE}",
        "seq": 1,
        "role": "member" if kind == "group" else MARK,
        "level": "all" if kind == "group" else MARK,
        "history": "all" if kind == "group" else MARK,
        "provider": "fcm",
        "token": f"{MARK}:{'x' * 40}",
        "locale": "en",
        "zone": "UTC" if kind == "group" else MARK,
        "reason": "spam" if kind == "group" else MARK,
    }


def _bodies() -> list[bytes]:
    """Right, of the wrong kind, of the wrong types, cut off, and no JSON at all."""
    right, wrong = json.dumps(_words("group")), json.dumps(_words(MARK))
    types = json.dumps({name: [MARK] for name in _words("group")})
    return [
        each.encode("utf-8", "surrogatepass")
        for each in (right, wrong, types, right[:-2], f"{MARK}\x00\ud800", right + MARK)
    ]


def _paths(template: str, canary: Canary, other: str) -> list[str]:
    named = {"emoji": MARK[:30], "who": f"@{canary.handle}", "session": str(uuid4())}
    named["device"] = str(uuid4())
    named |= {"job": str(uuid4()), "code": MARK[:30], "webhook": str(uuid4()), "external": MARK, "provider": MARK[:30]}
    named |= {"media": str(uuid4()), "object": MARK}
    named |= {"version": MARK[:30], "file": MARK[:30]}
    right = template.format(room=canary.room, person=other, seq=3, report=uuid4(), **named)
    wrong = template.format(
        room=MARK,
        person=EMAIL,
        seq=PHONE,
        report=MARK,
        session=MARK,
        device=MARK,
        emoji=EMAIL,
        who=EMAIL,
        job=MARK,
        media=MARK,
        object=EMAIL,
        code=EMAIL,
        external=EMAIL,
        provider=EMAIL,
        webhook=MARK,
        version=EMAIL,
        file=EMAIL,
    )
    return [f"{right}?cursor={MARK}&limit={PHONE}&{MARK}={EMAIL}", right, wrong]


@asynccontextmanager
async def _canary(stack: Stack) -> AsyncIterator[Canary]:
    transport = httpx.AsyncHTTPTransport(local_address=ADDRESS)
    async with httpx.AsyncClient(transport=transport, base_url=stack.api_url, timeout=10) as client:
        canary = Canary(stack, client, MARK)
        body = {"handle": MARK, "password": PASSWORD, "name": EMAIL}
        assert (await client.post("/v1/people", json=body)).status_code == 201
        database = await asyncpg.connect(stack.found.database_url)
        try:
            await database.execute(
                "UPDATE people SET service_role = 'admin' WHERE handle = $1", MARK
            )
            await canary.log_in()
            yield canary
        finally:
            await database.close()


async def _knock_everywhere(canary: Canary, other: str) -> None:
    """Every route, by every path and with every body; those that end sessions come last."""
    for method, template in sorted(ROUTE_RULES, key=lambda rule: rule[1] in _LAST):
        for path in _paths(template, canary, other):
            bodies = _bodies() if method in ("POST", "PUT", "PATCH") else [b""]
            for body in bodies:
                await canary.ask(method, path, content=body)
        if template == "/v1/people/{person}/ban":
            await canary.ask("DELETE", template.format(person=other))
    await canary.ask("GET", "/v1/me", headers={"Authorization": f"Bearer {MARK}.{MARK}.{MARK}"})
    await canary.ask("GET", f"/{MARK}/{EMAIL}?{PHONE}")


async def _break_sql(canary: Canary, database: asyncpg.Connection) -> None:
    """A unique violation and a row that Postgres refuses, each with a detail that quotes the row."""
    await database.execute(
        f"CREATE UNIQUE INDEX hostile ON people (name) WHERE name LIKE '{MARK}%'"
    )
    await database.execute(
        "ALTER TABLE entries ADD CONSTRAINT hostile CHECK (text NOT LIKE '%poison%') NOT VALID"
    )
    try:
        body = {"password": PASSWORD, "name": f"{MARK} twice"}
        answers = [
            await canary.client.post("/v1/people", json={**body, "handle": f"{MARK}{n}"})
            for n in range(2)
        ]
        assert [a.status_code for a in answers] == [201, 500]
        words = {"client_id": f"{MARK}-poison", "text": f"poison {EMAIL}"}
        refused = await canary.ask("POST", f"/v1/rooms/{canary.room}/messages", json=words)
        assert refused.status_code in (400, 500), refused.text
        async with _peer(canary) as peer:
            await peer.authenticate(canary.held["access_token"])
            await peer.send(
                frames.Post(7, UUID(canary.room), f"{MARK}-poison-2", f"poison {EMAIL}")
            )
            while not isinstance(answer := await peer.receive(), frames.Error):
                assert not isinstance(answer, frames.Ack)
    finally:
        await database.execute("ALTER TABLE entries DROP CONSTRAINT hostile")
        await database.execute("DROP INDEX hostile")


@asynccontextmanager
async def _peer(
    canary: Canary, hub: int = 0, subprotocol: str = limits.SUBPROTOCOL_JSON
) -> AsyncIterator[Peer]:
    port = urlsplit(canary.stack.hub_urls[hub]).port
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(ADDRESS, 0))
    peer = Peer(reader, writer, subprotocol)
    try:
        head = await peer.upgrade(
            f"/v1/socket?token={MARK}", User_Agent=MARK, X_Forwarded_For=FORWARDED
        )
        assert b" 101 " in head
        yield peer
    finally:
        peer.close()


async def _say_everything(canary: Canary, hub: int, subprotocol: str) -> None:
    """Every frame with canaries in every field, well and badly formed, in and before a session."""
    room, no_room = UUID(canary.room), uuid4()
    async with _peer(canary, hub, subprotocol) as peer:
        await peer.send(frames.Auth(1, f"{MARK}.{MARK}.{MARK}", MARK, MARK, MARK, MARK))
        await peer.closed()
    async with _peer(canary, hub, subprotocol) as peer:
        token = canary.held["access_token"]
        await peer.send(frames.Auth(1, token, MARK, MARK, MARK, EMAIL[:64]))
        assert isinstance(await peer.receive(), frames.Ready)
        for where in (room, no_room):
            own = MARK + secrets.token_hex(4)
            await peer.send(
                frames.Attend(2, [(where, 0)]),
                frames.Post(3, where, own, f"{PHONE} {EMAIL}", meta={MARK: EMAIL}),
                frames.Edit(4, where, own + "e", own, f"{EMAIL} {PHONE}", meta={MARK: PHONE}),
                frames.React(5, where, own + "r", own, MARK),
                frames.Unreact(6, where, own + "u", own, MARK),
                frames.Post(9, where, own + "p", MARK, poll=Poll([PHONE, EMAIL], anonymous=True)),
                frames.Vote(10, where, own + "v", own + "p", [1]),
                frames.ClosePoll(11, where, own + "c", own + "p"),
                frames.Delete(7, where, own + "d", MARK),
                frames.Refresh(8, f"{MARK}.{MARK}.{MARK}"),
            )
        words = f'{{"{MARK}": "{EMAIL}'.encode()
        opcode = 1 if subprotocol == limits.SUBPROTOCOL_JSON else 2
        begun = b"[5,9," if opcode == 1 else b"\x93\x05\x09\xa6"
        for bad in (words, begun + words, begun + b'"\\ud800' + words):
            await peer.raw(masked(opcode, bad))
        await peer.send(frames.Ping(99))
        while not isinstance(await peer.receive(), frames.Pong):
            pass
        await peer.raw(masked(opcode, words * 3_000))
        await peer.closed()


async def test_no_log_holds_what_people_are_say_or_hold(stack: Stack) -> None:
    """Canaries in every field of every route and frame, refused, failed and done: the logs know none of them."""
    async with _canary(stack) as canary, httpx.AsyncClient(base_url=stack.api_url) as plain:
        made = await canary.ask("POST", "/v1/rooms", json={"kind": "group", "title": MARK})
        canary.room = made.json()["id"]
        phone = {**_words("group"), "topic": "canary-1234", "install": EMAIL}
        assert (await canary.ask("PUT", "/v1/me/push", json=phone)).status_code == 200
        grant = (await canary.ask("POST", "/v1/me/push/extension")).json()
        handle = f"{MARK}other"
        other = await plain.post("/v1/people", json={"handle": handle, "password": PASSWORD})
        for hub, subprotocol in enumerate((limits.SUBPROTOCOL_JSON, limits.SUBPROTOCOL_MSGPACK)):
            await _say_everything(canary, hub, subprotocol)
        database = await asyncpg.connect(stack.found.database_url)
        try:
            await _break_sql(canary, database)
        finally:
            await database.close()
        await _knock_everywhere(canary, other.json()["id"])
        last = uuid4().hex
        await plain.get("/v1/hubs", headers={"X-Request-Id": last})
        await until(lambda: last in stack.log())
    said = {path.name: path.read_text(errors="replace") for path in stack.data.glob("*.log")}
    assert said.keys() == {"up.log", "postgres.log", "redis.log"}
    assert '"request failed"' in said["up.log"]
    assert '"submitted"' in said["up.log"]
    assert "violates unique constraint" in said["postgres.log"]
    secret = [
        *grant["token"].split(".")[1:],
        *canary.held["access_token"].split(".")[1:],
        canary.held["refresh_token"][4:],
    ]
    for words in (MARK, PHONE, PHONE[1:], EMAIL, ADDRESS, FORWARDED, "poison", *secret):
        for name, text in said.items():
            found = [line for line in text.splitlines() if words.lower() in line.lower()]
            assert found == [], (name, words)
