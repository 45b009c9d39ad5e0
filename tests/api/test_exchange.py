"""People of an app that has people already: in by its tokens, and people like all others from then on."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import jwt
import pyotp
import pytest_asyncio

from muster.permission import Scope
from tests.api.door import PASSWORD, Door
from tests.api.opening import open_door
from tests.muster.test_foreign import AUD, ISS, OTHER, rsa_jwk, rsa_key

ISSUERS = [
    {"issuer": ISS, "audience": AUD, "jwks": {"keys": [rsa_jwk("one")]}, "update": True},
    {"issuer": OTHER, "audience": [AUD], "jwks": {"keys": [rsa_jwk("others")]}, "external": True},
]


@pytest_asyncio.fixture
async def door(database_url: str, redis_url: str) -> AsyncIterator[Door]:
    issuers = json.dumps(ISSUERS)
    async with open_door(database_url, redis_url, trusted_issuers=issuers) as opened:
        yield opened


def token(door: Door, sub: str, iss: str = ISS, **claims: Any) -> str:
    now_s = door.clock.now_ms() // 1_000
    said = {"iss": iss, "aud": AUD, "sub": sub, "iat": now_s, "exp": now_s + 60, **claims}
    kid = "one" if iss == ISS else "others"
    return jwt.encode(said, rsa_key(kid), "RS256", {"kid": kid})


async def exchange(door: Door, word: str, **more: Any) -> httpx.Response:
    body = {"token": word, "install": "phone", **more}
    return await door.client.post("/v1/sessions/exchange", json=body)


async def profile(door: Door, grant: dict[str, Any]) -> Any:
    headers = {"Authorization": f"Bearer {grant['access_token']}"}
    return (await door.client.get("/v1/me", headers=headers)).json()


async def test_first_sight_makes_a_person_and_later_sights_the_same(door: Door) -> None:
    """Handle and name from the token; the session refreshes and ends like any other."""
    word = token(door, "u-1", preferred_username="ada@app.example", name="Ada\u202e L.")
    first = await exchange(door, word)
    assert first.status_code == 201, first.text
    me = await profile(door, first.json())
    assert (me["handle"], me["name"], me["role"]) == ("ada", "Ada L.", "user")
    again = (await exchange(door, token(door, "u-1"))).json()
    assert again["person"] == first.json()["person"]
    refreshed = await door.client.post(
        "/v1/sessions/refresh", json={"refresh_token": again["refresh_token"]}
    )
    assert refreshed.status_code == 200
    headers = {"Authorization": f"Bearer {again['access_token']}"}
    await door.client.delete("/v1/sessions", headers=headers)
    await door.heard()
    assert (await door.client.get("/v1/me", headers=headers)).status_code == 401


async def test_a_name_follows_only_an_issuer_that_may(door: Door) -> None:
    """The handle never does."""
    for iss, followed in ((ISS, "New"), (OTHER, "Old")):
        claims = {"preferred_username": "somebody", "name": "Old"}
        await exchange(door, token(door, "u-1", iss, **claims))
        claims = {"preferred_username": "else", "name": "New"}
        me = await profile(door, (await exchange(door, token(door, "u-1", iss, **claims))).json())
        assert me["name"] == followed
        assert me["handle"].startswith("somebody")


async def test_the_same_subject_of_two_issuers_is_two_people(door: Door) -> None:
    """With the same wish for a handle, which one of them gets."""
    claims = {"preferred_username": "ada"}
    people = [
        (await exchange(door, token(door, "u-1", iss, **claims))).json() for iss in (ISS, OTHER)
    ]
    assert people[0]["person"] != people[1]["person"]
    handles = [(await profile(door, one))["handle"] for one in people]
    assert handles[0] == "ada"
    assert handles[1].startswith("ada_")


async def test_many_first_sights_at_once_are_one_person(door: Door) -> None:
    """Ten devices log in at the same moment."""
    word = token(door, "u-9", preferred_username="grace")
    answers = await asyncio.gather(*(exchange(door, word) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["person"] for answer in answers}) == 1
    assert await door.database.fetchval("SELECT count(*) FROM people") == 1


async def test_handles_that_nobody_may_have_are_made_otherwise(door: Door) -> None:
    """Reserved, foreign letters, too short, none at all: everybody gets one."""
    wishes = ("admin", "Łukasz Żółw", "x", "", "日本語", "a" * 90, "--", "ada\x00da")
    for n, wish in enumerate(wishes):
        answer = await exchange(door, token(door, f"w-{n}", preferred_username=wish))
        assert answer.status_code == 201, (wish, answer.text)
        assert (await profile(door, answer.json()))["handle"] != "admin"


async def test_who_is_banned_does_not_come_in_by_another_door(door: Door) -> None:
    """The control log knows nothing of where somebody came from, and need not."""
    server = await door.service(Scope.people)
    grant = (await exchange(door, token(door, "u-1", OTHER))).json()
    shut = {"active": False}
    person = await server.done("PUT", "/v1/service/people/u-1", json=shut)
    assert (person["id"], person["active"]) == (grant["person"], False)
    await door.heard()
    headers = {"Authorization": f"Bearer {grant['access_token']}"}
    assert (await door.client.get("/v1/me", headers=headers)).status_code == 401
    assert (await exchange(door, token(door, "u-1", OTHER))).status_code == 403


async def test_bad_exchanges_are_plain_errors(door: Door) -> None:
    """And leave nobody behind."""
    for body, status in (
        ({"install": "p"}, 400),
        ({"install": "p", "token": "t", "grant": "g"}, 400),
        ({"install": "p", "token": "t"}, 401),
        ({"install": "p", "grant": "msg_nobody"}, 401),
        ({"install": "p", "token": "x" * 20_000}, 400),
        ({"token": token(door, "u-1")}, 400),
        ({"install": "p", "token": token(door, "u-1", aud="else")}, 401),
    ):
        answer = await door.client.post("/v1/sessions/exchange", json=body)
        assert answer.status_code == status, (body, answer.text)
    assert await door.database.fetchval("SELECT count(*) FROM people") == 0


async def test_a_second_factor_is_asked_for_whichever_door_they_come_by(door: Door) -> None:
    """A token of a trusted issuer, and a grant, are the first step of two."""
    ada = await door.register("ada")
    begun = await ada.done("POST", "/v1/me/second-factor", json={"password": PASSWORD})
    codes = pyotp.TOTP(begun["secret"])
    code = codes.at(door.clock.now_ms() // 1_000)
    await ada.done("POST", "/v1/me/second-factor/confirm", json={"code": code})
    await door.database.execute(
        "INSERT INTO externals (realm, subject, person_id) VALUES ($1, 'u-1', $2), ('', 'u-1', $2)",
        ISS,
        ada.id,
    )
    key = await door.service(Scope.people)
    granted = await key.done("POST", "/v1/service/people/u-1/grant")
    body = {"grant": granted["grant"], "install": "phone"}
    by_grant = await door.client.post("/v1/sessions/exchange", json=body)
    for answer in (await exchange(door, token(door, "u-1")), by_grant):
        assert answer.status_code == 202, answer.text
        assert "access_token" not in answer.json()
    door.clock.ahead_s += 30
    step = {"mfa_token": by_grant.json()["mfa_token"], "install": "phone"}
    step["code"] = codes.at(door.clock.now_ms() // 1_000)
    done = await door.client.post("/v1/sessions/second-step", json=step)
    assert (done.status_code, done.json()["person"]) == (201, str(ada.id))
