"""Bad input gets a sentence and a 4xx, never a 500, wherever it is put."""

import json
from typing import Any
from uuid import uuid4

from hypothesis import given, settings
from hypothesis import strategies as st

from muster.permission import Scope
from muster.route_rules import ROUTE_RULES
from tests.api.door import PASSWORD, Door
from tests.api.opening import open_door

WITH_BODY = sorted(key for key in ROUTE_RULES if key[0] in ("POST", "PUT", "PATCH"))
BODIES: dict[str, bytes] = {
    "empty": b"",
    "not json": b"{",
    "trailing": b'{"text": "x"} {}',
    "an array": b"[]",
    "a number": b"1e999",
    "not a number": b'{"seq": NaN}',
    "huge integer": b'{"seq": ' + b"9" * 5_000 + b"}",
    "deep": b"[" * 30_000,
    "deep inside": b'{"meta": {"a": ' + b"[" * 30_000,
    "bad utf-8": b'{"text": "\xff\xfe"}',
    "lone surrogate": b'{"client_id": "a", "text": "\\ud800"}',
    "nul": b'{"client_id": "a", "text": "\\u0000", "handle": "a\\u0000b", "password": "\\u0000xxxxxxxx"}',
    "wrong types": b'{"client_id": {}, "text": [], "seq": "1", "handle": 7, "kind": null}',
    "duplicate keys": b'{"text": "a", "text": [], "client_id": "a", "client_id": "b"}',
    "too long": json.dumps({"client_id": "a", "text": "x" * 8_001, "title": "y" * 5_000}).encode(),
    "long client id": json.dumps({"client_id": "c" * 65, "text": "x"}).encode(),
    "meta too large": json.dumps(
        {"client_id": "a", "text": "x", "meta": {f"k{i}": "v" * 100 for i in range(30)}}
    ).encode(),
    "meta with nul": b'{"client_id": "a", "text": "x", "meta": {"k": "\\u0000"}}',
    "far away": b'{"until_ms": 9007199254740993, "seq": -1}',
}
PATHS = (
    "/v1/rooms/not-a-uuid",
    "/v1/rooms/%00",
    "/v1/rooms/%FF%FE/history",
    f"/v1/rooms/{uuid4()}/messages/99999999999999999999999/reactions/x",
    f"/v1/rooms/{uuid4()}/messages/-1/reactions/x",
    f"/v1/rooms/{uuid4()}/messages/1/reactions/%00",
    f"/v1/rooms/{uuid4()}/messages/1/reactions/{'x' * 33}",
    "/v1/people/@%00",
    "/v1/people/@a%ED%A0%80b",
    "/v1/people/" + "x" * 5_000,
    "/v1/people/@" + "%F0%9F%98%80" * 30,
)
QUERIES = (
    "limit=0",
    "limit=201",
    "limit=x",
    "after=-1",
    "after=9007199254740992",
    "after=1e5",
    "after=%00",
    "cursor=%00",
    "cursor=AAAA",
    "cursor=" + "A" * 199,
    "cursor=" + "A" * 201,
    "cursor=ksBQAAAA",
    "cursor=é",
    "before=1&after=1",
    "a" * 5_000,
    "%FF=%FE&limit=%ED%A0%80",
    "since=-1",
    "since=x",
)


def _path(template: str) -> str:
    return template.format(
        room=uuid4(),
        person=uuid4(),
        session=uuid4(),
        device=uuid4(),
        report=uuid4(),
        job=uuid4(),
        media=uuid4(),
        object="unknown",
        seq=1,
        emoji="ok",
        who="@x",
        code="x",
        webhook=uuid4(),
        external="x",
        purpose="x",
        provider="x",
    )


def _is_refusal(answer: Any) -> bool:
    if answer.status_code < 400:
        return True
    problem = answer.json()
    return (
        answer.status_code < 500
        and answer.headers["content-type"] == "application/problem+json"
        and problem["status"] == answer.status_code
        and bool(problem["detail"])
    )


async def test_bad_bodies_everywhere(door: Door) -> None:
    """Every route with a body, every kind of bad body."""
    someone, server = await door.someone(), await door.service(*Scope)
    for method, template in WITH_BODY:
        for name, body in BODIES.items():
            someone.token = await door.token(someone.id)
            app = ROUTE_RULES[method, template].scope is not None
            answer = await (server if app else someone).ask(method, _path(template), content=body)
            assert _is_refusal(answer), (method, template, name, answer.text)


async def test_bad_text_is_told_in_a_room_one_is_in(door: Door) -> None:
    """Where nothing else is wrong, the text is what is refused."""
    ada = await door.someone()
    room = await ada.room()
    for name in (
        "nul",
        "lone surrogate",
        "too long",
        "bad utf-8",
        "meta too large",
        "meta with nul",
    ):
        answer = await ada.ask("POST", f"/v1/rooms/{room}/messages", content=BODIES[name])
        assert answer.status_code == 400, (name, answer.text)


async def test_bad_paths_and_queries(door: Door) -> None:
    """Addresses that cannot be are not found or refused."""
    ada = await door.someone()
    room = await ada.room()
    for path in PATHS:
        for method in ("GET", "PUT", "DELETE"):
            assert _is_refusal(await ada.ask(method, path)), path
    lists = ("/v1/me/rooms", "/v1/public-rooms", "/v1/me/blocks", "/v1/me/contacts")
    for path in (*lists, f"/v1/rooms/{room}/history", f"/v1/rooms/{room}/members", "/v1/people"):
        for query in QUERIES:
            assert _is_refusal(await ada.ask("GET", f"{path}?{query}")), (path, query)


async def test_a_body_over_the_limit_is_not_read(door: Door) -> None:
    """65,536 bytes and no more, announced or not."""
    ada = await door.someone()

    async def endless() -> Any:
        while True:
            yield b" " * 60_000

    for content in (b" " * 65_537, endless()):
        answer = await ada.ask("POST", "/v1/rooms", content=content)
        assert (answer.status_code, answer.json()["name"]) == (413, "too_large")


async def test_foreign_tokens(door: Door) -> None:
    """Anything that is no token of ours is 401 and says so."""
    for header in ("", "Bearer", "Bearer x", "Basic YTpi", "Bearer " + "x." * 2_000, "Bearer \xff"):
        headers = {b"Authorization": header.encode("latin-1")}
        answer = await door.client.get("/v1/me", headers=headers)
        assert answer.status_code == 401, header
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_bad_handles_names_and_passwords(door: Door) -> None:
    """What a handle, a name or a password may not be, registering or later."""
    for handle in (
        "ab",
        "x" * 33,
        "a b",
        "a\u0301da",
        "\u0430da",
        "...",
        "ada@",
        "",
        "Admin",
        "HERE",
    ):
        body = {"handle": handle, "password": PASSWORD}
        answer = await door.client.post("/v1/people", json=body)
        assert answer.status_code in (400, 409), handle
    for password in ("", "seven77", "x" * 129):
        body = {"handle": "ada", "password": password}
        assert (await door.client.post("/v1/people", json=body)).status_code == 400
    ada = await door.someone()
    for name in ("", "   ", "x" * 65, "a\tb", "a\u202eb", "a\u2028b", "a\x7fb"):
        assert (await ada.ask("PATCH", "/v1/me", json={"name": name})).status_code == 400, name
    assert (await ada.ask("PATCH", "/v1/me", json={})).status_code == 400


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
_FIELDS = st.sampled_from(
    """
    client_id text seq kind title people peer meta mentions reply_to handle password name bio
    install refresh_token reason person role expires_in_s uses message find at_ms room note
    token grant owner external sender active bio url events on since_ms dead archived topic
    """.split()  # noqa: SIM905  # a list of 20 quoted words reads worse
)
_BODY = st.dictionaries(_FIELDS, _JSON, max_size=8).map(lambda body: json.dumps(body).encode())


async def test_anything_at_all(database_url: str, redis_url: str) -> None:
    """Random JSON in fields that exist, and random bytes, on every route that takes a body."""
    async with open_door(database_url, redis_url) as door:
        someone, server = await door.someone(), await door.service(*Scope)
        cases: list[tuple[tuple[str, str], bytes]] = []

        @settings(max_examples=300, deadline=None, database=None)
        @given(route=st.sampled_from(WITH_BODY), body=_BODY | st.binary(max_size=200))
        def collect(route: tuple[str, str], body: bytes) -> None:
            cases.append((route, body))

        collect()
        for (method, template), body in cases:
            someone.token = await door.token(someone.id)
            app = ROUTE_RULES[method, template].scope is not None
            answer = await (server if app else someone).ask(method, _path(template), content=body)
            assert _is_refusal(answer), (method, template, body, answer.text)
