"""The app's own servers: people, rooms and messages by service key, within 2 seconds of a key's end."""

import asyncio
from collections.abc import Awaitable
from typing import Any
from uuid import UUID, uuid4

import pytest

from muster.arrivals import GRANT_S
from muster.errors import Refused
from muster.ids import NOBODY
from muster.permission import Scope, ServiceRole
from muster.service_keys import FRESH_S, NOTED_EVERY_S, read_word
from muster.stores.postgres import service_keys
from tests.api.door import Door, Server, Someone
from tests.api.opening import open_door

ALL = tuple(Scope)


async def someone(door: Door, server: Server, external: str, **wish: Any) -> Someone:
    """Somebody of the app's, logged in by a grant."""
    await server.done("PUT", f"/v1/service/people/{external}", json=wish)
    grant = await server.done("POST", f"/v1/service/people/{external}/grant")
    body = {"grant": grant["grant"], "install": "phone"}
    answer = await door.client.post("/v1/sessions/exchange", json=body)
    assert answer.status_code == 201, answer.text
    session = answer.json()
    return Someone(door, UUID(session["person"]), external, session["access_token"])  # type: ignore[arg-type]


async def test_a_person_is_made_once_and_changed(door: Door) -> None:
    """By what the app calls them, however often; the handle is a wish, heard once."""
    server = await door.service(Scope.people)
    path = "/v1/service/people/user 42@app"
    made = await server.ask("PUT", path, json={"handle": "ada", "name": "Ada"})
    assert made.status_code == 201
    again = await server.ask("PUT", path, json={"handle": "else", "bio": "Counts."})
    assert again.status_code == 200
    assert again.json() == {**made.json(), "bio": "Counts."}
    assert await server.done("GET", path) == again.json()
    other = await server.done("PUT", "/v1/service/people/43", json={"handle": "ada"})
    assert other["handle"].startswith("ada_")
    assert (await server.ask("GET", "/v1/service/people/44")).status_code == 404


async def test_a_grant_lets_one_person_in_once(door: Door) -> None:
    """Used twice at once, one wins; too old, nobody; and it is kept nowhere."""
    server = await door.service(Scope.people)
    await server.done("PUT", "/v1/service/people/1", json={})
    grant = await server.done("POST", "/v1/service/people/1/grant")
    body = {"grant": grant["grant"], "install": "phone"}
    answers = await asyncio.gather(
        *(door.client.post("/v1/sessions/exchange", json=body) for _ in range(5))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 401, 401, 401, 401]
    late = await server.done(
        "POST", "/v1/service/people/1/grant", headers={"Idempotency-Key": "kept?"}
    )
    assert await door.database.fetchval("SELECT count(*) FROM idempotency_keys") == 0
    await door.database.execute(
        "UPDATE grants SET expires_at = expires_at - $1 * interval '1 second'", GRANT_S
    )
    body = {"grant": late["grant"], "install": "phone"}
    answer = await door.client.post("/v1/sessions/exchange", json=body)
    assert answer.status_code == 401
    assert await door.database.fetchval("SELECT count(*) FROM grants") == 0


async def test_who_is_deactivated_is_out_and_may_come_back(door: Door) -> None:
    """Sessions end, grants are refused; both until they are active again."""
    server = await door.service(Scope.people)
    ada = await someone(door, server, "1")
    for _ in range(2):
        await server.done("PUT", "/v1/service/people/1", json={"active": False})
    await door.heard()
    assert (await ada.ask("GET", "/v1/me")).status_code == 401
    assert (await server.ask("POST", "/v1/service/people/1/grant")).status_code == 403
    assert (await server.done("PUT", "/v1/service/people/1", json={"active": True}))["active"]
    assert (await someone(door, server, "1")).id == ada.id


async def test_no_key_acts_as_staff(door: Door) -> None:
    """Neither a session of theirs nor their end."""
    server = await door.service(Scope.people)
    ada = await someone(door, server, "1")
    await door.database.execute(
        "UPDATE people SET service_role = $2 WHERE person_id = $1", ada.id, ServiceRole.admin.value
    )
    assert (await server.ask("POST", "/v1/service/people/1/grant")).status_code == 403
    out = {"active": False}
    assert (await server.ask("PUT", "/v1/service/people/1", json=out)).status_code == 403


async def test_a_room_of_the_apps(door: Door) -> None:
    """Made once by its name, with people in it whoever blocks whom; changed by the same call."""
    server = await door.service(*ALL)
    ada, bob, eve = [await someone(door, server, name) for name in ("ada", "bob", "eve")]
    await bob.done("PUT", f"/v1/me/blocks/{ada.id}")
    await bob.done("PATCH", "/v1/me/privacy", json={"message": "nobody"})
    wanted = {"kind": "group", "title": "Event 7", "owner": str(ada.id), "people": [str(bob.id)]}
    answers = await asyncio.gather(
        *(server.ask("PUT", "/v1/service/rooms/event-7", json=wanted) for _ in range(3))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 200, 201]
    room = answers[0].json()["id"]
    members = (await ada.done("GET", f"/v1/rooms/{room}/members"))["members"]
    assert {(one["id"], one["role"]) for one in members} == {
        (str(ada.id), "owner"),
        (str(bob.id), "member"),
    }
    await server.done("PUT", "/v1/service/rooms/event-7", json={**wanted, "title": "Event 7b"})
    assert (await bob.done("GET", f"/v1/rooms/{room}"))["title"] == "Event 7b"

    place = f"/v1/service/rooms/{room}/members"
    await server.done("PUT", f"{place}/{eve.id}", json={"role": "moderator"})
    assert (await eve.done("GET", f"/v1/rooms/{room}"))["role"] == "moderator"
    await server.done("DELETE", f"{place}/{eve.id}")
    assert (await eve.ask("GET", f"/v1/rooms/{room}")).status_code == 404
    assert (await server.ask("DELETE", f"{place}/{ada.id}")).status_code == 403
    for where, person, status in (
        (room, uuid4(), 404),
        (uuid4(), ada.id, 404),
        (ada.id, ada.id, 403),
        (ada.id, bob.id, 404),
    ):
        path = f"/v1/service/rooms/{where}/members/{person}"
        assert (await server.ask("PUT", path, json={})).status_code == status
    unknown = {**wanted, "owner": str(uuid4())}
    assert (await server.ask("PUT", "/v1/service/rooms/8", json=unknown)).status_code == 404


async def test_the_app_speaks_and_is_seen_to(door: Door) -> None:
    """As the system, or as a sender; one row per client id; nobody can pretend to be either."""
    server = await door.service(*ALL)
    ada = await someone(door, server, "ada")
    room = await ada.room("announcement")
    path = f"/v1/service/rooms/{room}/messages"
    said = {"client_id": "c-1", "text": "Doors open.", "sender": "Box office"}
    first, second = [await server.done("POST", path, json=said) for _ in range(2)]
    assert (first["seq"], first["fresh"]) == (second["seq"], True)
    assert not second["fresh"]
    await server.done("POST", path, json={"client_id": "c-1", "text": "Down at 3."})
    await ada.post(room, "mine", author_kind="system", sender="Box office")
    page = (await ada.done("GET", f"/v1/rooms/{room}/history"))["entries"][-3:]
    told = [(e["body"].get("author_kind"), e["body"].get("sender"), e["author"]) for e in page]
    assert told[0][:2] == ("app", "Box office")
    assert told[1] == ("system", None, str(NOBODY))
    assert told[2] == (None, None, str(ada.id))
    assert (await ada.ask("GET", f"/v1/people/{told[0][2]}")).status_code == 404
    for where in (ada.id, uuid4()):  # nobody's own log, and no room at all
        answer = await server.ask("POST", f"/v1/service/rooms/{where}/messages", json=said)
        assert answer.status_code == 404


async def test_a_key_ends_within_two_seconds(door: Door) -> None:
    """Revoked or expired, without a restart; another key with the same scopes goes on."""
    one, other = await door.service(Scope.people), await door.service(Scope.people)
    path = "/v1/service/people/1"
    assert (await one.ask("GET", path)).status_code == 404
    assert await service_keys.revoke(door.database, one.key)
    door.clock.ahead_s += FRESH_S
    assert FRESH_S < 2
    assert (await one.ask("GET", path)).status_code == 401
    assert (await other.ask("GET", path)).status_code == 404
    await door.database.execute(
        "UPDATE service_keys SET expires_at = now() + interval '1 hour' WHERE key_id = $1",
        other.key,
    )
    door.clock.ahead_s += FRESH_S
    assert (await other.ask("GET", path)).status_code == 404
    door.clock.ahead_s += 3_600
    assert (await other.ask("GET", path)).status_code == 401


async def test_words_that_are_no_keys(door: Door) -> None:
    """Another secret, another id, no secret; and asking Postgres no more for it."""
    one, other = await door.service(Scope.people), await door.service(Scope.people)
    prefix, key, secret = one.word.split("_", 2)
    theirs = other.word.split("_", 2)[2]
    uses = "muster_api_database_seconds_count"
    await one.ask("GET", "/v1/service/people/1")
    before = door.counted(uses)
    for word in (
        f"{prefix}_{key}_{theirs}",
        f"{prefix}_{uuid4().hex}_{secret}",
        f"{prefix}_{key}_",
        f"{prefix}_{key}",
        f"{prefix}_{key}_{secret}x",
        "msk_",
        "msk_" + "x" * 5_000,
    ):
        headers = {"Authorization": f"Bearer {word}"}
        answer = await door.client.get("/v1/service/people/1", headers=headers)
        assert answer.status_code == 401, word
    assert door.counted(uses) == before
    assert read_word(one.word) is not None
    assert secret not in repr(one)


async def test_a_key_opens_no_socket_and_makes_no_key(door: Door) -> None:
    """The hub believes access tokens alone, and no route is about keys."""
    server = await door.service(*ALL)
    with pytest.raises(Refused):
        door.tokens().verify(server.word)
    paths = (await door.client.get("/v1/openapi.json")).json()["paths"]
    assert not [path for path in paths if "key" in path]


async def test_use_is_noted_about_once_a_minute(door: Door) -> None:
    """Not by every request."""
    server = await door.service(Scope.people)
    noted = "SELECT used_at FROM service_keys"
    assert await door.database.fetchval(noted) is None
    await server.ask("GET", "/v1/service/people/1")
    first = await door.database.fetchval(noted)
    assert first is not None
    await server.ask("GET", "/v1/service/people/1")
    assert await door.database.fetchval(noted) == first
    door.clock.ahead_s += NOTED_EVERY_S
    await server.ask("GET", "/v1/service/people/1")
    assert await door.database.fetchval(noted) > first


async def test_a_key_has_a_bucket_of_its_own(database_url: str, redis_url: str) -> None:
    """One that asks too often is told to wait; another is not."""
    async with open_door(database_url, redis_url, rate_limits=True, service_per_s=1.0) as door:
        one, other = await door.service(Scope.people), await door.service(Scope.people)

        async def status(asked: Awaitable[Any]) -> int:
            return int((await asked).status_code)

        path = "/v1/service/people/1"
        got = [await status(one.ask("GET", path)) for _ in range(5)]
        assert got[0] == 404
        assert got[-1] == 429
        assert await status(other.ask("GET", path)) == 404


async def test_a_repeat_with_a_key_is_answered_not_done(door: Door) -> None:
    """Idempotency-Keys are each service key's own."""
    one, other = await door.service(*ALL), await door.service(*ALL)
    headers = {"Idempotency-Key": "k-1"}
    path = "/v1/service/people/7"
    first = await one.ask("PUT", path, json={"name": "A"}, headers=headers)
    again = await one.ask("PUT", path, json={"name": "A"}, headers=headers)
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["idempotency-replayed"] == "true"
    changed = await one.ask("PUT", path, json={"name": "B"}, headers=headers)
    assert changed.status_code == 409
    assert (await other.ask("PUT", path, json={"name": "B"}, headers=headers)).status_code == 200
