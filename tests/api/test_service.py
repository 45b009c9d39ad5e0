"""What holds for every answer, and the service's own documents."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
from openapi_spec_validator import OpenAPIV31SpecValidator

from muster.permission import ServiceRole
from muster.route_rules import ROUTE_RULES
from muster.services.child import Child
from muster.services.postgres import EmbeddedPostgres
from muster.stores.migrate import migrate
from muster.writer import SUBMIT_WITHIN_S
from tests.api.door import Door
from tests.api.opening import key_ring, open_door

REQUEST_ID = "0123456789abcdef"


async def test_the_document_is_valid_and_complete(door: Door) -> None:
    """OpenAPI 3.1, with every route of the permission table and no other."""
    document = (await door.client.get("/v1/openapi.json")).json()
    OpenAPIV31SpecValidator(document).validate()
    described = {
        (method.upper(), path)
        for path, operations in document["paths"].items()
        for method in operations
    }
    assert described == set(ROUTE_RULES)


async def test_the_page_needs_nothing_from_elsewhere(door: Door) -> None:
    """No script, nothing fetched, every route on it."""
    page = (await door.client.get("/docs")).text
    assert "<script" not in page
    assert "//" not in page.replace("/v1", "")
    assert all(path in page for _, path in ROUTE_RULES)


async def test_answers_look_as_the_document_says(door: Door) -> None:
    """The fields of an answer are those of its schema: they are made from one type."""
    ada = await door.someone()
    room = await ada.room("public")
    await ada.post(room, "words")
    document = (await door.client.get("/v1/openapi.json")).json()
    schemas = document["components"]["schemas"]
    for path, template in (
        ("/v1/me", "/v1/me"),
        ("/v1/me/rooms", "/v1/me/rooms"),
        (f"/v1/rooms/{room}", "/v1/rooms/{room}"),
        (f"/v1/rooms/{room}/history", "/v1/rooms/{room}/history"),
    ):
        answers = document["paths"][template]["get"]["responses"]["200"]
        name = answers["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[-1]
        assert set(await ada.done("GET", path)) == set(schemas[name]["properties"])


async def test_others_verify_our_tokens_with_the_published_keys(door: Door) -> None:
    """A token and jwks.json are all that another service needs."""
    ada = await door.someone()
    published = jwt.PyJWKSet.from_dict((await door.client.get("/.well-known/jwks.json")).json())
    key = published[key_ring().current_kid]
    said = jwt.decode(ada.token, key, algorithms=["RS256"], audience="muster", issuer="muster")
    assert said["sub"] == str(ada.id)


async def test_every_answer_is_dressed(door: Door) -> None:
    """Trace id, no sniffing, no framing, no caching; problems too."""
    for path in ("/healthz", "/v1/me", "/nowhere"):
        headers = (await door.client.get(path, headers={"X-Request-Id": REQUEST_ID})).headers
        assert headers["x-request-id"] == REQUEST_ID
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "geolocation=()" in headers["permissions-policy"]
        assert headers["content-security-policy"].startswith("default-src 'none'")
        # TLS ends elsewhere: whoever ends it promises it.
        assert "strict-transport-security" not in headers
    for odd in ("a b\tc", "ada.lovelace", "4917099123456"):
        answer = await door.client.get("/healthz", headers={"X-Request-Id": odd})
        assert answer.headers["x-request-id"] != odd


async def test_long_answers_are_compressed(door: Door) -> None:
    """Above 1 KiB, for those who take it."""
    plain = {"Accept-Encoding": "identity"}
    assert (await door.client.get("/docs")).headers["content-encoding"] == "gzip"
    assert "content-encoding" not in (await door.client.get("/docs", headers=plain)).headers
    assert "content-encoding" not in (await door.client.get("/healthz")).headers


STRANGERS = (
    "https://app.example.evil",
    "https://evilapp.example",
    "http://app.example",
    "https://app.example:8443",
    "https://app.example@evil.example",
    "null",
)


async def test_browsers_of_other_origins(database_url: str, redis_url: str) -> None:
    """None by default; those named get CORS, exactly."""
    asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    async with open_door(database_url, redis_url) as closed:
        answer = await closed.client.options("/v1/people", headers=asked)
        assert "access-control-allow-origin" not in answer.headers
    named = ("https://app.example",)
    async with open_door(database_url, redis_url, allowed_origins=named) as opened:
        answer = await opened.client.options("/v1/people", headers=asked)
        assert answer.headers["access-control-allow-origin"] == "https://app.example"
        for stranger in STRANGERS:
            for method in ("OPTIONS", "GET"):
                asked["Origin"] = stranger
                answer = await opened.client.request(method, "/v1/people", headers=asked)
                assert "access-control-allow-origin" not in answer.headers, stranger
    async with open_door(database_url, redis_url, allowed_origins=("*",)) as everybodys:
        answer = await everybodys.client.options("/v1/people", headers=asked)
        # A token is sent by a script that has it, never by the browser on its own.
        assert "access-control-allow-credentials" not in answer.headers


async def test_those_who_ask_too_often_wait(database_url: str, redis_url: str) -> None:
    """By address where no token is asked for, by person where they write; 429 says how long."""
    async with open_door(
        database_url, redis_url, rate_limits=True, anonymous_per_min=3.0, writes_per_s=1.0
    ) as door:
        ada = await door.someone()
        writes = [await ada.ask("POST", "/v1/rooms", json={}) for _ in range(4)]
        assert [answer.status_code for answer in writes] == [400, 400, 400, 429]
        assert writes[-1].headers["Retry-After"] == "1"
        assert (await ada.ask("GET", "/v1/me")).status_code == 200
        logins = [await door.client.post("/v1/sessions", json={}) for _ in range(4)]
        assert [answer.status_code for answer in logins] == [400, 400, 400, 429]
        assert logins[-1].json()["temporary"] is True


async def test_without_postgres_the_answer_is_503_within_two_seconds(
    database_url: str, redis_url: str
) -> None:
    """Nothing is claimed, and the client is told to come back."""
    nowhere = "postgresql://muster:x@127.0.0.1:1/muster"  # where nobody ever listens
    async with open_door(
        database_url, redis_url, primary_url=nowhere, within_s=SUBMIT_WITHIN_S
    ) as door:
        ada = await door.someone()
        room = uuid4()
        body = {"client_id": "c", "text": "words"}
        for asked in (
            ada.ask("GET", "/v1/me/rooms"),
            ada.ask("POST", f"/v1/rooms/{room}/messages", json=body),
        ):
            async with asyncio.timeout(2.5):
                answer = await asked
            assert (answer.status_code, answer.json()["temporary"]) == (503, True)
        assert (await door.client.get("/readyz")).status_code == 503
        assert (await door.client.get("/healthz")).status_code == 200


async def test_postgres_vanishes_and_comes_back(redis_url: str, tmp_path: Path) -> None:
    """Killed in the middle: 503 in time, nothing acked; started again: all works, by itself."""
    service = EmbeddedPostgres(tmp_path, print)
    child = await Child.start(await service.program())
    await child.until_ready(service.ready, service.ready_within_s)
    await service.finish()
    await migrate(service.url)
    async with open_door(service.url, redis_url, within_s=SUBMIT_WITHIN_S) as door:
        ada = await door.someone()
        room = await ada.room()
        seq = await ada.post(room, "before")
        child.kill()
        await child.wait()
        body = {"client_id": "c", "text": "meanwhile"}
        for method, path in (("GET", ""), ("GET", "/history"), ("POST", "/messages")):
            async with asyncio.timeout(2.5):
                answer = await ada.ask(method, f"/v1/rooms/{room}{path}", json=body)
            assert (answer.status_code, answer.json()["temporary"]) == (503, True)
        child = await Child.start(await service.program())
        await child.until_ready(service.ready, service.ready_within_s)
        async with asyncio.timeout(10):
            while (await door.client.get("/readyz")).status_code != 200:
                pass
        async with asyncio.timeout(10):
            answer = await ada.ask("POST", f"/v1/rooms/{room}/messages", json=body)
            while answer.status_code == 503:  # the writer pauses before it connects again
                answer = await ada.ask("POST", f"/v1/rooms/{room}/messages", json=body)
        assert answer.json()["seq"] in (seq + 1, seq + 2)
        page = await ada.done("GET", f"/v1/rooms/{room}/history", params={"after": seq})
        assert [entry["body"]["text"] for entry in page["entries"]] == ["meanwhile"]
    await child.stop()


async def test_without_the_replica_the_primary_answers(database_url: str, redis_url: str) -> None:
    """Reads go on when the replica does not answer."""
    nowhere = "postgresql://muster:x@127.0.0.1:1/muster"  # where nobody ever listens
    async with open_door(database_url, redis_url, database_replica_url=nowhere) as door:
        ada = await door.someone()
        room = await ada.room()
        await ada.post(room, "words")
        assert len((await ada.done("GET", f"/v1/rooms/{room}/history"))["entries"]) == 2


async def test_a_wrong_method_is_told_every_right_one(door: Door) -> None:
    """`Allow` has the methods of all rows of the path, not of the first."""
    for path, methods in (("/v1/me", "DELETE, GET, HEAD, PATCH"), ("/v1/sessions", "DELETE, POST")):
        answer = await door.client.request("OPTIONS", path)
        assert (answer.status_code, answer.headers["Allow"]) == (405, methods)


async def test_what_a_route_may_refuse_is_in_the_document(door: Door) -> None:
    """Statuses that do not follow from a route's shape, and answers that are no JSON."""
    paths = (await door.client.get("/v1/openapi.json")).json()["paths"]
    assert "401" in paths["/v1/sessions"]["post"]["responses"]
    assert "404" in paths["/v1/search"]["get"]["responses"]
    assert "400" in paths["/v1/me/blocks/{person}"]["delete"]["responses"]
    page = paths["/i/{code}"]["get"]["responses"]
    assert "text/html" in page["200"]["content"]
    assert {"text/html", "application/problem+json"} == set(page["404"]["content"])
    assert "204" not in page


async def test_metrics_name_routes_not_people(door: Door) -> None:
    """Labels are templates: no id ever becomes a label."""
    ada = await door.someone()
    room = await ada.room()
    await ada.done("GET", f"/v1/rooms/{room}")
    await ada.ask("GET", f"/v1/nowhere/{room}")
    measured = (await door.client.get("/metrics")).text
    assert 'route="/v1/rooms/{room}",status="200"' in measured
    assert room not in measured


async def test_hubs_are_told(door: Door) -> None:
    """A client finds its socket's address here."""
    assert (await door.client.get("/v1/hubs")).json() == {"hubs": ["ws://127.0.0.1:8101/v1/socket"]}


async def test_reports_keep_what_was_said(door: Door) -> None:
    """Evidence outlives the message; only staff sees it, only what the reporter could see counts."""
    ada, eve = await door.someone(), await door.someone()
    support = await door.someone(role=ServiceRole.support)
    room = await ada.room("group", eve)
    seq = await eve.post(room, "something vile")
    about: dict[str, Any] = {"reason": "harassment", "room": room, "seq": seq}
    stranger = await door.someone()
    assert (await stranger.ask("POST", "/v1/reports", json=about)).status_code == 404
    report = (await ada.done("POST", "/v1/reports", json=about))["id"]
    await eve.done("DELETE", f"/v1/rooms/{room}/messages/{seq}")
    [open_report] = (await support.done("GET", "/v1/reports"))["reports"]
    assert (open_report["evidence"], open_report["subject"]) == ("something vile", str(eve.id))
    await support.done("POST", f"/v1/reports/{report}/close")
    assert (await support.done("GET", "/v1/reports"))["reports"] == []


async def test_a_ban_ends_everything_at_once(door: Door) -> None:
    """Sessions over, no logging in; lifted, logging in works again."""
    eve = await door.register("eve")
    support = await door.someone(role=ServiceRole.support)
    await support.done("PUT", f"/v1/people/{eve.id}/ban")
    await door.heard()
    assert (await eve.ask("GET", "/v1/me")).status_code == 401
    await support.done("DELETE", f"/v1/people/{eve.id}/ban")
    again = await door.log_in("eve")
    assert (await again.ask("GET", "/v1/me")).status_code == 200
