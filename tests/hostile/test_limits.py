"""People who ask for more than their share: they are slowed down, and nobody else is."""

import asyncio
from uuid import uuid4

from muster.sessions import SESSIONS_MOST
from muster.stores.postgres.idempotency import PostgresIdempotency
from tests.api.door import PASSWORD, Door
from tests.api.opening import open_door


async def test_reading_without_end_slows_the_reader_alone(
    database_url: str, redis_url: str
) -> None:
    """Beyond the burst a read is told when to come back; somebody else reads on."""
    async with open_door(database_url, redis_url, rate_limits=True, reads_per_s=2.0) as door:
        ada, bob = await door.someone(), await door.someone()
        answers = [await ada.ask("GET", "/v1/me/rooms") for _ in range(15)]
        assert {answer.status_code for answer in answers[:10]} == {200}
        assert answers[-1].status_code == 429
        assert int(answers[-1].headers["Retry-After"]) >= 1
        assert (await bob.ask("GET", "/v1/me/rooms")).status_code == 200


async def test_a_room_of_a_hundred_costs_more_than_one_write(
    database_url: str, redis_url: str
) -> None:
    """Each person put into a room is work for the database: two such rooms at once, then a pause."""
    async with open_door(database_url, redis_url, rate_limits=True) as door:
        ada = await door.someone()
        people = [str(uuid4()) for _ in range(100)]
        body = {"kind": "group", "title": "crowd", "people": people}
        asked = (ada.ask("POST", "/v1/rooms", json=body) for _ in range(3))
        answers = {answer.status_code: answer for answer in await asyncio.gather(*asked)}
        assert set(answers) == {404, 429}
        assert int(answers[429].headers["Retry-After"]) >= 1


async def test_nobody_has_sessions_without_number(door: Door) -> None:
    """A new session ends the oldest beyond the bound, so that a ban can always end them all in time."""
    ada = await door.register("ada")
    await door.database.execute(
        "INSERT INTO sessions (session_id, person_id, device_id, created_at, expires_at)"
        " SELECT gen_random_uuid(), $1, gen_random_uuid(), now() - n * interval '1 minute', now() + interval '1 day'"
        " FROM generate_series(1, $2::integer) n",
        ada.id,
        SESSIONS_MOST + 3,
    )
    again = await door.log_in("ada")
    live = "SELECT count(*) FROM sessions WHERE person_id = $1 AND revoked_at IS NULL"
    assert await door.database.fetchval(live, ada.id) == SESSIONS_MOST
    await door.heard()
    assert (await ada.ask("GET", "/v1/me")).status_code == 200
    assert (await again.ask("GET", "/v1/me")).status_code == 200


async def test_a_flood_of_logins_leaves_no_flood_of_sessions(door: Door) -> None:
    """At once and from many installs: the bound holds, and whoever was ended is out by the control log."""
    await door.register("eve")
    body = {"handle": "eve", "password": PASSWORD}
    made = [
        await door.client.post("/v1/sessions", json={**body, "install": f"i{n}"})
        for n in range(SESSIONS_MOST + 5)
    ]
    tokens = [answer.json()["access_token"] for answer in made]
    await door.heard()
    answers = await asyncio.gather(
        *(
            door.client.get("/v1/me", headers={"Authorization": f"Bearer {token}"})
            for token in (tokens[0], tokens[-1])
        )
    )
    assert [answer.status_code for answer in answers] == [401, 200]


async def test_the_sweep_knows_whether_it_is_done(door: Door) -> None:
    """More kept answers than one sweep removes are removed by the next ones at once."""
    kept = PostgresIdempotency(door.ground.primary)
    await door.database.execute(
        "INSERT INTO idempotency_keys (person_id, key, fingerprint, at)"
        " SELECT gen_random_uuid(), '', '', now() - interval '2 days' FROM generate_series(1, 5001)"
    )
    assert [await kept.sweep(), await kept.sweep()] == [True, False]
    assert await door.database.fetchval("SELECT count(*) FROM idempotency_keys") == 0
