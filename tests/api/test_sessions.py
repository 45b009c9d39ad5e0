"""Registering, logging in, refreshing and logging out, as a client sees it."""

import asyncio
import base64
from typing import Any

import httpx

from muster.permission import ServiceRole
from tests.api.door import PASSWORD, Door, Someone
from tests.api.opening import open_door


async def _refresh(door: Door, token: str) -> httpx.Response:
    return await door.client.post("/v1/sessions/refresh", json={"refresh_token": token})


async def _log_in(door: Door, handle: str, password: str) -> httpx.Response:
    body = {"handle": handle, "password": password, "install": "phone"}
    return await door.client.post("/v1/sessions", json=body)


async def test_handle_is_unique_in_any_case(door: Door) -> None:
    """Ada and aDA are one handle; it is shown as typed and found in any case."""
    ada = await door.register("Ada")
    taken = await door.client.post("/v1/people", json={"handle": "aDA", "password": PASSWORD})
    assert taken.status_code == 409
    found = await ada.done("GET", "/v1/people/@ADA")
    assert (found["id"], found["handle"]) == (str(ada.id), "Ada")


async def test_unknown_person_and_wrong_password_answer_alike(door: Door) -> None:
    """Nobody learns from logging in who has an account."""
    await door.register("ada")
    wrong = await _log_in(door, "ada", "not her password")
    unknown = await _log_in(door, "nobody-at-all", "not her password")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()


async def test_lost_answer_logs_nobody_out(door: Door) -> None:
    """Asking again with the same token, as after a lost answer, gives the same successor."""
    ada = await door.register("ada")
    first = (await _refresh(door, ada.refresh_token)).json()
    again = (await _refresh(door, ada.refresh_token)).json()
    assert first["refresh_token"] == again["refresh_token"] != ada.refresh_token
    assert (await _refresh(door, first["refresh_token"])).status_code == 200


async def test_fifty_parallel_refreshes_make_one_chain(door: Door) -> None:
    """Fifty at once get one and the same successor, and the chain goes on from it."""
    ada = await door.register("ada")
    answers = await asyncio.gather(*(_refresh(door, ada.refresh_token) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    successors = {answer.json()["refresh_token"] for answer in answers}
    assert len(successors) == 1
    kept = await door.database.fetchval("SELECT count(*) FROM refresh_tokens")
    assert kept == 2
    assert (await _refresh(door, successors.pop())).status_code == 200


async def test_reuse_of_a_retired_token_ends_the_session(door: Door) -> None:
    """Once a successor was used, its predecessor is a stolen token: the whole family goes."""
    ada = await door.register("ada")
    second = (await _refresh(door, ada.refresh_token)).json()
    third = (await _refresh(door, second["refresh_token"])).json()
    assert (await _refresh(door, ada.refresh_token)).status_code == 401
    assert (await _refresh(door, third["refresh_token"])).status_code == 401
    await door.heard()
    thief = Someone(door, ada.id, "ada", third["access_token"])
    assert (await thief.ask("GET", "/v1/me")).status_code == 401


async def test_refresh_tokens_end_after_a_week(door: Door) -> None:
    """A token waits seven days to be used, no longer."""
    ada = await door.register("ada")
    door.clock.ahead_s = 7 * 86_400 - 60
    fresh = (await _refresh(door, ada.refresh_token)).json()
    door.clock.ahead_s += 7 * 86_400 + 60
    assert (await _refresh(door, fresh["refresh_token"])).status_code == 401


async def test_a_login_ends_however_often_it_is_refreshed(
    database_url: str, redis_url: str
) -> None:
    """The whole family has an end of its own."""
    async with open_door(database_url, redis_url, session_days=10) as door:
        ada = await door.register("ada")
        door.clock.ahead_s = 6 * 86_400
        fresh = (await _refresh(door, ada.refresh_token)).json()
        door.clock.ahead_s = 10 * 86_400 + 60
        assert (await _refresh(door, fresh["refresh_token"])).status_code == 401


async def test_tokens_of_one_kind_are_none_of_another(door: Door) -> None:
    """A refresh token is no access token, nor the reverse; and only hashes of them are kept."""
    ada = await door.register("ada")
    swapped = Someone(door, ada.id, "ada", ada.refresh_token)
    assert (await swapped.ask("GET", "/v1/me")).status_code == 401
    for other in (
        ada.token,
        "mrt_",
        f"{ada.refresh_token}=",
        ada.refresh_token.removeprefix("mrt_"),
    ):
        assert (await _refresh(door, other)).status_code in (400, 401)
    kept = await door.database.fetch("SELECT * FROM refresh_tokens")
    secret = ada.refresh_token.removeprefix("mrt_")
    raw = base64.urlsafe_b64decode(secret + "=")
    assert not any(raw.hex() in str(dict(row)) or raw in row.values() for row in kept)


async def test_unknown_people_cost_a_hash_and_answer_alike(door: Door) -> None:
    """Status, body and headers, but for the id of the request; of logging in with a password too long as well."""
    await door.register("ada")
    for password in ("not her password", "x" * 200):
        answers = [await _log_in(door, handle, password) for handle in ("ada", "nobody-at-all")]
        told = [
            (
                one.status_code,
                one.json(),
                {k: v for k, v in one.headers.items() if k != "x-request-id"},
            )
            for one in answers
        ]
        assert told[0] == told[1]


async def test_access_tokens_end_after_fifteen_minutes(door: Door) -> None:
    """An old access token is told from a wrong one, so that the client refreshes."""
    ada = await door.register("ada")
    door.clock.ahead_s = 901
    late = await ada.ask("GET", "/v1/me")
    assert (late.status_code, late.json()["name"]) == (401, "token_expired")


async def test_log_out_here_and_everywhere(door: Door) -> None:
    """One session ends alone; "everywhere" ends the rest, and a login right after lives."""
    phone = await door.register("ada")
    tablet = await door.log_in("ada", "tablet")
    laptop = await door.log_in("ada", "laptop")
    await phone.done("DELETE", "/v1/sessions/current")
    await door.heard()
    assert (await phone.ask("GET", "/v1/me")).status_code == 401
    assert (await _refresh(door, phone.refresh_token)).status_code == 401
    assert (await tablet.ask("GET", "/v1/me")).status_code == 200
    await tablet.done("DELETE", "/v1/sessions")
    again = await door.log_in("ada")
    await door.heard()
    assert (await laptop.ask("GET", "/v1/me")).status_code == 401
    assert (await again.ask("GET", "/v1/me")).status_code == 200


async def test_sessions_are_listed_and_ended_one_by_one(door: Door) -> None:
    """My list says which one asks; ending another one's session of somebody else does nothing."""
    phone = await door.register("ada")
    tablet = await door.log_in("ada", "tablet")
    eve = await door.register("eve")
    listed: list[dict[str, Any]] = (await phone.done("GET", "/v1/me/sessions"))["sessions"]
    assert [session["current"] for session in listed] == [False, True]
    await eve.done("DELETE", f"/v1/me/sessions/{listed[0]['id']}")
    await door.heard()
    assert (await tablet.ask("GET", "/v1/me")).status_code == 200
    await phone.done("DELETE", f"/v1/me/sessions/{listed[0]['id']}")
    await door.heard()
    assert (await tablet.ask("GET", "/v1/me")).status_code == 401


async def test_stronger_parameters_rehash_at_login(database_url: str, redis_url: str) -> None:
    """A hash of older parameters is replaced the next time its password is known."""
    async with open_door(database_url, redis_url) as before:
        await before.register("ada")
        old = await before.database.fetchval("SELECT password_hash FROM people")
    async with open_door(database_url, redis_url, password_passes=2) as after:
        await after.log_in("ada")
        new = await after.database.fetchval("SELECT password_hash FROM people")
        await after.log_in("ada")
    assert "t=1" in old
    assert "t=2" in new


async def test_a_ban_beside_a_login_leaves_no_session(door: Door) -> None:
    """Whichever comes first: after a ban nobody holds a session that is not over."""
    admin = await door.someone(role=ServiceRole.admin)
    for number in range(8):
        eve = await door.register(f"eve{number}")
        logins = (_log_in(door, eve.handle, PASSWORD) for _ in range(6))
        await asyncio.gather(*logins, admin.done("PUT", f"/v1/people/{eve.id}/ban"))
    left = await door.database.fetchval(
        "SELECT count(*) FROM sessions s JOIN people p USING (person_id)"
        " WHERE p.banned_at IS NOT NULL AND s.revoked_at IS NULL"
    )
    assert left == 0


async def test_banned_people_cannot_log_in(door: Door) -> None:
    """A ban ends the sessions there are and refuses new ones."""
    ada = await door.register("ada")
    await door.database.execute("UPDATE people SET banned_at = now()")
    assert (await _log_in(door, "ada", PASSWORD)).status_code == 403
    assert (await _refresh(door, ada.refresh_token)).status_code == 401


async def test_an_old_app_is_told_to_upgrade(database_url: str, redis_url: str) -> None:
    """By the version it states, on every route, before anything else; who states none is served."""
    async with open_door(database_url, redis_url, min_version="2.10") as door:
        ada = await door.someone()
        for said, status in (
            ("ios/2.9.9", 426),
            ("ios/2.10", 200),
            ("ios/2.11.1-beta", 200),
            ("android/10 (Pixel)", 200),
            ("nonsense", 426),
        ):
            headers = {"Muster-Client": said}
            answer = await ada.ask("GET", "/v1/me", headers=headers)
            assert answer.status_code == status, said
            hubs = await door.client.get("/v1/hubs", headers=headers)
            assert hubs.status_code == status, said
        problem = (await ada.ask("GET", "/v1/me", headers={"Muster-Client": "ios/1"})).json()
        assert (problem["name"], problem["code"], problem["temporary"]) == (
            "upgrade_required",
            112,
            False,
        )
        assert "2.10" in problem["detail"]
        assert (await ada.ask("GET", "/v1/me")).status_code == 200
        described = (await door.client.get("/v1/openapi.json")).json()["paths"]
        operations = [one for path in described.values() for one in path.values()]
        assert all("426" in operation["responses"] for operation in operations)
