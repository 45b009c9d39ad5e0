"""Nothing that people are, say or hold gets into a log or a metric: of no process, by no field, in no error.

Every route of the table and every frame that a client may send is driven with canaries in whatever takes words or
places, right and wrong; besides, SQL that fails, a hub that is killed, a push, and a mail server that is away.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final, get_args
from urllib.parse import urlencode, urlsplit
from uuid import UUID, uuid4

import asyncpg
import httpx
import msgspec
import pyotp
import pytest

from api.route import PATH_TYPES, Route
from loadtest.replay import PUSHERS
from loadtest.stack import Stack
from muster.clock import SystemClock
from muster.permission import Scope
from muster.route_rules import ROUTE_RULES
from muster.service_keys import new_key
from muster.stores.postgres import service_keys
from proto import frames, limits
from tests.api.table_rows import routes
from tests.hostile.canaries import (
    ADDRESS,
    EMAIL,
    FORWARDED,
    MARK,
    PASSWORD,
    PHONE,
    WORDS,
    Filler,
    issued,
)
from tests.hostile.site import Site
from tests.realtime.sockets.door import Peer, masked, until

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(170)]

ORDER: Final = ("POST", "PUT", "PATCH", "GET", "DELETE")
ENDINGS: Final = re.compile(
    r"sessions|/leave$|/ban$|/end$|/cancel$|revoke|deactivat|/devices|/close$|erasure|deletion|^/v1/me$"
)
"""What ends what others need comes last."""

MADE: Final = {
    "/v1/rooms": "room",
    "/v1/events": "event",
    "/v1/media": "media",
    "/v1/me/reminders": "job",
    "/v1/webhooks": "webhook",
    "/v1/reports": "report",
}
WITHIN_S: Final = 20.0
DONE_AT_LEAST: Final = 110
"""So many routes must have done what they were asked, or the rest shows little."""


def in_order() -> list[Route]:
    """The rows of the table, those that make things first, those that end them last."""
    return sorted(
        routes(),
        key=lambda row: (bool(ENDINGS.search(row.path)), ORDER.index(row.method), row.path),
    )


@dataclass
class Canary:
    """Somebody all of whose words are canaries, and who may do whatever anybody may."""

    stack: Stack
    client: httpx.AsyncClient
    database: asyncpg.Connection
    other: str = ""
    key: str = ""
    as_other: dict[str, str] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)
    secrets: set[str] = field(default_factory=set)
    statuses: dict[tuple[str, str], set[int]] = field(default_factory=lambda: defaultdict(set))
    asked: Counter[str] = field(default_factory=Counter)

    async def begin(self) -> None:
        """Register anew and log in, as an admin."""
        handle = f"{MARK}{secrets.token_hex(3)}"
        body = {"handle": handle, "password": PASSWORD, "name": EMAIL}
        person = await self.client.post("/v1/people", json=body)
        assert person.status_code == 201, person.text
        await self.database.execute(
            "UPDATE people SET service_role = 'admin' WHERE handle = $1", handle
        )
        phone = {"install": MARK, "app": MARK, "version": MARK, "platform": MARK}
        answer = await self.client.post("/v1/sessions", json={**body, **phone})
        assert answer.status_code == 201, answer.text
        self.held = answer.json()
        self.secrets.update(issued(self.held))
        self.ids |= {"handle": handle, "who": f"@{handle}", "session": self.held["session"]}
        made = await self.ask("POST", "/v1/rooms", json={"kind": "group", "title": MARK})
        self.ids |= {"room": made.json()["id"], "peer": self.other, "person": self.other}
        room = f"/v1/rooms/{self.ids['room']}"
        await self.ask("PUT", f"{room}/members/{self.other}")
        await self.ask("POST", f"{room}/join", headers=self.as_other)
        poll = {"options": [f"{MARK} {PHONE}", EMAIL]}
        said = {"client_id": MARK, "text": EMAIL, "poll": poll}
        answer = await self.ask("POST", f"{room}/messages", json=said)
        assert answer.status_code == 201, answer.text
        self.ids |= {"seq": str(answer.json()["seq"]), "target": str(answer.json()["seq"])}

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """With every header that takes words."""
        headers = {
            "Authorization": f"Bearer {self.held['access_token']}",
            "User-Agent": MARK,
            "X-Forwarded-For": FORWARDED,
            "Forwarded": f"for={FORWARDED}",
            "X-Request-Id": MARK,
            "Idempotency-Key": f"{MARK}{secrets.token_hex(4)}",
            "Cookie": f"a={MARK}",
            "Referer": f"https://{MARK}/",
            "If-None-Match": MARK,
            MARK: EMAIL,
            **more.pop("headers", {}),
        }
        return await self.client.request(method, path, headers=headers, **more)

    async def knock(self, row: Route) -> None:
        """Ask this route rightly, wrongly and as nobody would."""
        for path in self.paths(row):
            for body in self.bodies(row):
                answer = await self.ask(row.method, path, content=body, headers=self.shown(row))
                self.statuses[row.method, row.path].add(answer.status_code)
                self.asked[row.method] += 1
                self._learn(row, answer)
                if answer.status_code == httpx.codes.UNAUTHORIZED:
                    await self._again()
        wrong = row.path.format_map(dict.fromkeys(PATH_TYPES, EMAIL))
        await self.ask(row.method, f"{wrong}?cursor={MARK}&limit={PHONE}&{MARK}={EMAIL}")

    def shown(self, row: Route) -> dict[str, str]:
        """What the app's own server shows where no person may ask."""
        rule = ROUTE_RULES[row.method, row.path]
        return {"Authorization": f"Bearer {self.key}"} if rule.scope and not rule.roles else {}

    def paths(self, row: Route) -> list[str]:
        """With things that are there, and with ids of nothing."""
        ids = self.ids | {"emoji": MARK[:16], "version": MARK, "external": MARK, "provider": "acme"}
        if row.path.startswith("/v1/events/"):
            ids["room"] = ids.get("event", ids["room"])
        nothing = {name: str(uuid4()) for name in PATH_TYPES}
        there, nowhere = (row.path.format_map(nothing | with_) for with_ in (ids, {"seq": "7"}))
        if row.query is None:
            return [there, nowhere]
        filler = Filler(self.ids)
        asked = [
            filler.full(row.query),
            filler.bare(row.query),
            dict.fromkeys(filler.wrong(row.query), EMAIL),
        ]
        return [*(f"{there}?{urlencode(each)}" for each in asked), nowhere]

    def bodies(self, row: Route) -> list[bytes]:
        """Full, bare, of wrong types, cut off, and no JSON at all; or something that streams."""
        if row.stream:
            return [f"{MARK}={EMAIL}&code={MARK}&state={MARK}".encode()]
        if row.body is None:
            return [b""]
        filler = Filler(self.ids)
        right = json.dumps(filler.bare(row.body))
        wrong = json.dumps(filler.wrong(row.body))
        said = [right, json.dumps(filler.full(row.body)), wrong, right[:-2] + MARK, f'{MARK}\x00"']
        return [each.encode() for each in said]

    def _learn(self, row: Route, answer: httpx.Response) -> None:
        """What was made is what the next routes are asked about."""
        with suppress(ValueError):
            said = answer.json() if answer.content else None
            self.secrets.update(issued(said))
            if answer.is_success and isinstance(said, dict):
                if row.method == "POST" and row.path in MADE and "id" in said:
                    self.ids.setdefault(MADE[row.path], str(said["id"]))
                if row.path.endswith("/links") and "code" in said:
                    self.ids.setdefault("code", str(said["code"]))

    async def _again(self) -> None:
        """What was asked may have ended the session, or the person."""
        mine = await self.ask("GET", "/v1/me")
        if mine.status_code == httpx.codes.UNAUTHORIZED:
            await self.begin()


@asynccontextmanager
async def _canary(stack: Stack) -> AsyncIterator[Canary]:
    transport = httpx.AsyncHTTPTransport(local_address=ADDRESS)
    database = await asyncpg.connect(stack.found.database_url)
    try:
        async with httpx.AsyncClient(
            transport=transport, base_url=stack.api_url, timeout=10
        ) as client:
            canary = Canary(stack, client, database)
            body = {"handle": f"{MARK}other", "password": PASSWORD}
            canary.other = (await client.post("/v1/people", json=body)).json()["id"]
            grant = (await client.post("/v1/sessions", json={**body, "install": "other"})).json()
            canary.as_other = {"Authorization": f"Bearer {grant['access_token']}"}
            key = new_key(SystemClock().now_ms(), secrets.SystemRandom())
            assert await service_keys.add(database, key, MARK, tuple(Scope), None)
            canary.key = key.word
            canary.secrets.add(key.word.split("_", 2)[2])
            await canary.begin()
            yield canary
    finally:
        await database.close()


@asynccontextmanager
async def _peer(canary: Canary, hub: int, subprotocol: str) -> AsyncIterator[Peer]:
    port = urlsplit(canary.stack.hub_urls[hub]).port
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(ADDRESS, 0))
    peer = Peer(reader, writer, subprotocol)
    try:
        where = f"/v1/socket?token={MARK}&access_token={canary.held['access_token']}"
        head = await peer.upgrade(where, User_Agent=MARK, X_Forwarded_For=FORWARDED)
        assert b" 101 " in head
        yield peer
    finally:
        peer.close()


def _filled(kind: type, ids: dict[str, str], *, whole: bool) -> frames.ClientFrame:
    filler = Filler(ids)
    made = filler.full(kind) if whole else filler.bare(kind)
    made[1] = 7  # id: it is to be answered
    frame: frames.ClientFrame = msgspec.convert(made, kind)
    return frame


async def _say_everything(canary: Canary, hub: int, subprotocol: str) -> set[type]:
    """Every frame with canaries in every field, well and badly formed, in and before a session; the kinds driven."""
    driven: set[type] = set()
    async with _peer(canary, hub, subprotocol) as peer:
        await peer.send(frames.Auth(1, f"{MARK}.{MARK}.{MARK}", MARK, MARK, MARK, MARK))
        await peer.closed()
    for kind in get_args(frames.ClientFrame):
        async with _peer(canary, hub, subprotocol) as peer:
            token = canary.held["access_token"]
            await peer.send(frames.Auth(1, token, MARK, MARK, MARK, EMAIL[:64]))
            assert isinstance(await peer.receive(), frames.Ready)
            for whole in (True, False):
                for ids in (canary.ids, {}):
                    await peer.send(_filled(kind, ids, whole=whole))
            await _answered(peer)
            driven.add(kind)
    async with _peer(canary, hub, subprotocol) as peer:
        await peer.authenticate(canary.held["access_token"])
        words = f'{{"{MARK}": "{EMAIL}'.encode()
        opcode = 1 if subprotocol == limits.SUBPROTOCOL_JSON else 2
        begun = b"[5,9," if opcode == 1 else b"\x93\x05\x09\xa6"
        for bad in (words, begun + words, begun + b'"\\ud800' + words):
            await peer.raw(masked(opcode, bad))
        await _answered(peer)
        await peer.raw(masked(opcode, words * 3_000))
        await peer.closed()
    return driven


async def _answered(peer: Peer) -> None:
    """Until everything before was looked at; some of what was said ends a session."""
    with suppress(AssertionError, asyncio.IncompleteReadError, ConnectionError):
        await peer.send(frames.Ping(99))
        while not isinstance(await peer.receive(), frames.Pong):
            pass


async def _break_sql(canary: Canary) -> None:
    """A unique violation and a row that Postgres refuses, each with a detail that quotes the row."""
    database = canary.database
    await database.execute(
        f"CREATE UNIQUE INDEX hostile ON people (name) WHERE name LIKE '{MARK}%twice'"
    )
    await database.execute(
        "ALTER TABLE entries ADD CONSTRAINT hostile CHECK (text NOT LIKE '%t0xic%') NOT VALID"
    )
    try:
        body = {"password": PASSWORD, "name": f"{MARK} twice"}
        answers = [
            await canary.ask("POST", "/v1/people", json={**body, "handle": f"{MARK}{n}"})
            for n in range(2)
        ]
        assert [a.status_code for a in answers] == [201, 500]
        words = {"client_id": f"{MARK}-t0xic", "text": f"t0xic {EMAIL}"}
        refused = await canary.ask("POST", f"/v1/rooms/{canary.ids['room']}/messages", json=words)
        assert refused.status_code in (400, 500), refused.text
        async with _peer(canary, 0, limits.SUBPROTOCOL_JSON) as peer:
            await peer.authenticate(canary.held["access_token"])
            room = UUID(canary.ids["room"])
            await peer.send(frames.Post(7, room, f"{MARK}-t0xic-2", f"t0xic {EMAIL}"))
            while not isinstance(answer := await peer.receive(), frames.Error):
                assert not isinstance(answer, frames.Ack)
    finally:
        await database.execute("ALTER TABLE entries DROP CONSTRAINT hostile")
        await database.execute("DROP INDEX hostile")


async def _second_factor(canary: Canary) -> None:
    """Set up, used, misused: its secret and its recovery codes are said by no log."""
    factor, steps = "/v1/me/second-factor", "/v1/sessions/second-step"
    begun = (await canary.ask("POST", factor, json={"password": PASSWORD})).json()
    app = pyotp.TOTP(begun["secret"])
    confirmed = await canary.ask("POST", f"{factor}/confirm", json={"code": app.now()})
    codes = confirmed.json()["recovery_codes"]
    body = {"handle": canary.ids["handle"], "password": PASSWORD, "install": MARK}
    halfway = (await canary.client.post("/v1/sessions", json=body)).json()
    step = {"mfa_token": halfway["mfa_token"], "install": MARK}
    for code in (MARK, codes[1].upper(), codes[1]):
        await canary.ask("POST", steps, json={**step, "code": code})
    proof = {"password": PASSWORD, "code": codes[0]}
    assert (await canary.ask("POST", f"{factor}/remove", json=proof)).is_success
    canary.secrets.update(issued([begun, confirmed.json(), halfway]))
    assert begun["secret"] in canary.secrets
    assert set(codes) <= canary.secrets


async def _ring(canary: Canary) -> None:
    """The other writes to who is away and has a phone: the pusher sends their words."""
    phone = {
        "install": MARK,
        "provider": "fcm",
        "topic": "canary-1234",
        "token": f"{MARK}:{'x' * 40}",
        "locale": "en",
        "zone": "UTC",
        "app_version": MARK,
    }
    assert (await canary.ask("PUT", "/v1/me/push", json=phone)).status_code == 200
    canary.secrets.update(issued((await canary.ask("POST", "/v1/me/push/extension")).json()))
    said = {"client_id": f"{MARK}ring", "text": f"{MARK} {PHONE}"}
    room = f"/v1/rooms/{canary.ids['room']}"
    answer = await canary.ask("POST", f"{room}/messages", json=said, headers=canary.as_other)
    assert answer.status_code == 201, answer.text


async def _killed(stack: Stack) -> None:
    """A hub is gone in the middle of things, and back."""
    ready = f"{stack.hub_urls[1].replace('ws', 'http', 1)}/readyz"
    await stack.kill_hub(2)
    async with httpx.AsyncClient() as plain, asyncio.timeout(WITHIN_S):
        while True:
            with suppress(httpx.TransportError):
                if (await plain.get(ready)).is_success:
                    return
            await asyncio.sleep(0)


async def _metrics(site: Site) -> dict[str, str]:
    """What every process that measures says."""
    hubs = [url.replace("ws", "http", 1) for url in site.stack.hub_urls]
    pushers = [f"http://127.0.0.1:{site.pushers + n}" for n in range(PUSHERS)]
    async with httpx.AsyncClient() as plain:
        urls = (site.stack.api_url, *hubs, *pushers)
        pages = {f"metrics of {url}": await plain.get(f"{url}/metrics") for url in urls}
    assert all("muster_" in page.text for page in pages.values())
    return {url: page.text for url, page in pages.items()}


async def test_no_log_holds_what_people_are_say_or_hold(site: Site) -> None:
    """Canaries in every field of every route and frame, refused, failed, done: no log and no metric knows them."""
    rows, stack = in_order(), site.stack
    assert {(row.method, row.path) for row in rows} == set(ROUTE_RULES)
    async with _canary(stack) as canary:
        await _ring(canary)
        driven = [
            await _say_everything(canary, hub, subprotocol)
            for hub, subprotocol in enumerate((limits.SUBPROTOCOL_JSON, limits.SUBPROTOCOL_MSGPACK))
        ]
        assert driven == [set(get_args(frames.ClientFrame))] * 2
        await _break_sql(canary)
        await _second_factor(canary)
        for row in rows:
            await canary.knock(row)
        await canary.begin()
        await canary.ask("GET", "/v1/me", headers={"Authorization": f"Bearer {MARK}.{MARK}.{MARK}"})
        await canary.ask("GET", f"/{MARK}/{EMAIL}?{PHONE}")
        said = await _metrics(site)
        await _killed(stack)
        last = uuid4().hex
        await canary.client.get("/v1/hubs", headers={"X-Request-Id": last})
        await until(lambda: last in stack.log())
    done = {key for key, found in canary.statuses.items() if any(s < 400 for s in found)}
    said |= {path.name: path.read_text(errors="replace") for path in stack.data.glob("*.log")}
    asked = sum(canary.asked.values())
    print(
        f"{asked} requests, {len(done)} of {len(rows)} routes done, {len(canary.secrets)} secrets"
    )
    for words in (*WORDS, "t0xic", PASSWORD, *canary.secrets):
        for name, text in said.items():
            found = [line for line in text.splitlines() if words.lower() in line.lower()]
            assert found == [], (name, words)
    assert {"up.log", "postgres.log", "redis.log"} <= said.keys()
    assert '"request failed"' in said["up.log"]
    assert '"submitted"' in said["up.log"]
    assert "violates unique constraint" in said["postgres.log"]
    assert len(done) >= DONE_AT_LEAST
