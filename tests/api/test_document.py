"""The OpenAPI document is true for every route: its types, its answers, its units."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from api.openapi import Twofold, check_names
from api.units import unit_of
from tests.api.documented import DOCUMENT, Documented
from tests.api.door import Door

_ABOUT_EVENTS = re.compile("/v1/events|/v1/me/(events|place|fixes|fences)|/v1/calendars")


async def _document(door: Door) -> dict[str, Any]:
    document: dict[str, Any] = (await door.client.get(DOCUMENT)).json()
    return document


def _within(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in it."""
    if isinstance(value, dict):
        yield value
    for each in value.values() if isinstance(value, dict) else value:
        if isinstance(each, dict | list):
            yield from _within(each)


async def test_every_type_that_is_named_is_there(door: Door) -> None:
    """Also one that only a query uses; and each has a name of its own, without its module's."""
    document = await _document(door)
    types = document["components"]["schemas"]
    named = {one["$ref"] for one in _within(document) if isinstance(one.get("$ref"), str)}
    assert named <= {f"#/components/schemas/{name}" for name in types}
    assert {"PrivacyCircle", "FoundPerson", "FoundMedium", "Circle", "Polygon"} <= set(types)
    assert all(name.isidentifier() for name in types)
    roster = document["paths"]["/v1/events/{room}/roster"]["get"]["parameters"]
    [answer] = [one["schema"] for one in roster if one["name"] == "answer"]
    assert "waitlist" in answer["anyOf"][0]["enum"]


def test_two_types_of_one_name_do_not_start() -> None:
    """Else rows would point to a type that is called otherwise."""
    with pytest.raises(Twofold, match=r"called Circle; one of them is muster\.privacy\.Circle"):
        check_names(["Event", "muster.privacy.Circle", "muster.venue.Circle"])


async def test_every_operation_says_what_it_is_and_how_it_refuses(door: Door) -> None:
    """A summary; every refusal has the codes it comes with; a wait says for how long."""
    for path, operations in (await _document(door))["paths"].items():
        for method, operation in operations.items():
            where = (method, path)
            assert operation["summary"], where
            refusals = {s: a for s, a in operation["responses"].items() if s >= "400"}
            assert {"426", "429", "503"} <= set(refusals), where
            assert all(answer["x-codes"] for answer in refusals.values()), where
            assert "Retry-After" in refusals["429"]["headers"], where


async def test_numbers_of_events_say_their_unit(door: Door) -> None:
    """Metres, milliseconds, degrees: in bodies, answers and queries; a query says what it means."""
    document = await _document(door)
    paths = {path: one for path, one in document["paths"].items() if _ABOUT_EVENTS.match(path)}
    assert len(paths) == 24
    types, todo = document["components"]["schemas"], list(_within(paths))
    seen: set[str] = set()
    while todo:
        name = str(todo.pop().get("$ref", "")).rpartition("/")[2]
        if name and name not in seen:
            seen.add(name)
            todo += _within(types[name])
    fields = [item for name in seen for item in types[name].get("properties", {}).items()]
    for operations in paths.values():
        for operation in operations.values():
            asked = [one for one in operation["parameters"] if one["in"] == "query"]
            fields += [(one["name"], one["schema"]) for one in asked]
            assert not asked or operation["description"]
    numbers = [(name, one) for name, one in fields if unit_of(name) and one.get("type") != "array"]
    assert {"radius_m", "dwell_ms", "speed_mps", "lat", "since_us", "median_minutes"} <= {
        name for name, _ in numbers
    }
    assert [name for name, one in numbers if "description" not in one] == []
    places = {one["name"]: one["schema"] for one in paths["/v1/events"]["get"]["parameters"]}
    assert places["near"]["anyOf"][0]["examples"] == ["48.2082,16.3738"]
    assert places["from"]["anyOf"][0]["description"] == "Unix milliseconds"


async def test_a_word_in_a_path_is_never_taken_for_an_id(door: Door) -> None:
    """`presence` is nobody's id, `lookup` no medium's: by another method it is a 405 with the right ones."""
    ada = await door.someone()
    for path, wrong, right in (
        ("/v1/me/contacts/presence", ("PUT", "DELETE", "POST"), "GET, HEAD"),
        ("/v1/media/lookup", ("GET", "PUT"), "POST"),
    ):
        for method in wrong:
            answer = await ada.ask(method, path)
            assert (answer.status_code, answer.headers["Allow"]) == (405, right), (method, path)
    assert (await ada.ask("GET", "/v1/me/contacts/presence")).status_code == 200
    assert (await ada.ask("POST", "/v1/media/lookup", json={"ids": []})).status_code == 200
    other = await ada.ask("PATCH", f"/v1/me/contacts/{ada.id}")
    assert (other.status_code, other.headers["Allow"]) == (405, "DELETE, PUT")


async def test_a_query_says_each_thing_once(door: Door) -> None:
    """Else one of two values would be taken, and nobody knows which."""
    ada = await door.someone()
    for query in ("to=1&to=2", "to=null&to=null", "limit=2&q=x&limit=2"):
        assert (await ada.ask("GET", f"/v1/events?{query}")).status_code == 400, query
    assert (await ada.ask("GET", "/v1/me/sync?since=0")).status_code == 200


async def test_a_condition_may_be_long(door: Door) -> None:
    """If-None-Match is a list of any length: the document sets no bound, and the last of many counts."""
    ada = await door.someone()
    tag = (await ada.ask("GET", "/v1/me")).headers["ETag"]
    many = ", ".join(f'"{n:x}"' for n in range(2_000))
    for said, status in ((many, 200), (f"{many}, {tag}", 304)):
        answer = await ada.ask("GET", "/v1/me", headers={"If-None-Match": said})
        assert answer.status_code == status
    operation = (await _document(door))["paths"]["/v1/me"]["get"]
    [condition] = [one for one in operation["parameters"] if one["name"] == "If-None-Match"]
    assert condition["schema"] == {"type": "string"}


async def test_what_nobody_may_do_unasked_is_refused_as_documented(door: Door) -> None:
    """Uploads and objects without a signature, grants that were never given: each refusal is in the document."""
    asked: tuple[tuple[str, str, dict[str, Any], int], ...] = (
        ("POST", "/v1/store", {}, 400),
        ("POST", "/v1/store", {"files": {"file": b"x"}}, 403),
        ("GET", "/v1/store/media/x?type=&until=&signature=", {}, 403),
        ("POST", "/v1/sessions/exchange", {"json": {"install": "p", "grant": "msg_x"}}, 401),
    )
    for method, path, more, status in asked:
        answer = await door.client.request(method, path, **more)
        assert answer.status_code == status, (method, path, answer.text)
    media = (await _document(door))["paths"]["/v1/media/{media}"]["get"]["responses"]
    assert {"200", "302"} <= set(media)
    assert "204" not in media


async def test_an_answer_outside_the_document_fails_its_test(door: Door) -> None:
    """What looks at every answer of these tests sees a status, a type and a code that are not there."""
    document = httpx.MockTransport(
        lambda _: httpx.Response(500)  # known by now: nothing is asked
    )
    await door.client.get("/healthz")
    look = Documented(document).look
    asked = httpx.Request("GET", "http://door/v1/me")
    problem = {"content-type": "application/problem+json"}
    for answer in (
        httpx.Response(418, request=asked),
        httpx.Response(204, request=asked),
        httpx.Response(200, text="words", request=asked),
        httpx.Response(401, json={"name": "not_found"}, headers=problem, request=asked),
        httpx.Response(200, request=httpx.Request("PUT", "http://door/v1/me")),
    ):
        with pytest.raises(AssertionError, match=r"GET|PUT"):
            await look(answer)
    await look(httpx.Response(200, json={}, request=asked))
