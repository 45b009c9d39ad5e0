"""Webhooks: what was committed is told to the app, signed, at least once, whoever dies; and nowhere it must not go."""

import asyncio
import base64
import hashlib
import hmac
import json
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry

from api.assembly import courier
from muster.courier import GIVEN_UP_S, LEASE_S, PATIENCE_DAYS, Courier
from muster.permission import Scope, ServiceRole
from muster.stores.postgres.deliveries import PostgresDeliveries
from muster.tidings import EventType
from muster.webhooks import WEBHOOKS_MOST
from tests.api.door import Door, Server
from tests.api.opening import open_door
from tests.muster.test_egress import Receiver, Roads

URL = "http://hooks.example/in"
EVERYTHING = [event.value for event in EventType]


class Told(NamedTuple):
    """One request that the receiver got."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def type(self) -> str:
        return str(self.json["type"])


class App(Receiver):
    """The app's server. `statuses` are answered first, then `status`; a path in `stalled` is not answered at all."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Told] = []
        self.came = asyncio.Event()
        self.statuses: list[int] = []
        self.status = 204
        self.stalled: set[str] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                first, *lines = head.strip().split("\r\n")
                headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines)}
                body = await reader.readexactly(int(headers["content-length"]))
                path = first.split()[1]
                if path in self.stalled:
                    await reader.read()
                    return
                self.told.append(Told(path, headers, body))
                self.came.set()
                status = self.statuses.pop(0) if self.statuses else self.status
                writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n".encode())
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    @property
    def types(self) -> list[str]:
        return [told.type for told in self.told]


class Stage(NamedTuple):
    """The door, the app's server, and a key for everything."""

    door: Door
    app: App
    server: Server
    roads: Roads

    def courier(self) -> Courier:
        """One process's; each has metrics of its own."""
        ground = self.door.ground._replace(registry=CollectorRegistry())
        return courier(ground, random.Random(1))

    async def hook(self, *events: str, url: str = URL) -> Any:
        body = {"url": url, "events": events or EVERYTHING}
        return await self.server.done("POST", "/v1/webhooks", json=body)

    async def listed(self) -> Any:
        return (await self.server.done("GET", "/v1/webhooks"))["webhooks"]

    async def later(self) -> None:
        """Every pause is over."""
        await self.door.database.execute("UPDATE webhook_deliveries SET next_at = now()")
        await self.door.database.execute("UPDATE webhooks SET next_at = now()")


@pytest_asyncio.fixture
async def stage(database_url: str, redis_url: str) -> AsyncIterator[Stage]:
    async with _receiving() as app:
        roads = Roads(app, ["10.9.0.1"])
        inside = "10.9.0.0/16"
        async with open_door(
            database_url, redis_url, endpoints=roads.egress(inside), egress_networks=(inside,)
        ) as door:
            yield Stage(door, app, await door.service(*Scope), roads)


@asynccontextmanager
async def _receiving() -> AsyncIterator[App]:
    app = App()
    server = await asyncio.start_server(app.serve, "127.0.0.1", 0)
    app.port = server.sockets[0].getsockname()[1]
    try:
        yield app
    finally:
        server.close()


def signatures(told: Told, secret: str) -> bool:
    """Whether one of the signatures is by this secret, computed as the specification says."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{told.headers['webhook-id']}.{told.headers['webhook-timestamp']}.".encode()
    seal = base64.b64encode(hmac.new(key, signed + told.body, hashlib.sha256).digest()).decode()
    return f"v1,{seal}" in told.headers["webhook-signature"].split(" ")


async def test_everything_that_happens_is_told_in_order(stage: Stage) -> None:
    """Each kind once, with the app's own names for people, signed as Standard Webhooks says."""
    made = await stage.hook()
    ada = await stage.door.register("ada")
    bob = await stage.door.register("bob_")
    app_person = await stage.server.done("PUT", "/v1/service/people/u-7", json={"name": "Grace"})
    room = await ada.room("public")
    seq = await ada.post(room, "words")
    await ada.done("PATCH", f"/v1/rooms/{room}/messages/{seq}", json={"text": "better"})
    await bob.done("POST", f"/v1/rooms/{room}/join")
    await bob.done("POST", f"/v1/rooms/{room}/leave")
    place = f"/v1/service/rooms/{room}/members/{app_person['id']}"
    await stage.server.done("PUT", place, json={})
    await stage.server.done("DELETE", place)
    report = {"person": str(bob.id), "reason": "spam", "note": "again"}
    await ada.done("POST", "/v1/reports", json=report)
    for active in (False, True):
        await stage.server.done("PUT", "/v1/service/people/u-7", json={"active": active})
    await ada.done("PATCH", f"/v1/rooms/{room}", json={"title": "other"})
    second = await ada.post(room, "gone soon")
    await ada.done("DELETE", f"/v1/rooms/{room}/messages/{second}")
    for archived in (True, False):
        await ada.done("PATCH", f"/v1/rooms/{room}", json={"archived": archived})

    assert await stage.courier().round() == 19
    wanted = ["room.created", "message.created", "message.updated", "message.created"]
    wanted += ["member.left", "member.kicked", "report.created", "person.banned", "person.unbanned"]
    wanted += ["room.updated", "message.deleted", "room.archived", "room.restored"]
    wanted += ["person.created", "member.joined"] * 3
    assert sorted(stage.app.types) == sorted(wanted)
    assert set(stage.app.types) == set(EVERYTHING)
    assert all(signatures(told, made["secret"]) for told in stage.app.told)
    assert len({told.headers["webhook-id"] for told in stage.app.told}) == 19
    told = {told.type: told.json for told in stage.app.told}
    assert told["member.kicked"]["data"]["subject_external"] == "u-7"
    assert told["message.updated"]["data"]["body"]["text"] == "better"
    assert told["report.created"]["data"]["note"] == "again"
    gone = next(one.json for one in stage.app.told if one.json["data"].get("seq") == second)
    assert gone["data"]["erased"] is True
    assert "gone soon" not in json.dumps(gone)


async def test_order_is_that_of_the_commits(stage: Stage) -> None:
    """Within a room exactly, while nothing fails; rooms do not wait for each other."""
    await stage.hook("message.created")
    ada = await stage.door.someone()
    rooms = [await ada.room() for _ in range(3)]
    for n in range(90):
        await ada.post(rooms[n % 3], f"{n}")
    await stage.courier().round()
    told = [told.json["data"] for told in stage.app.told]
    for room in rooms:
        assert [data["seq"] for data in told if data["room"] == room] == list(range(2, 32))


async def test_without_webhooks_commits_do_nothing_more(stage: Stage) -> None:
    """No trigger exists before the first endpoint nor after the last."""
    taps = "SELECT count(*) FROM pg_trigger WHERE tgname = 'tap'"
    database = stage.door.database
    assert await database.fetchval(taps) == 0
    made = [await stage.hook(), await stage.hook()]
    assert await database.fetchval(taps) == 3
    for one, left in zip(made, (3, 0), strict=True):
        await stage.server.done("DELETE", f"/v1/webhooks/{one['id']}")
        assert await database.fetchval(taps) == left
    ada = await stage.door.someone()
    await ada.post(await ada.room(), "words")
    assert await database.fetchval("SELECT count(*) FROM webhook_events") == 0


async def test_a_process_that_dies_anywhere_loses_nothing(stage: Stage) -> None:
    """After the commit; after events are dealt; with an endpoint in hand: another delivers."""
    await stage.hook("message.created")
    ada = await stage.door.someone()
    room = await ada.room()
    await ada.post(room, "one")
    store = PostgresDeliveries(stage.door.ground.primary)
    assert await store.deal(100) == 1  # and dies
    assert await store.take(uuid4(), LEASE_S) is not None  # and dies
    await ada.post(room, "two")
    assert await stage.courier().round() == 0  # the lease holds
    await stage.door.database.execute("UPDATE webhooks SET next_at = now()")
    assert await stage.courier().round() == 2
    assert [told.json["data"]["body"]["text"] for told in stage.app.told] == ["one", "two"]


async def test_what_was_sent_but_not_settled_is_sent_again_under_its_id(stage: Stage) -> None:
    """At least once: the receiver sees the same id twice."""
    await stage.hook("message.created")
    ada = await stage.door.someone()
    await ada.post(await ada.room(), "one")
    dying = stage.courier()
    store = PostgresDeliveries(stage.door.ground.primary)
    await store.deal(100)
    at = await store.take(uuid4(), LEASE_S)
    assert at is not None
    await dying._bring(at, await store.owed(at.id, 10))  # and dies before it settles
    await stage.later()
    await stage.courier().round()
    first, second = stage.app.told
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    # Who comes back to a lease that has passed on settles nothing.
    assert await store.settle(at, [], 0, gone=True) is None
    assert (await stage.listed())[0]["disabled"] is None


async def test_many_processes_deliver_each_once(stage: Stage) -> None:
    """Nobody dies, nothing fails: nothing comes twice."""
    for _ in range(3):
        await stage.hook("message.created")
    ada = await stage.door.someone()
    room = await ada.room()
    for n in range(20):
        await ada.post(room, f"{n}")
    await asyncio.gather(*(stage.courier().round() for _ in range(4)))
    await stage.later()
    await stage.courier().round()
    assert len(stage.app.told) == 60


async def test_what_fails_comes_again_until_it_is_given_up(stage: Stage) -> None:
    """Put off with a pause; a dead letter after a day; told again when asked, as is all since a time."""
    made = await stage.hook("message.created")
    ada = await stage.door.someone()
    room = await ada.room()
    await ada.post(room, "one")
    stage.app.statuses = [500, 302]
    for attempts, failure in ((1, "status 500"), (2, "status 302")):
        assert await stage.courier().round() == 1
        assert await stage.courier().round() == 0  # it waits
        row = "SELECT attempts, next_at > now(), failure FROM webhook_deliveries"
        [tried] = await stage.door.database.fetch(row)
        assert tuple(tried) == (attempts, True, failure)
        await stage.later()
    assert (await stage.listed())[0]["failing_since_ms"] is not None
    stage.app.status = 503
    await stage.door.database.execute(
        "UPDATE webhook_deliveries SET since = now() - $1 * interval '1 second'", GIVEN_UP_S
    )
    await stage.courier().round()
    await stage.later()
    assert await stage.courier().round() == 0
    one = f"/v1/webhooks/{made['id']}"
    [dead] = (await stage.server.done("GET", one + "/dead"))["dead"]
    assert (dead["failure"], dead["attempts"]) == ("status 503", 3)
    assert dead["webhook_id"] == stage.app.told[0].headers["webhook-id"]

    stage.app.status = 200
    again = await stage.server.done("POST", one + "/replay", json={"since_ms": 0, "dead": True})
    assert again == {"queued": 1, "next_ms": None}
    await stage.later()
    assert await stage.courier().round() == 1
    listed = (await stage.listed())[0]
    assert (listed["dead"], listed["waiting"], listed["failing_since_ms"]) == (0, 0, None)
    await ada.post(room, "two")
    await stage.courier().round()
    everything = await stage.server.done("POST", one + "/replay", json={"since_ms": 0})
    assert everything["queued"] == 2
    assert await stage.courier().round() == 2
    ids = [told.headers["webhook-id"] for told in stage.app.told[-3:]]
    assert len({*ids}) == 2


async def test_an_endpoint_that_fails_for_days_is_disabled_and_said_so(stage: Stage) -> None:
    """As is one that says it is gone; the operator begins it again."""
    made = await stage.hook("message.created")
    one = f"/v1/webhooks/{made['id']}"
    ada = await stage.door.someone()
    room = await ada.room()
    await ada.post(room, "one")
    stage.app.status = 500
    await stage.courier().round()
    await stage.door.database.execute(
        "UPDATE webhooks SET failing_since = now() - $1 * interval '1 day'", PATIENCE_DAYS
    )
    await stage.later()
    await stage.courier().round()
    assert (await stage.listed())[0]["disabled"] == "failing"
    await stage.later()
    assert await stage.courier().round() == 0

    stage.app.status = 410
    await stage.server.done("PATCH", one, json={"on": True})
    await stage.later()
    await stage.courier().round()
    assert (await stage.listed())[0]["disabled"] == "gone"
    stage.app.status = 200
    await stage.server.done("PATCH", one, json={"on": True})
    await stage.later()
    assert await stage.courier().round() == 1
    await stage.server.done("PATCH", one, json={"on": False})
    await ada.post(room, "two")
    assert await stage.courier().round() == 0


async def test_a_failing_endpoint_is_not_hammered(stage: Stage) -> None:
    """However much it is owed, it is asked once, and left alone after."""
    await stage.hook("message.created")
    ada = await stage.door.someone()
    room = await ada.room()
    for n in range(20):
        await ada.post(room, f"{n}")
    stage.app.status = 500
    first = await stage.courier().round()
    assert first <= 8  # what was begun together
    await stage.later()
    assert await stage.courier().round() == 1
    stage.app.status = 200
    for _ in range(25):
        await stage.later()
        await stage.courier().round()
    delivered = {told.headers["webhook-id"] for told in stage.app.told}
    assert len(delivered) == 20
    assert (await stage.listed())[0]["waiting"] == 0


async def test_a_stalled_endpoint_stops_no_other(stage: Stage) -> None:
    """It has its own time; the other is told of what happens meanwhile too."""
    stalled = await stage.hook("message.created", url="http://hooks.example/stalled")
    await stage.hook("message.created")
    stage.app.stalled = {"/stalled"}
    ada = await stage.door.someone()
    room = await ada.room()
    await ada.post(room, "one")
    async with asyncio.timeout(8), asyncio.TaskGroup() as tasks:
        going = tasks.create_task(stage.courier().run())
        for n in (1, 2, 3):
            while len(stage.app.told) < n:
                stage.app.came.clear()
                await stage.app.came.wait()
            await ada.post(room, f"{n}")
        going.cancel()
    assert {told.path for told in stage.app.told} == {"/in"}
    assert UUID(stalled["id"]).version == 7


async def test_secrets_change_without_losing_a_delivery(stage: Stage) -> None:
    """Both sign for a day, then the new one alone; no list shows either."""
    made = await stage.hook("message.created")
    fresh = await stage.server.done("POST", f"/v1/webhooks/{made['id']}/secret")
    ada = await stage.door.someone()
    room = await ada.room()
    await ada.post(room, "one")
    await stage.courier().round()
    assert signatures(stage.app.told[0], made["secret"])
    assert signatures(stage.app.told[0], fresh["secret"])
    await stage.door.database.execute("UPDATE webhooks SET old_until = now()")
    await ada.post(room, "two")
    await stage.courier().round()
    assert not signatures(stage.app.told[1], made["secret"])
    assert signatures(stage.app.told[1], fresh["secret"])
    shown = json.dumps(await stage.listed())
    assert "whsec_" not in shown
    assert "secret" not in shown


async def test_no_endpoint_reaches_the_inside(stage: Stage) -> None:
    """Whatever its name resolves to when it is asked; it fails like one that does not answer."""
    await stage.hook("message.created")
    stage.roads._answers[:] = [["169.254.169.254", "127.0.0.1"]]
    ada = await stage.door.someone()
    await ada.post(await ada.room(), "one")
    await stage.courier().round()
    assert stage.app.told == []
    assert stage.roads.dialed == []
    failure = await stage.door.database.fetchval("SELECT failure FROM webhook_deliveries")
    assert failure == "forbidden address"


@pytest.mark.parametrize(
    "body",
    [
        {"url": "ftp://hooks.example/", "events": ["message.created"]},
        {"url": "https://user@hooks.example/", "events": ["message.created"]},
        {"url": "https://hooks.example/", "events": []},
        {"url": "https://hooks.example/", "events": ["message.eaten"]},
        {"url": "https://hooks.example/"},
    ],
    ids=str,
)
async def test_endpoints_that_cannot_be(stage: Stage, body: Any) -> None:
    """A plain error, and nothing registered."""
    assert (await stage.server.ask("POST", "/v1/webhooks", json=body)).status_code == 400
    assert await stage.listed() == []


async def test_bounds_and_who_may(stage: Stage, database_url: str, redis_url: str) -> None:
    """Admins may too; there are at most so many; without networks of one's own TLS is a must."""
    admin = await stage.door.someone(role=ServiceRole.admin)
    body = {"url": "https://hooks.example/", "events": ["person.banned"]}
    for _ in range(WEBHOOKS_MOST):
        await admin.done("POST", "/v1/webhooks", json=body)
    assert (await admin.ask("POST", "/v1/webhooks", json=body)).status_code == 422
    for method, path in (("DELETE", ""), ("POST", "/secret"), ("GET", "/dead")):
        answer = await admin.ask(method, f"/v1/webhooks/{uuid4()}{path}")
        assert answer.status_code == 404
    async with open_door(database_url, redis_url) as bare:
        admin = await bare.someone(role=ServiceRole.admin)
        plain = {**body, "url": "http://hooks.example/"}
        assert (await admin.ask("POST", "/v1/webhooks", json=plain)).status_code == 400


async def test_old_events_go(stage: Stage) -> None:
    """With what was owed of them."""
    await stage.hook("message.created")
    ada = await stage.door.someone()
    await ada.post(await ada.room(), "one")
    store = PostgresDeliveries(stage.door.ground.primary)
    await store.deal(10)
    await stage.door.database.execute("UPDATE webhook_events SET at = at - interval '8 days'")
    assert not await store.sweep()
    for table in ("webhook_events", "webhook_deliveries"):
        assert await stage.door.database.fetchval(f"SELECT count(*) FROM {table}") == 0
