"""The terms and the privacy policy: what is in force, who has accepted which, and what happens to who has not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from proto.codes import Code
from tests.api.door import Door
from tests.api.opening import open_door

TERMS: dict[str, Any] = {
    "terms_version": "2026-03",
    "terms_url": "https://app.example/terms",
    "privacy_version": "7",
}


@pytest_asyncio.fixture
async def strict(database_url: str, redis_url: str) -> AsyncIterator[Door]:
    """A door whose operator insists."""
    async with open_door(database_url, redis_url, agreements_enforced=True, **TERMS) as opened:
        yield opened


async def test_without_terms_nobody_owes_anything(door: Door) -> None:
    """And nothing can be accepted."""
    ada = await door.someone()
    assert (await door.client.get("/v1/agreements")).json() == {"documents": [], "enforced": False}
    mine = await ada.done("GET", "/v1/me/agreements")
    assert mine == {"accepted": [], "owed": [], "enforced": False}
    answer = await ada.ask("POST", "/v1/me/agreements", json={"terms": "1"})
    assert answer.status_code == 409
    assert (await ada.ask("POST", "/v1/me/agreements", json={})).status_code == 409


async def test_who_owes_is_refused_until_they_accept_where_the_operator_insists(
    strict: Door,
) -> None:
    """With a code of its own; what they need in order to accept, or to leave, is open."""
    ada = await strict.someone()
    for path in ("/v1/me/rooms", "/v1/me/sync"):
        refused = await ada.ask("GET", path)
        assert (refused.status_code, refused.json()["code"]) == (403, Code.agreement_required)
    assert (await ada.ask("GET", "/v1/me")).status_code == 200
    owed = (await ada.done("GET", "/v1/me/agreements"))["owed"]
    assert [(one["document"], one["version"]) for one in owed] == [
        ("terms", "2026-03"),
        ("privacy", "7"),
    ]
    old = {"terms": "2025-01", "privacy": "7"}
    assert (await ada.ask("POST", "/v1/me/agreements", json=old)).status_code == 409
    half = await ada.done("POST", "/v1/me/agreements", json={"terms": "2026-03"})
    assert [one["document"] for one in half["owed"]] == ["privacy"]
    assert (await ada.ask("GET", "/v1/me/rooms")).status_code == 403
    whole = await ada.done("POST", "/v1/me/agreements", json={"privacy": "7"})
    assert whole["owed"] == []
    assert (await ada.ask("GET", "/v1/me/rooms")).status_code == 200
    bob = await strict.someone()
    assert (await bob.ask("DELETE", "/v1/sessions/current")).status_code == 204


async def test_a_new_version_is_owed_anew_and_the_old_one_stays_on_record(
    strict: Door, database_url: str, redis_url: str
) -> None:
    """With the time each was accepted; without the operator's insisting it is only told."""
    ada = await strict.someone()
    both = {"terms": "2026-03", "privacy": "7"}
    first = await ada.done("POST", "/v1/me/agreements", json=both)
    assert (await ada.done("POST", "/v1/me/agreements", json=both))["accepted"] == first["accepted"]
    newer = {**TERMS, "terms_version": "2026-09"}
    async with open_door(database_url, redis_url, **newer) as next_door:
        headers = {"Authorization": f"Bearer {await next_door.token(ada.id)}"}
        mine = (await next_door.client.get("/v1/me/agreements", headers=headers)).json()
        assert [one["version"] for one in mine["owed"]] == ["2026-09"]
        assert (await next_door.client.get("/v1/me/rooms", headers=headers)).status_code == 200
        answer = await next_door.client.post(
            "/v1/me/agreements", headers=headers, json={"terms": "2026-09"}
        )
        versions = {(one["document"], one["version"]) for one in answer.json()["accepted"]}
        assert versions == {("terms", "2026-03"), ("privacy", "7"), ("terms", "2026-09")}
        assert all(one["at_ms"] > 0 for one in answer.json()["accepted"])
