"""Requests that say more than they may, or in a way that two readers could understand differently."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any
from uuid import UUID, uuid4

import msgspec

from muster.ids import PersonId
from tests.api.door import PASSWORD, Door, Someone
from tests.api.table_rows import routes
from tests.realtime.sockets.door import opened_door

MORE = {
    "id": str(UUID(int=7)),
    "person": str(UUID(int=7)),
    "person_id": str(UUID(int=7)),
    "service_role": "admin",
    "role": "owner",
    "relation": "owner",
    "is_admin": True,
    "roles": ["admin"],
    "author": str(UUID(int=7)),
    "sender": str(UUID(int=7)),
    "owner": str(UUID(int=7)),
    "seq": 1_000,
    "msg_no": 1_000,
    "head": 1_000,
    "at_ms": 1,
    "joined": 1,
    "from_seq": 1,
    "banned_at": None,
    "email": "other@example.org",
    "verified": True,
    "session": str(UUID(int=7)),
}
"""What is not the sender's to say."""


async def _rows(door: Door) -> dict[str, Any]:
    database = door.database
    people = await database.fetch("SELECT handle, service_role FROM people ORDER BY handle")
    return {
        "people": [tuple(row) for row in people],
        "of nobody": await database.fetchval(
            "SELECT count(*) FROM people WHERE person_id = $1", UUID(int=7)
        ),
        "entries": await database.fetchval(
            "SELECT count(*) FROM entries WHERE author = $1 OR seq >= 1000", UUID(int=7)
        ),
        "rooms": await database.fetchval(
            "SELECT count(*) FROM rooms WHERE room_id = $1 OR head >= 1000", UUID(int=7)
        ),
    }


async def test_what_is_not_the_senders_to_say_is_not_taken(door: Door) -> None:
    """Roles, ids, authors, numbers and times beside what a body may hold change nothing, wherever they are put."""
    said = {"handle": "eve", "password": PASSWORD, **MORE}
    assert (await door.client.post("/v1/people", json=said)).status_code == 201
    eve = await door.log_in("eve")
    ada = await door.someone("ada")
    room = await ada.room("group", eve)
    await eve.done("PATCH", "/v1/me", json={"name": "Eve", **MORE})
    mine = await eve.done("POST", "/v1/rooms", json={"kind": "group", "title": "mine", **MORE})
    assert mine["id"] != MORE["id"]
    post = {**MORE, "client_id": "c", "text": "hers"}
    done = await eve.done("POST", f"/v1/rooms/{room}/messages", json=post)
    assert done["seq"] < 1_000
    page = await ada.done("GET", f"/v1/rooms/{room}/history")
    [entry] = [each for each in page["entries"] if each["kind"] == "post"]
    assert entry["author"] == str(eve.id)
    refused = await eve.ask("PATCH", f"/v1/rooms/{room}", json={"title": "eve's", **MORE})
    assert refused.status_code == 403
    assert await _rows(door) == {
        "people": [("ada", "user"), ("eve", "user")],
        "of nobody": 0,
        "entries": 0,
        "rooms": 0,
    }


async def _everything(door: Door) -> tuple[Someone, dict[str, list[str]]]:
    """Ada, with one of everything, and its ids by what a path calls them."""
    ada = await door.registered("ada")
    room = await ada.room("group", title="hers")
    seq = await ada.post(room, "hers")
    at_ms = door.clock.now_ms() + 3_600_000
    kept = {"room": room, "seq": seq, "at_ms": at_ms, "note": "hers"}
    reminder = await ada.done("POST", "/v1/me/reminders", json=kept)
    later = {"client_id": "b", "text": "hers", "at_ms": at_ms}
    scheduled = await ada.done("POST", f"/v1/rooms/{room}/scheduled", json=later)
    ticket = {"purpose": "attachment", "type": "image/jpeg", "bytes": 1_000}
    medium = await ada.done("POST", "/v1/media", json=ticket)
    sessions = (await ada.done("GET", "/v1/me/sessions"))["sessions"]
    return ada, {
        "job": [reminder["id"], scheduled["id"]],
        "media": [medium["id"]],
        "session": [each["id"] for each in sessions],
        "device": [each["device"] for each in sessions],
    }


async def test_ids_of_others_are_ids_of_nothing(door: Door) -> None:
    """Whoever has learned or guessed the id of a job, a session, a device or a medium is told what is told of no id."""
    _, ids = await _everything(door)
    eve = await door.someone("eve")
    asked = 0
    for row in routes():
        names = [name for name in ids if f"{{{name}}}" in row.path]
        if len(names) != 1 or row.path.count("{") != 1:
            continue
        for hers in ids[names[0]]:
            answers = []
            for each in (hers, str(uuid4())):
                answer = await eve.ask(row.method, row.path.format_map({names[0]: each}))
                answers.append((answer.status_code, answer.text.replace(each, "")))
            assert answers[0] == answers[1], (row.method, row.path)
            asked += 1
    assert asked >= 6
    ada = await door.log_in("ada")
    held = {
        **(await ada.done("GET", "/v1/me/reminders")),
        **(await ada.done("GET", "/v1/me/scheduled")),
    }
    assert sorted(job["id"] for jobs in held.values() if jobs for job in jobs) == sorted(ids["job"])
    assert ids["session"][0] in str(await ada.done("GET", "/v1/me/sessions"))


async def test_a_cursor_of_somebody_else_shows_nothing_of_theirs(door: Door) -> None:
    """Cursors are no keys: ada's, in the hands of eve, is a place in eve's own list, or in none."""
    ada, eve = await door.someone("ada"), await door.someone("eve")
    friends = [await door.someone() for _ in range(3)]
    for one in friends:
        await ada.room("group", one, title="only hers")
        await ada.done("PUT", f"/v1/me/blocks/{one.id}")
    lists = [
        row.path
        for row in routes()
        if row.query is not None and row.method == "GET" and "{" not in row.path
        and {"cursor", "limit"} <= {field.encode_name for field in msgspec.structs.fields(row.query)}
    ]  # fmt: skip
    taken = 0
    for path in lists:
        page = (await ada.ask("GET", path, params={"limit": 1})).json()
        for other in lists if page.get("cursor") else ():
            answer = await eve.ask("GET", other, params={"limit": 200, "cursor": page["cursor"]})
            assert answer.status_code in (200, 400, 403), (path, other)
            assert "only hers" not in answer.text
            assert not any(str(one.id) in answer.text for one in friends), (path, other)
            taken += path == other
    assert taken >= 1


async def test_a_token_is_believed_in_one_place_alone(door: Door) -> None:
    """The Authorization header: not in an address, which logs and referrers keep, not in a cookie, not in a body."""
    ada = await door.someone()
    token = ada.token
    for name in ("access_token", "token", "authorization", "auth", "jwt"):
        assert (await door.client.get(f"/v1/me?{name}={token}")).status_code == 401
        cookie = {"Cookie": f"{name}={token}"}
        assert (await door.client.get("/v1/me", headers=cookie)).status_code == 401
        body = {"kind": "group", "title": "x", name: token}
        assert (await door.client.post("/v1/rooms", json=body)).status_code == 401
    for header in ("X-Access-Token", "X-Authorization", "Proxy-Authorization"):
        headers = {header: f"Bearer {token}"}
        assert (await door.client.get("/v1/me", headers=headers)).status_code == 401
    twice = [("Authorization", f"Bearer {token}"), ("Authorization", "Bearer x")]
    assert (await door.client.get("/v1/me", headers=twice)).status_code == 401


async def test_a_socket_is_nobodys_until_its_first_frame() -> None:
    """Neither address nor cookie nor header of an upgrade says who it is: what a page of others can open is nothing."""
    async with opened_door() as door:
        peer = await door.connect()
        head = await peer.upgrade(
            "/v1/socket?token=t&access_token=t", Cookie="token=t", Authorization="Bearer t"
        )
        assert b" 101 " in head
        assert door.hub.sockets == []
        await peer.raw(b"\x82\x83\x00\x00\x00\x00\x92\x0e\x01")
        code, _ = await peer.closed()
        assert code >= 4_000
        assert door.hub.sockets == []


FOREIGN_MEDIA = (
    *("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"),
    *("text/html", "application/json+x", "x"),
)


async def test_a_body_says_that_it_is_json_or_nothing(door: Door) -> None:
    """What a form of another site can send is refused unread, well-formed JSON in it or not."""
    body = json.dumps({"handle": "ada", "password": PASSWORD})
    for media in FOREIGN_MEDIA:
        headers = {"Content-Type": media}
        answer = await door.client.post("/v1/people", content=body, headers=headers)
        assert answer.status_code == 400, media
        assert "application/json" in answer.json()["detail"]
    for number, good in enumerate(("application/json", "Application/JSON; charset=utf-8")):
        again = json.dumps({"handle": f"ada{number}", "password": PASSWORD})
        headers = {"Content-Type": good}
        answer = await door.client.post("/v1/people", content=again, headers=headers)
        assert answer.status_code == 201, good


async def test_nothing_is_unpacked(door: Door) -> None:
    """A body that says it is packed is refused, however little it is."""
    bomb = gzip.compress(b'{"handle": "ada", "password": "' + b" " * 60_000_000 + b'"}')
    for coding in ("gzip", "deflate", "br", "zstd", "gzip, identity"):
        answer = await door.client.post(
            "/v1/people",
            content=bomb,
            headers={"Content-Type": "application/json", "Content-Encoding": coding},
        )
        assert answer.status_code == 400
        assert "content-encoding" in answer.json()["detail"]


SPELLINGS = (
    *(
        "/v1/me/",
        "//v1/me",
        "/v1//me",
        "/V1/me",
        "/v1/ME",
        "/v1/me%2f",
        "/v1/me/%2e%2e",
        "/v1/%2e/me",
    ),
    *(
        "/v1/x/%2e%2e/me",
        "/v1/me;a=b",
        "/v1/me%00",
        "/v1/me%20",
        "/v1/me.json",
        "/v1\\me",
        "/v1/me%3f",
    ),
)


async def test_one_path_has_one_spelling(door: Door) -> None:
    """What is written otherwise than in the table is not there, also where another reader would tidy it up."""
    ada = await door.someone()
    for path in SPELLINGS:
        request = door.client.build_request("GET", "http://door/")
        request.url = request.url.copy_with(raw_path=path.encode())
        request.headers["Authorization"] = f"Bearer {ada.token}"
        answer = await door.client.send(request)
        assert answer.status_code in (400, 404), (path, answer.status_code)


async def test_no_header_names_another_path_or_method(door: Door) -> None:
    """Words that some proxies and frameworks obey are words."""
    ada = await door.someone()
    for headers in (
        {"X-HTTP-Method-Override": "DELETE", "X-Method-Override": "DELETE"},
        {
            "X-Original-URL": "/v1/audit",
            "X-Rewrite-URL": "/v1/audit",
            "X-Forwarded-Prefix": "/v1/audit",
        },
        {"X-Forwarded-User": "admin", "X-Remote-User": "admin", "X-User-Role": "admin"},
    ):
        me = await ada.done("GET", "/v1/me?_method=DELETE", headers=headers)
        assert me["id"] == str(ada.id)
        assert (await ada.ask("GET", "/v1/audit", headers=headers)).status_code == 403
    assert await _is_there(door, ada.id)


async def _is_there(door: Door, person: PersonId) -> bool:
    found: int = await door.database.fetchval(
        "SELECT count(*) FROM people WHERE person_id = $1", person
    )
    return found == 1


async def test_basic_credentials_are_none(door: Door) -> None:
    """A handle and a password open a session, never a request."""
    await door.register("ada")
    word = base64.b64encode(f"ada:{PASSWORD}".encode()).decode()
    answer = await door.client.get("/v1/me", headers={"Authorization": f"Basic {word}"})
    assert answer.status_code == 401


async def test_every_refusal_is_counted(door: Door) -> None:
    """By its route and its status, whoever asked and whatever for."""
    eve = await door.someone("eve")
    asked = (
        ("GET", "/v1/rooms/{room}", f"/v1/rooms/{uuid4()}", 404),
        ("GET", "/v1/audit", "/v1/audit", 403),
        ("GET", "/v1/me/rooms", "/v1/me/rooms?limit=0", 400),
        ("PUT", "/v1/people/{person}/ban", f"/v1/people/{eve.id}/ban", 403),
    )
    for method, route, path, status in asked:
        labels = {"route": route, "status": str(status)}
        before = door.counted("muster_api_requests_total", **labels)
        assert (await eve.ask(method, path)).status_code == status
        assert door.counted("muster_api_requests_total", **labels) == before + 1, labels
    labels = {"route": "/v1/me", "status": "401"}
    assert (await door.client.get("/v1/me")).status_code == 401
    assert door.counted("muster_api_requests_total", **labels) == 1
